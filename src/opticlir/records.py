"""The data types that all packages share, and the order of a ranking."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

DocumentId: TypeAlias = str
QueryId: TypeAlias = str

Qrels: TypeAlias = dict[QueryId, dict[DocumentId, int]]
"""Judgements: integer grade by query and document. 0 is judged not relevant; an absent document is unjudged."""

Run: TypeAlias = dict[QueryId, dict[DocumentId, float]]
"""Rankings: score by query and document. Higher is better; equal scores are ordered by document id."""


def ranked(scores: Mapping[DocumentId, float]) -> list[DocumentId]:
    """Order documents by falling score, equal scores by document id.

    Example:
        >>> ranked({"c": 1.0, "b": 2.0, "a": 1.0})
        ['b', 'a', 'c']
    """
    return sorted(scores, key=lambda doc_id: (-scores[doc_id], doc_id))


WordLink: TypeAlias = tuple[int, int]
"""Positions of a foreign word and of an English word in a sentence pair, both counted from 0."""


@dataclass(frozen=True, slots=True)
class GoldLinks:
    """Words of a sentence pair that translate each other, marked by people."""

    sure: frozenset[WordLink]
    possible: frozenset[WordLink]
    """Links that are acceptable; they include the sure ones."""

    def __post_init__(self) -> None:
        if missing := self.sure - self.possible:
            raise ValueError(f"the sure link {min(missing)} is not among the possible ones")


@dataclass(frozen=True, slots=True)
class SentencePair:
    """An English sentence and its translation. Neither is empty."""

    english: str
    foreign: str
    weight: float = 1.0
    """How often the pair counts in word alignment and in sampling, > 0."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document. `text` is the body without the title; the title may be empty."""

    doc_id: DocumentId
    text: str
    title: str = ""

    @property
    def content(self) -> str:
        """Title and body as one string; encoders and the lexical index read this."""
        return f"{self.title} {self.text}" if self.title else self.text


@dataclass(frozen=True, slots=True)
class Query:
    """A question in one language (ISO 639-3)."""

    query_id: QueryId
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class RetrievalTask:
    """A test collection: documents, queries and judgements."""

    name: str
    documents: tuple[Document, ...]
    queries: tuple[Query, ...]
    qrels: Qrels
    english_queries: tuple[Query, ...] = ()
    """The same queries in English, under the same ids, if the collection has them."""
