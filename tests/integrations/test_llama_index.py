"""A query engine of LlamaIndex answers from the passages of the demo."""

import pytest

pytest.importorskip("llama_index.core", reason="the LlamaIndex retriever needs llama-index-core")

from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import MetadataMode

from integrations.conftest import QUESTION
from opticlir.integrations.llama_index import OpticlirRetriever


def test_a_query_engine_puts_what_is_found_before_a_language_model(engine):
    llm = MockLLM()  # it says its prompt
    answer = RetrieverQueryEngine.from_args(OpticlirRetriever(engine, k=3), llm=llm).query(QUESTION)
    assert QUESTION in str(answer)
    assert engine.document("water-boiling").text in str(answer)
    assert "water-boiling" in [each.node.node_id for each in answer.source_nodes]


def test_nodes_keep_their_ids_titles_scores_and_passages(engine):
    found = OpticlirRetriever(engine, k=2, ranking="dense").retrieve(QUESTION)
    expected = engine.search(QUESTION, k=2, ranking="dense").hits
    assert [each.node.node_id for each in found] == [hit.doc_id for hit in expected]
    assert [each.score for each in found] == [hit.score for hit in expected]
    assert found[0].node.metadata["passage"] == expected[0].snippet
    assert expected[0].snippet not in found[0].node.get_metadata_str(MetadataMode.LLM)


def test_a_wrong_number_is_refused(engine):
    with pytest.raises(ValueError, match="k is 0: expected 1 or more"):
        OpticlirRetriever(engine, k=0)
