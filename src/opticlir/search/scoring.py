"""Rank the documents of an index for encoded questions; `Retriever` encodes them first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, TypeAlias, get_args

import numpy as np

from opticlir.data.identifiers import allowed_id
from opticlir.errors import ArtefactError, DataError
from opticlir.progress import Progress, silent
from opticlir.records import Query, Run
from opticlir.search.hybrid import LEXICAL_WEIGHT, z_scale
from opticlir.search.index import Index
from opticlir.search.ranking import best

Ranking: TypeAlias = Literal["hybrid", "dense", "bm25"]
"""`dense` is MaxSim, `bm25` the words of the untranslated query alone, `hybrid` both (see `hybrid.py`)."""

Found: TypeAlias = tuple[np.ndarray, np.ndarray]
"""Rows of the index and their scores, best first."""

_BATCH_QUERIES = 64
_BATCH_SCORES = 2**25
"""Scores held at a time, about 128 MB of each kind."""


@dataclass(frozen=True, slots=True)
class ScoreParts:
    """`hybrid = dense_z + lexical_weight * lexical_z`, for one query and document."""

    dense: float
    """MaxSim."""
    dense_z: float
    """Its z-score over all documents of the index."""
    lexical: float
    """BM25."""
    lexical_z: float
    lexical_weight: float
    hybrid: float


class Scorer:
    """Ranks the documents of an index.

    Args:
        index: what is searched.
        lexical_weight: weight of the BM25 z-score beside the dense z-score, >= 0.

    Raises:
        ValueError: the weight is negative or no number.
    """

    def __init__(self, index: Index, *, lexical_weight: float = LEXICAL_WEIGHT) -> None:
        if not 0.0 <= lexical_weight < float("inf"):
            raise ValueError(f"lexical_weight is {lexical_weight}: expected a number, 0 or more")
        self.index = index
        self.lexical_weight = lexical_weight

    def rank_by_each(
        self,
        queries: Sequence[Query],
        query_tokens: Sequence[np.ndarray],
        *,
        k: int = 1000,
        rankings: Sequence[Ranking] = get_args(Ranking),
        progress: Progress = silent,
    ) -> dict[Ranking, Run]:
        """Answer many questions by several rankings for the cost of one.

        Args:
            queries: ids and texts.
            query_tokens: their (tokens, dim) float32 matrices, in the same order.
            k: documents kept per query, >= 1.
            rankings: which.
            progress: called after each batch of queries.

        Returns:
            A run per ranking; documents stand in rank order.

        Raises:
            DataError: two queries share an id, an id is not allowed (see `checked_id`), or a query has no tokens.
            ArtefactError: an encoded question holds NaN, or the index is damaged.
            ValueError: not one matrix per query, or of another width than the index.
        """
        if len(queries) != len(query_tokens):
            raise ValueError(f"{len(queries)} queries but {len(query_tokens)} token matrices")
        for query in queries:
            allowed_id(query.query_id, "query")
        runs: dict[Ranking, Run] = {ranking: {} for ranking in rankings}
        doc_ids = self.index.doc_ids
        pairs = iter(zip(queries, query_tokens, strict=True))
        n_batch = max(1, min(_BATCH_QUERIES, _BATCH_SCORES // len(self.index)))
        n_done = 0
        while batch := list(islice(pairs, n_batch)):
            answers = self.answers([each[0] for each in batch], [each[1] for each in batch], k, rankings)
            for (query, _), found in zip(batch, answers, strict=True):
                for ranking, (rows, scores) in zip(rankings, found, strict=True):
                    if query.query_id in runs[ranking]:
                        raise DataError(f"query id {query.query_id!r} comes twice: ids must be unique")
                    ids = (doc_ids[row] for row in rows)
                    runs[ranking][query.query_id] = dict(zip(ids, scores.tolist(), strict=True))
            n_done += len(batch)
            progress("searching", n_done, len(queries))
        return runs

    def answers(
        self,
        queries: Sequence[Query],
        query_tokens: Sequence[np.ndarray],
        k: int,
        rankings: Sequence[Ranking],
    ) -> Iterator[list[Found]]:
        """Score queries: for each, what every ranking found. Arguments and errors as `rank_by_each`."""
        if not isinstance(k, int):
            raise TypeError(f"k is {k!r}: expected a whole number, 1 or more")
        if not all(isinstance(ranking, str) for ranking in rankings):
            raise TypeError(f"rankings are {rankings!r}: expected names such as 'hybrid'")
        if unknown := set(rankings).difference(get_args(Ranking)):
            raise ValueError(
                f"unknown ranking {min(unknown)!r}: expected one of {', '.join(get_args(Ranking))}"
            )
        needs_dense = set(rankings) != {"bm25"}
        needs_lexical = set(rankings) != {"dense"}
        if needs_dense:
            for query, tokens in zip(queries, query_tokens, strict=True):
                self.check(query, tokens)
        nothing = [np.empty(0)] * len(queries)
        dense = self.index.dense_scores(query_tokens) if needs_dense else nothing
        lexical = self.index.lexical_scores([query.text for query in queries]) if needs_lexical else nothing
        for tokens, dense_row, lexical_row in zip(query_tokens, dense, lexical, strict=True):
            scored = _ScoredQuery(self.index, tokens, dense_row, lexical_row, self.lexical_weight)
            yield [getattr(scored, ranking)(k) for ranking in rankings]

    def parts(self, query: Query, tokens: np.ndarray, row: int) -> ScoreParts:
        """Take the hybrid score of one document apart. Errors as `rank_by_each`."""
        self.check(query, tokens)
        dense, lexical = self.index.dense_scores([tokens])[0], self.index.lexical_scores([query.text])[0]
        return _ScoredQuery(self.index, tokens, dense, lexical, self.lexical_weight).parts(row)

    def check(self, query: Query, tokens: np.ndarray) -> None:
        """Refuse an encoded query that has no tokens, another width than the index, or NaN."""
        if tokens.ndim != 2 or tokens.shape[1] != self.index.dim:
            raise ValueError(
                f"query {query.query_id!r} has tokens {tokens.shape}, the index has dim {self.index.dim}"
            )
        if len(tokens) == 0:
            raise DataError(f"query {query.query_id!r} has no tokens: its text is {query.text!r}")
        if not np.isfinite(tokens).all():
            raise ArtefactError(
                f"query {query.query_id!r}: its embedding holds NaN or infinity; "
                "the model that made it is damaged"
            )


@dataclass(frozen=True, slots=True)
class _ScoredQuery:
    """All scores of one query, and the rankings they give."""

    index: Index
    tokens: np.ndarray
    dense_scores: np.ndarray  # (n_documents,)
    lexical_scores: np.ndarray
    lexical_weight: float

    def dense(self, k: int) -> Found:
        return best(
            self.dense_scores.astype(np.float64),
            self.index.id_order,
            k,
            resolution=self.index.resolution(self.tokens),
            rescore=self._exact,
        )

    def bm25(self, k: int) -> Found:
        rows, scores = best(self.lexical_scores.astype(np.float64), self.index.id_order, k)
        return rows[scores > 0], scores[scores > 0]

    def hybrid(self, k: int) -> Found:
        resolution = self.index.resolution(self.tokens)
        dense = z_scale(self.dense_scores, resolution)
        lexical = self.lexical_weight * z_scale(self.lexical_scores)(self.lexical_scores)
        return best(
            dense(self.dense_scores) + lexical,
            self.index.id_order,
            k,
            resolution=resolution * dense.factor,
            rescore=lambda rows: dense(self._exact(rows)) + lexical[rows],
        )

    def parts(self, row: int) -> ScoreParts:
        rows = np.array([row])
        exact, lexical = self._exact(rows), self.lexical_scores[rows]
        dense_z = float(z_scale(self.dense_scores, self.index.resolution(self.tokens))(exact)[0])
        lexical_z = float(z_scale(self.lexical_scores)(lexical)[0])
        hybrid = dense_z + self.lexical_weight * lexical_z
        return ScoreParts(float(exact[0]), dense_z, float(lexical[0]), lexical_z, self.lexical_weight, hybrid)

    def _exact(self, rows: np.ndarray) -> np.ndarray:
        return self.index.exact_scores(self.tokens, rows.tolist())
