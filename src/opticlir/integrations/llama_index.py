"""A retriever for LlamaIndex: `pip install 'opticlir[llama-index]'`."""

from typing import Any

from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from opticlir.integrations import Searcher, metadata_of, searched


class OpticlirRetriever(BaseRetriever):
    """Finds English documents for questions in other languages.

    Args:
        searcher: a `Retriever`, a `SearchEngine` or a `Client`.
        k: documents per question, >= 1.
        settings: further arguments of the searcher's `search`, such as `language="swa"`.

    Example:
        `OpticlirRetriever(opticlir.Client(), k=5).retrieve("Maji salama ni yapi?")`
    """

    def __init__(self, searcher: Searcher, *, k: int = 5, **settings: Any) -> None:
        if k < 1:
            raise ValueError(f"k is {k}: expected 1 or more")
        self._searcher, self._k, self._settings = searcher, k, settings
        super().__init__()

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        # what is also in the text is no part of the prompt a second time
        return [
            NodeWithScore(
                score=hit.score,
                node=TextNode(
                    id_=hit.doc_id, text=hit.text, metadata=metadata_of(hit),
                    excluded_llm_metadata_keys=["doc_id", "passage", "score"],
                    excluded_embed_metadata_keys=["doc_id", "passage", "score"],
                ),
            )
            for hit in searched(self._searcher, query_bundle.query_str, self._k, self._settings)
        ]  # fmt: skip
