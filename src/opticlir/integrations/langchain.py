"""A retriever for LangChain: `pip install 'opticlir[langchain]'`."""

from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import Field

from opticlir.integrations import Searcher, metadata_of, searched


class OpticlirRetriever(BaseRetriever):
    """Finds English documents for questions in other languages.

    Example:
        `OpticlirRetriever(searcher=opticlir.Client(), k=5).invoke("Maji salama ni yapi?")`
    """

    searcher: Searcher
    """A `Retriever`, a `SearchEngine` or a `Client`."""
    k: int = Field(default=5, ge=1)
    """Documents per question."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Further arguments of the searcher's `search`, such as `{"language": "swa"}`."""

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        return [
            Document(id=hit.doc_id, page_content=hit.text, metadata=metadata_of(hit))
            for hit in searched(self.searcher, query, self.k, self.settings)
        ]
