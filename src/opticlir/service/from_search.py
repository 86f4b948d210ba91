"""Brings what the search found into the form of answers."""

from collections.abc import Mapping
from dataclasses import asdict

from opticlir.search import Explanation, Hits, Match
from opticlir.service.answers import ExplanationAnswer, HitAnswer, SearchAnswer, WordMatch


def search_answer(
    found: Hits,
    *,
    language: str,
    detected: bool,
    model: str,
    index_version: str,
    took_ms: float,
    table: Mapping[str, tuple[str, ...]],
) -> SearchAnswer:
    """Bring hits into the form of an answer; `table` as of `explanation_answer`, the rest as of `SearchAnswer`."""
    hits = tuple(
        HitAnswer(
            rank, hit.doc_id, hit.score, hit.title, hit.text, hit.snippet, hit.fields,
            explanation=explanation_answer(hit.explanation, table) if hit.explanation else None,
        )
        for rank, hit in enumerate(found, start=1)
    )  # fmt: skip
    return SearchAnswer(
        found.question, language, detected, model, found.ranking, index_version, hits, found.notes, took_ms
    )


def explanation_answer(found: Explanation, table: Mapping[str, tuple[str, ...]]) -> ExplanationAnswer:
    """Bring an explanation into the form of an answer.

    Args:
        found: of one document.
        table: English words by foreign word in lower case.
    """
    return ExplanationAnswer(
        words=tuple(map(_match, found.words)),
        tokens=tuple(map(_match, found.tokens)),
        special_share=found.special_share,
        grams=dict(found.grams),
        parts=asdict(found.parts),
        translations={
            word.query: table[key] for word in found.words if (key := word.query.casefold()) in table
        },
    )


def _match(match: Match) -> WordMatch:
    return WordMatch(
        match.query, match.query_span, match.document, match.document_span, match.similarity, match.share
    )
