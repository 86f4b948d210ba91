"""The data types that all packages share, and the order of a ranking."""

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

DocumentId: TypeAlias = str
QueryId: TypeAlias = str

Qrels: TypeAlias = dict[QueryId, dict[DocumentId, int]]
"""Judgements: integer grade by query and document. 0 is judged not relevant; an absent document is unjudged."""

Run: TypeAlias = dict[QueryId, dict[DocumentId, float]]
"""Rankings: score by query and document. Higher is better; `ranked` says how equal scores are ordered."""

Ranking: TypeAlias = Literal["hybrid", "dense", "bm25"]
"""`dense` is MaxSim, `bm25` the words of the untranslated query alone, `hybrid` both (see `search/hybrid.py`)."""

Span: TypeAlias = tuple[int, int]
"""Letters of a text, from and up to."""


def ranked(scores: Mapping[DocumentId, float]) -> list[DocumentId]:
    """Order documents as trec_eval does: by falling score in single precision; of equal scores, the last id first.

    Example:
        >>> ranked({"c": 1.0, "b": 2.0, "a": 1.0})
        ['b', 'c', 'a']
    """
    doc_ids = sorted(scores, reverse=True)
    single = single_precision(scores[doc_id] for doc_id in doc_ids)
    return [doc_ids[place] for place in sorted(range(len(doc_ids)), key=lambda place: -single[place])]


def has_ties(scores: Mapping[DocumentId, float]) -> bool:
    """Whether two documents have the same score in single precision.

    Example:
        >>> has_ties({"a": 1.0, "b": 1.0 + 1e-12}), has_ties({"a": 1.0, "b": 2.0})
        (True, False)
    """
    return len(set(single_precision(scores.values()))) < len(scores)


def single_precision(scores: Iterable[float]) -> "array[float]":
    """Return scores as trec_eval reads them."""
    return array("f", scores)


FieldValue: TypeAlias = str | int | float | bool
"""Of a metadata field: a text, a whole number of 64 bits, a finite number, true or false."""

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
    language: str = ""
    """ISO 639-3 code of the foreign side in a bitext of several languages; empty in a bitext of one."""


@dataclass(frozen=True, slots=True)
class CutSentences:
    """Sentences of a bitext that are longer than the encoders read while training; the rest of them is left out."""

    n_pairs: int
    english: int
    """Sentences that the teacher cuts."""
    foreign: int
    """Sentences that the student cuts."""
    english_tokens: int
    """Tokens that the teacher reads, with special tokens."""
    foreign_tokens: int
    """Tokens that the student reads."""

    def __str__(self) -> str:
        return (
            f"{self.english:,} English sides are longer than {self.english_tokens:,} tokens, {self.foreign:,} foreign "
            f"sides longer than {self.foreign_tokens:,}, of {self.n_pairs:,} sentence pairs"
        )


@dataclass(frozen=True, slots=True)
class Document:
    """A document. `text` is the body without the title; the title may be empty."""

    doc_id: DocumentId
    text: str
    title: str = ""
    fields: Mapping[str, FieldValue] = field(default_factory=dict, hash=False)
    """Its metadata, such as year and source. A filter reads them; encoders and BM25 do not."""

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
class Translation:
    """A question in English, as a machine translated it."""

    text: str
    translator: str
    """Name of what translated it, such as `apertium:spa-eng`."""


@dataclass(frozen=True, slots=True)
class RetrievalTask:
    """A test collection: documents, queries and judgements."""

    name: str
    documents: tuple[Document, ...]
    queries: tuple[Query, ...]
    qrels: Qrels
    english_queries: tuple[Query, ...] = ()
    """The same queries in English, under the same ids, if the collection has them."""
