"""A chain of LangChain answers from the passages of the demo."""

import pytest

pytest.importorskip("langchain_core", reason="the LangChain retriever needs langchain-core")

from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from pydantic import ValidationError

from integrations.conftest import QUESTION
from opticlir.errors import SettingsError
from opticlir.integrations.langchain import OpticlirRetriever


def test_a_chain_puts_what_is_found_before_a_language_model(engine):
    seen = []
    prompt = ChatPromptTemplate.from_template("Answer from:\n{context}\n\nQuestion: {question}")
    joined = RunnableLambda(lambda documents: "\n".join(each.page_content for each in documents))
    spied = RunnableLambda(lambda asked: seen.append(asked.to_string()) or asked)
    chain = (
        {"context": OpticlirRetriever(searcher=engine, k=3) | joined, "question": RunnablePassthrough()}
        | prompt
        | spied
        | FakeListChatModel(responses=["For one minute."])
        | StrOutputParser()
    )
    assert chain.invoke(QUESTION) == "For one minute."
    assert QUESTION in seen[0]
    assert engine.document("water-boiling").text in seen[0]


def test_documents_keep_their_ids_titles_scores_and_passages(engine):
    found = OpticlirRetriever(searcher=engine, k=2, settings={"ranking": "dense"}).invoke(QUESTION)
    expected = engine.search(QUESTION, k=2, ranking="dense").hits
    assert [each.id for each in found] == [hit.doc_id for hit in expected]
    assert [each.metadata["score"] for each in found] == [hit.score for hit in expected]
    assert found[0].metadata["title"] == expected[0].title
    assert found[0].metadata["passage"] == expected[0].snippet


def test_hits_keep_their_metadata_and_a_filter_chooses_among_them():
    from opticlir.search import Hit, Hits

    class Searcher:
        def search(self, text, k, **settings):
            return Hits(
                settings["filter"],
                "hybrid",
                (Hit("d", 1.0, "t", "x", "s", fields={"year": 2020, "score": 9}),),
            )

    (found,) = OpticlirRetriever(searcher=Searcher(), settings={"filter": "year > 1"}).invoke("?")
    assert found.metadata == {"year": 2020, "doc_id": "d", "title": "t", "passage": "s", "score": 1.0}


def test_a_retriever_serves_too(engine):
    import opticlir

    retriever = opticlir.Retriever.open(engine._path, "minilm", device="cpu")
    found = OpticlirRetriever(searcher=retriever).invoke(QUESTION)
    assert [each.id for each in found] == [hit.doc_id for hit in retriever.search(QUESTION, k=5)]


def test_what_is_wrong_is_said(engine):
    with pytest.raises(ValidationError, match="searcher"):
        OpticlirRetriever(searcher="index")
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        OpticlirRetriever(searcher=engine, k=0)
    with pytest.raises(SettingsError, match="no model reads the language"):
        OpticlirRetriever(searcher=engine, settings={"language": "swa"}).invoke(QUESTION)
