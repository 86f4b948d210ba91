"""What the engine answers: plain records that become JSON, a page or a tool's result."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from opticlir.data.markup import html_table
from opticlir.records import FieldValue, Ranking, Span, Translation


@dataclass(frozen=True, slots=True)
class Language:
    """A language that questions can be in."""

    code: str
    """ISO 639-3."""
    name: str
    """In English."""
    model: str
    """Name of the model that reads it."""


@dataclass(frozen=True, slots=True)
class WordMatch:
    """A word or token of the question, and what it met in the document."""

    query: str
    query_span: Span
    """Its letters in the question, from and up to."""
    document: str
    document_span: Span | None
    """Its letters in the document's title, a space, and text; None where it met a special token."""
    similarity: float
    """Cosine of the two vectors; of a word the mean over its tokens."""
    share: float
    """Its part of the dense score; all shares and `special_share` sum to 1."""


@dataclass(frozen=True, slots=True)
class ExplanationAnswer:
    """The score of one document for one question, taken apart."""

    words: tuple[WordMatch, ...]
    tokens: tuple[WordMatch, ...]
    special_share: float
    """Part of the dense score that special tokens bring."""
    grams: Mapping[str, float]
    """BM25 score of each piece of a word that question and document share."""
    parts: Mapping[str, float]
    """`hybrid = dense_z + lexical_weight * lexical_z`, and the scores `dense` and `lexical` before they were scaled."""
    translations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """English words by word of the question, where the model keeps its word table."""

    def _repr_html_(self) -> str:
        rows: list[tuple[str | int | float, ...]] = [
            (match.query, match.document, ", ".join(self.translations.get(match.query, ())),
             match.similarity, f"{match.share:.1%}")
            for match in self.words
        ]  # fmt: skip
        if self.special_share:
            rows.append(("special tokens", "", "", "", f"{self.special_share:.1%}"))
        notes = (
            "scores: " + ", ".join(f"{name} {value:.3f}" for name, value in self.parts.items()),
            f"shared pieces of words (BM25): {', '.join(self.grams) or 'none'}",
        )
        return html_table(
            "Why it was found", ("question", "document", "translations", "cosine", "share"), rows, notes
        )


@dataclass(frozen=True, slots=True)
class HitAnswer:
    """One document that was found."""

    rank: int
    doc_id: str
    score: float
    """Higher is better; comparable within one answer only."""
    title: str
    text: str
    snippet: str
    """The passage that answers best."""
    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    """Its metadata, such as year and source."""
    explanation: ExplanationAnswer | None = None

    def _repr_html_(self) -> str:
        heading = f"{self.doc_id}: {self.title}" if self.title else self.doc_id
        table = html_table(heading, ("rank", "score", "text"), [(self.rank, self.score, self.text)])
        return table + (self.explanation._repr_html_() if self.explanation else "")


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """The answer to one question."""

    query: str
    """The question in its normal form; spans count its letters."""
    language: str
    """ISO 639-3 code of the language it was read in."""
    detected: bool
    """Whether the language was detected, not given."""
    model: str
    """Name of the model that read it."""
    ranking: Ranking
    index_version: str
    hits: tuple[HitAnswer, ...]
    notes: tuple[str, ...]
    """What to know of this answer, for example that the question is longer than the model reads."""
    took_ms: float
    translation: Translation | None = None
    """The question in English, where a translation was asked for and there is a translator."""

    def _repr_html_(self) -> str:
        rows = ((hit.rank, hit.score, hit.doc_id, hit.title, hit.snippet) for hit in self.hits)
        how = "detected" if self.detected else "given"
        note = f"language: {self.language} ({how}); model: {self.model}; ranking: {self.ranking}"
        translated = (f"{self.translation.translator}: {self.translation.text}",) if self.translation else ()
        headings = ("rank", "score", "id", "title", "passage")
        return html_table(self.query, headings, rows, (*translated, *self.notes, note))


@dataclass(frozen=True, slots=True)
class RerankedText:
    """A given text and how well it answers."""

    index: int
    """Its place among the given texts, from 0."""
    score: float
    """Mean over the question's tokens of the cosine with the nearest token of the text, cut off at 0; at most 1."""
    text: str


@dataclass(frozen=True, slots=True)
class RerankAnswer:
    """Given texts, best first."""

    query: str
    language: str
    detected: bool
    model: str
    results: tuple[RerankedText, ...]

    def _repr_html_(self) -> str:
        rows = ((each.index, each.score, each.text) for each in self.results)
        return html_table(self.query, ("index", "score", "text"), rows)


@dataclass(frozen=True, slots=True)
class AlignAnswer:
    """The transport plan between a question and an English text."""

    language: str
    detected: bool
    model: str
    query_tokens: tuple[str, ...]
    text_tokens: tuple[str, ...]
    plan: tuple[tuple[float, ...], ...]
    """Mass from each token of the question to each of the text; it sums to 1."""
    cost: float
    """Mean cosine distance of the plan: 0 for equal vectors, 1 for unrelated ones."""
    is_cut: bool
    """Whether a text is longer than the model reads."""

    def _repr_html_(self) -> str:
        rows = [
            (token, *(f"{mass / (sum(masses) or 1):.0%}" for mass in masses))
            for token, masses in zip(self.query_tokens, self.plan, strict=True)
        ]
        cut = ("a text is longer than the model reads: its end is left out",) if self.is_cut else ()
        notes = (f"each row: where a token goes; mean cosine distance {self.cost:.2f}", *cut)
        return html_table("Alignment", ("", *self.text_tokens), rows, notes)


@dataclass(frozen=True, slots=True)
class EmbedAnswer:
    """Token vectors of texts."""

    language: str
    detected: bool
    model: str
    vectors: tuple[np.ndarray, ...]
    """A (tokens, dim) float32 matrix with unit rows per text."""
