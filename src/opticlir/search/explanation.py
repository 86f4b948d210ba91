"""Why a document answers a question: the words that match, and what each of them adds to the score."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float
from sentence_transformers import MultiVectorEncoder

from opticlir.data.markup import html_table
from opticlir.encoder import Window, scored_tokens, transformer_of, word_places
from opticlir.errors import ArtefactError
from opticlir.records import Document, Span
from opticlir.search.scoring import ScoreParts
from opticlir.visible import visible


@dataclass(frozen=True, slots=True)
class Match:
    """A token or word of the question, and the most similar word of the document (MaxSim)."""

    query: str
    document: str
    similarity: float
    """Cosine of the two vectors; for a word, the mean over its tokens."""
    share: float
    """Its part of the dense score. All shares of an explanation sum to 1."""
    query_span: Span
    """Its letters in the question, from and up to."""
    document_span: Span | None
    """Letters in the document's content (title, a space, text); None if the match is a special token."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The parts of the score of one document for one question."""

    question: str
    document: Document
    tokens: tuple[Match, ...]
    """Tokens of the question with the document words that they match, in the order of the question."""
    words: tuple[Match, ...]
    """The same by words of the question. Each has the document word that its best token matches."""
    special_share: float
    """Part of the dense score that comes from special tokens; 0 if the model leaves them out."""
    grams: Mapping[str, float]
    """BM25 score of each piece of a word that question and document share; `<` and `>` mark its ends."""
    parts: ScoreParts
    """Dense, lexical and hybrid score."""

    def __repr__(self) -> str:
        rows = [
            f"  {visible(match.query):<20} {visible(match.document):<20} {match.similarity:6.3f} {match.share:6.1%}"
            for match in self.words
        ]
        return "\n".join(
            [
                f"{visible(self.document.doc_id)}  {visible(self._heading)}",
                f"  {'question':<20} {'document':<20} {'cosine':>6} {'share':>6}",
                *rows,
                *(
                    [f"  {'special tokens':<41} {'':6} {self.special_share:6.1%}"]
                    if self.special_share
                    else []
                ),
                f"  {self._sum}",
                f"  shared pieces of words (BM25): {visible(', '.join(self.grams)) or 'none'}",
            ]
        )

    def _repr_html_(self) -> str:
        rows: list[tuple[str | int | float, ...]] = [
            (match.query, match.document, match.similarity, f"{match.share:.1%}") for match in self.words
        ]
        if self.special_share:
            rows.append(("special tokens", "", "", f"{self.special_share:.1%}"))
        grams = f"shared pieces of words (BM25): {', '.join(self.grams) or 'none'}"
        caption = f"{self.question}: {self.document.doc_id} {self._heading}"
        return html_table(caption, ("question", "document", "cosine", "share"), rows, (self._sum, grams))

    @property
    def _sum(self) -> str:
        parts = self.parts
        return (
            f"score {parts.hybrid:.3f} = {parts.dense_z:.3f} (z-score of MaxSim {parts.dense:.3f}) + "
            f"{parts.lexical_weight:g} * {parts.lexical_z:.3f} (z-score of BM25 {parts.lexical:.3f})"
        )

    @property
    def _heading(self) -> str:
        """The title, or else how the text begins."""
        return self.document.title or self.document.text[:60]


def explanation(
    model: MultiVectorEncoder,
    *,
    document: Document,
    window: Window,
    question: str,
    similarity: Float[np.ndarray, "m t"],
    parts: ScoreParts,
    grams: Mapping[str, float],
) -> Explanation:
    """Name the words that match by MaxSim.

    Args:
        model: the encoder of both texts.
        document: as it is indexed.
        window: of the passage that gives the document its score.
        question: in its normal form.
        similarity: (m, t) cosines of the question's tokens with the passage's.
        parts: the document's scores.
        grams: BM25 score of each shared piece of a word.

    Raises:
        ArtefactError: the index holds another number of tokens than the model reads in the document.
    """
    query = _places(model, question, "query")
    content = window.of(document.content)
    passage = _places(model, content, "document")
    if similarity.shape != (len(query), len(passage)):
        raise ArtefactError(
            f"document {document.doc_id!r}: the index holds {similarity.shape[1]} tokens, the model reads "
            f"{len(passage)}: build the index again with this model"
        )
    cosines = similarity.max(axis=1).tolist()
    total = sum(cosines) or 1.0
    tokens = []
    for place, cosine, column in zip(query, cosines, similarity.argmax(axis=1).tolist(), strict=True):
        if place.word is not None and place.span is not None:
            met = passage[column]
            name = content[slice(*met.word)] if met.word else met.name
            span = (window.place(met.word[0]), window.place(met.word[1] - 1) + 1) if met.word else None
            shown = question[slice(*place.span)].strip()
            tokens.append((place.word, Match(shown, name, cosine, cosine / total, place.span, span)))
    return Explanation(
        question=question,
        document=document,
        tokens=tuple(match for _, match in tokens),
        words=tuple(
            _of_word(question, word, [match for _, match in group])
            for word, group in groupby(tokens, key=lambda token: token[0])
        ),
        special_share=sum(c for place, c in zip(query, cosines, strict=True) if place.word is None) / total,
        grams=grams,
        parts=parts,
    )


class _Place(NamedTuple):
    """The places in a text of a scored token and of its word; both None for special tokens."""

    name: str
    span: Span | None
    word: Span | None


def _places(model: MultiVectorEncoder, text: str, task: Literal["query", "document"]) -> list[_Place]:
    words = [span for _, span in word_places(transformer_of(model, task).tokenizer.backend_tokenizer, text)]
    starts = [start for start, _ in words]
    (tokens,) = scored_tokens(model, [text], task)
    found = []
    for token in tokens:
        # by its last letter: a token may begin with the space before its word
        word = words[max(0, bisect_right(starts, token.span[1] - 1) - 1)] if token.span else None
        found.append(_Place(token.text, token.span, word))
    return found


def _of_word(question: str, word: Span, tokens: Sequence[Match]) -> Match:
    nearest = max(tokens, key=lambda match: match.similarity)
    return Match(
        question[slice(*word)],
        nearest.document,
        sum(match.similarity for match in tokens) / len(tokens),
        sum(match.share for match in tokens),
        word,
        nearest.document_span,
    )
