"""The nouns that every stage shares. Nothing here computes."""

from dataclasses import dataclass
from typing import TypeAlias

DocumentId: TypeAlias = str
QueryId: TypeAlias = str

Qrels: TypeAlias = dict[QueryId, dict[DocumentId, int]]
"""Judgements: an integer grade; 0 is judged not relevant, an absent document is unjudged."""

Run: TypeAlias = dict[QueryId, dict[DocumentId, float]]
"""Rankings: higher scores are better, equal scores are ordered by document id."""


WordLink: TypeAlias = tuple[int, int]
"""A word of the foreign side of a sentence pair and one of the English side, both counted from 0."""


@dataclass(frozen=True, slots=True)
class GoldLinks:
    """Which words of a sentence pair translate each other, as people marked it."""

    sure: frozenset[WordLink]
    possible: frozenset[WordLink]
    """Those that may be found without being wrong, the sure ones among them."""

    def __post_init__(self) -> None:
        if missing := self.sure - self.possible:
            raise ValueError(f"the sure link {min(missing)} is not among the possible ones")


@dataclass(frozen=True, slots=True)
class SentencePair:
    """One line of bitext: an English sentence and its translation, neither empty."""

    english: str
    foreign: str
    weight: float = 1.0
    """How many times the pair counts in word alignment and in sampling, > 0."""


@dataclass(frozen=True, slots=True)
class Document:
    """One retrieval unit. `title` may be empty, `text` is the body without it."""

    doc_id: DocumentId
    text: str
    title: str = ""

    @property
    def content(self) -> str:
        """Title and body as one string: what encoders and the lexical index read."""
        return f"{self.title} {self.text}" if self.title else self.text


@dataclass(frozen=True, slots=True)
class Query:
    """One information need in one language (ISO 639-3)."""

    query_id: QueryId
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class RetrievalTask:
    """A test collection: what is searched, what is asked, and what should be found."""

    name: str
    documents: tuple[Document, ...]
    queries: tuple[Query, ...]
    qrels: Qrels
    english_queries: tuple[Query, ...] = ()
    """The same needs in English (same ids), where the collection has them: the teacher's ceiling."""
