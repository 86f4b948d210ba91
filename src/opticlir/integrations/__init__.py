"""Retrievers for frameworks that put search before a language model. Each module needs its framework."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from opticlir.records import FieldValue


@runtime_checkable
class FoundDocument(Protocol):
    """A document that was found, as `opticlir.search.Hit`."""

    @property
    def doc_id(self) -> str:
        """Its id."""

    @property
    def score(self) -> float:
        """Higher is better."""

    @property
    def title(self) -> str:
        """May be empty."""

    @property
    def text(self) -> str:
        """Without the title."""

    @property
    def snippet(self) -> str:
        """The passage that answers best."""

    @property
    def fields(self) -> Mapping[str, FieldValue]:
        """Its metadata, such as year and source."""


@runtime_checkable
class FoundDocuments(Protocol):
    """The answer to a question."""

    @property
    def hits(self) -> Sequence[FoundDocument]:
        """Best first."""


@runtime_checkable
class Searcher(Protocol):
    """What answers questions: a `Retriever`, a `SearchEngine`, or a `Client` of a service."""

    @property
    def search(self) -> Callable[..., FoundDocuments]:
        """Answers one question; `k` is the number of documents."""


def searched(searcher: Searcher, question: str, k: int, settings: dict[str, Any]) -> Sequence[FoundDocument]:
    """Ask a searcher.

    Args:
        searcher: that answers.
        question: in any of its languages.
        k: number of documents.
        settings: further arguments of its `search`.
    """
    return searcher.search(question, k=k, **settings).hits


def metadata_of(hit: FoundDocument) -> dict[str, Any]:
    """What frameworks keep with the text of a document: its fields, and what the search found.

    Args:
        hit: a document.
    """
    return {
        **hit.fields,
        "doc_id": hit.doc_id,
        "title": hit.title,
        "passage": hit.snippet,
        "score": hit.score,
    }
