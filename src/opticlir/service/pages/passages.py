"""The alignment of a result: the words of the question, and the places in the passage that they met."""

from collections.abc import Sequence
from dataclasses import dataclass

from opticlir.records import Span
from opticlir.service.answers import ExplanationAnswer, HitAnswer, WordMatch
from opticlir.visible import visible

N_HUES = 12
"""Colours that tell the words of a question apart."""
_STRENGTHS = (0.35, 0.5, 0.65, 0.8)
"""Cosines from which a match is drawn stronger; below the first it has no colour."""


@dataclass(frozen=True, slots=True)
class Gloss:
    """A word of the question over the English word that it met."""

    number: int
    """Its place among the words of the question, from 0; signs are not counted."""
    word: str
    met: str
    """Empty where it met a special token."""
    similarity: float
    """Cosine."""
    share: float
    """Of the dense score."""
    strength: int
    """0 to 4, for the colour."""
    width: int
    """Share in twentieths of the largest share, for the bar."""
    translations: tuple[str, ...]
    """From the word table of the model, where it keeps one."""
    span: Span
    """Its letters in the question."""

    @property
    def hue(self) -> int:
        """Number of its colour."""
        return self.number % N_HUES


@dataclass(frozen=True, slots=True)
class Segment:
    """Letters of a passage that met the same words of the question, or none."""

    text: str
    glosses: tuple[Gloss, ...] = ()
    """The nearest first."""


@dataclass(frozen=True, slots=True)
class ShownHit:
    """A result as the page shows it."""

    hit: HitAnswer
    title: tuple[Segment, ...]
    passage: tuple[Segment, ...]
    text: tuple[Segment, ...]
    """The whole document."""
    glosses: tuple[Gloss, ...]
    rest: float
    """Share of the dense score from signs and special tokens."""


def shown_hit(hit: HitAnswer) -> ShownHit:
    """Join a result with its explanation, if it has one."""
    found = hit.explanation
    glosses = _glosses(found) if found else {}
    body = len(hit.title) + 1 if hit.title else 0
    passage = hit.snippet.removeprefix("…").removesuffix("…")
    start = max(0, hit.text.find(passage))
    cut = (hit.snippet.startswith("…"), hit.snippet.endswith("…"))
    shown = _segments(passage, body + start, glosses)
    return ShownHit(
        hit=hit,
        title=_segments(hit.title or hit.doc_id, 0, glosses if hit.title else {}),
        passage=(*[Segment("…")][: cut[0]], *shown, *[Segment("…")][: cut[1]]),
        text=_segments(hit.text, body, glosses),
        glosses=tuple(glosses),
        rest=1 - sum(gloss.share for gloss in glosses) if glosses else 0.0,
    )


def _glosses(found: ExplanationAnswer) -> dict[Gloss, WordMatch]:
    words = [match for match in found.words if any(map(str.isalnum, match.query))]
    largest = max((match.share for match in words), default=1.0) or 1.0
    return {
        Gloss(
            number=number,
            word=visible(match.query),
            met=visible(match.document) if match.document_span else "",
            similarity=match.similarity,
            share=match.share,
            strength=_strength(match),
            width=max(1, round(20 * max(match.share, 0) / largest)),
            translations=tuple(map(visible, found.translations.get(match.query, ())[:3])),
            span=match.query_span,
        ): match
        for number, match in enumerate(words)
    }


def _strength(match: WordMatch) -> int:
    """0 where it met a sign or a special token, which no one looks for in a passage."""
    if match.document_span is None or not any(map(str.isalnum, match.document)):
        return 0
    return sum(match.similarity >= limit for limit in _STRENGTHS)


def _segments(text: str, offset: int, glosses: dict[Gloss, WordMatch]) -> tuple[Segment, ...]:
    """Cut a text that begins at `offset` of the document where words of the question met it."""
    met: dict[tuple[int, int], list[Gloss]] = {}
    for gloss, match in glosses.items():
        if match.document_span and gloss.strength:
            met.setdefault(match.document_span, []).append(gloss)
    segments: list[Segment] = []
    done = 0
    for span, those in sorted(met.items()):
        begin, end = (place - offset for place in span)
        if done <= begin < end <= len(text):
            segments.append(Segment(visible(text[done:begin])))
            segments.append(
                Segment(visible(text[begin:end]), tuple(sorted(those, key=lambda each: -each.similarity)))
            )
            done = end
    return tuple(each for each in (*segments, Segment(visible(text[done:]))) if each.text)


def question_segments(question: str, glosses: Sequence[Gloss]) -> tuple[Segment, ...]:
    """Cut the question into its words and what is between them."""
    segments: list[Segment] = []
    done = 0
    for gloss in glosses:
        begin, end = gloss.span
        segments += [Segment(visible(question[done:begin])), Segment(visible(question[begin:end]), (gloss,))]
        done = end
    return tuple(each for each in (*segments, Segment(visible(question[done:]))) if each.text)
