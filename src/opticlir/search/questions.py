"""Encodes questions for a search, and describes those that the model cannot read in full."""

import logging
from collections.abc import Sequence

import numpy as np
from sentence_transformers import MultiVectorEncoder

from opticlir.data.normalisation import normalise_typed
from opticlir.encoder import encode_queries, knows_a_word, token_counts, tokens_read
from opticlir.errors import DataError
from opticlir.progress import Progress, silent
from opticlir.records import Query, Ranking
from opticlir.search.scoring import QueryTokens

logger = logging.getLogger(__name__)

_PROGRESS_STEP = 64
"""Questions that are encoded between two reports of progress: one batch of the encoder."""
_UNKNOWN: dict[Ranking, str] = {
    "hybrid": "the model knows no word of this question: BM25 alone ranks",
    "dense": "the model knows no word of this question, so it finds nothing",
}


def typed(question: str) -> Query:
    """Return a question that a person typed, in its normal form."""
    return Query("1", normalise_typed(question), "und")


def encode_questions(
    model: MultiVectorEncoder, queries: Sequence[Query], *, progress: Progress = silent
) -> list[QueryTokens]:
    """Encode questions by the query route. The result is None for a question of which the model knows no word."""
    found: list[QueryTokens] = []
    progress("encoding queries", 0, len(queries))
    for begin in range(0, len(queries), _PROGRESS_STEP):
        texts = [query.text for query in queries[begin : begin + _PROGRESS_STEP]]
        matrices, known = encode_queries(model, texts), knows_a_word(model, texts, "query")
        found += [matrix if is_known else None for matrix, is_known in zip(matrices, known, strict=True)]
        progress("encoding queries", len(found), len(queries))
    return found


def encode_known(model: MultiVectorEncoder, query: Query) -> np.ndarray:
    """Encode one question.

    Raises:
        DataError: the model knows no word of it.
    """
    (tokens,) = encode_questions(model, [query])
    if tokens is None:
        raise DataError(f"the model knows no word of the question {query.text!r}: ask in its language")
    return tokens


def notes(model: MultiVectorEncoder, query: Query, tokens: QueryTokens, ranking: Ranking) -> tuple[str, ...]:
    """Return notes on the answer to a question: it is cut, or the model knows no word of it."""
    if ranking == "bm25":
        return ()
    if tokens is None:
        return (_UNKNOWN[ranking],)
    ((n_tokens,), n_read) = token_counts(model, [query.text], "query"), tokens_read(model, "query")
    if n_tokens <= n_read:
        return ()
    return (
        f"the question has {n_tokens:,} tokens, the model reads {n_read:,}: the rest of it is left out of the "
        "dense score",
    )


def warn_of_questions(
    model: MultiVectorEncoder, queries: Sequence[Query], tokens: Sequence[QueryTokens]
) -> None:
    """Log how many questions are cut, unknown to the model, or without tokens."""
    n_read = tokens_read(model, "query")
    if n_cut := sum(
        count > n_read for count in token_counts(model, [each.text for each in queries], "query")
    ):
        logger.warning(
            "%d of %d questions are longer than the %d tokens that the model reads: the rest of them is left out "
            "of the dense score", n_cut, len(queries), n_read,
        )  # fmt: skip
    unknown = [query for query, each in zip(queries, tokens, strict=True) if each is None]
    if unknown:
        logger.warning(
            "the model knows no word of %d of %d questions, which BM25 alone ranks: the first is %r, its text is %r",
            len(unknown), len(queries), unknown[0].query_id, unknown[0].text,
        )  # fmt: skip
    empty = [query for query, each in zip(queries, tokens, strict=True) if each is not None and not len(each)]
    if empty:
        logger.warning(
            "%d of %d questions have no tokens, so they find nothing: the first is %r, its text is %r",
            len(empty), len(queries), empty[0].query_id, empty[0].text,
        )  # fmt: skip
