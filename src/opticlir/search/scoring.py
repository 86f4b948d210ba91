"""Rank the documents of an index for encoded questions; `Retriever` encodes them first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias, get_args

import numpy as np

from opticlir.data.identifiers import allowed_id
from opticlir.errors import ArtefactError, DataError
from opticlir.progress import Check, Progress, never, silent
from opticlir.records import Query, Ranking, Run
from opticlir.search.gathering import estimates_pay, gathered, n_gathered
from opticlir.search.hybrid import LEXICAL_WEIGHT, ZScale, z_scale
from opticlir.search.index import Index
from opticlir.search.ranking import best, settled

Found: TypeAlias = tuple[np.ndarray, np.ndarray]
"""Rows of the index and their scores, best first."""

_EXACT = 100
"""The dense scores of so many first places are exact: the same digits in a search, a run and an explanation."""
QueryTokens: TypeAlias = np.ndarray | None
"""(tokens, dim) float32 of a question; None if its model knows no word of it. Then BM25 alone ranks."""

_BATCH_QUERIES = 64
_BATCH_SCORES = 2**25
"""Scores held at a time, about 128 MB of each kind."""


@dataclass(frozen=True, slots=True)
class ScoreParts:
    """`hybrid = dense_z + lexical_weight * lexical_z`, for one query and document."""

    dense: float
    """MaxSim."""
    dense_z: float
    """Its z-score over all documents of the index; an approximate search takes mean and deviation from estimates."""
    lexical: float
    """BM25."""
    lexical_z: float
    lexical_weight: float
    hybrid: float


class Scorer:
    """Ranks the documents of an index.

    Args:
        index: what is searched.
        lexical_weight: weight of the BM25 z-score in the hybrid score; that of the dense z-score is 1; >= 0.
        device: where dense scores are computed, by its name for torch.

    Raises:
        ValueError: the weight is negative or no number.
    """

    def __init__(self, index: Index, *, lexical_weight: float = LEXICAL_WEIGHT, device: str = "cpu") -> None:
        if not 0.0 <= lexical_weight < float("inf"):
            raise ValueError(f"lexical_weight is {lexical_weight}: expected a number, 0 or more")
        self.index = index
        self.lexical_weight, self.device = lexical_weight, device

    def rank_by_each(
        self,
        queries: Sequence[Query],
        query_tokens: Sequence[QueryTokens],
        *,
        k: int = 1000,
        rankings: Sequence[Ranking] = get_args(Ranking),
        allowed: np.ndarray | None = None,
        exact: bool = False,
        progress: Progress = silent,
    ) -> dict[Ranking, Run]:
        """Answer many questions by several rankings at the cost of one.

        Args:
            queries: ids and texts.
            query_tokens: their (tokens, dim) float32 matrices, in the same order; see `QueryTokens`.
            k: documents kept per query, >= 1.
            rankings: their names, each once.
            allowed: (n_documents,) bool, the documents that may be found; None is all of them.
            exact: score every document, also where the index is searched approximately.
            progress: called after each batch of queries.

        Returns:
            A run per ranking, its documents in rank order.

        Raises:
            DataError: two queries share an id, an id is not allowed (see `allowed_id`), or a query has no tokens.
            ArtefactError: an encoded question holds NaN, or the index is damaged.
            ValueError: not one matrix per query, or of another width than the index; or a ranking is unknown or
                comes twice.
        """
        if len(queries) != len(query_tokens):
            raise ValueError(f"{len(queries)} queries but {len(query_tokens)} token matrices")
        check_query_ids(queries)
        runs: dict[Ranking, Run] = {ranking: {} for ranking in rankings}
        doc_ids = self.index.doc_ids
        pairs = iter(zip(queries, query_tokens, strict=True))
        n_batch = max(1, min(_BATCH_QUERIES, _BATCH_SCORES // self.index.counts["passages"]))
        n_done = 0
        while batch := list(islice(pairs, n_batch)):
            answers = self.answers(
                [each[0] for each in batch], [each[1] for each in batch], k, rankings, allowed, exact=exact
            )
            for (query, _), found in zip(batch, answers, strict=True):
                for ranking, (rows, scores) in zip(rankings, found, strict=True):
                    ids = (doc_ids[row] for row in rows)
                    runs[ranking][query.query_id] = dict(zip(ids, scores.tolist(), strict=True))
            n_done += len(batch)
            progress("searching", n_done, len(queries))
        return runs

    def answers(
        self,
        queries: Sequence[Query],
        query_tokens: Sequence[QueryTokens],
        k: int,
        rankings: Sequence[Ranking],
        allowed: np.ndarray | None = None,
        *,
        exact: bool = False,
    ) -> Iterator[list[Found]]:
        """Score queries: for each, what every ranking found. Arguments and errors as `rank_by_each`."""
        if twice := [ranking for ranking in rankings if list(rankings).count(ranking) > 1]:
            raise ValueError(f"ranking {twice[0]!r} comes twice: name each ranking once")
        for scored in self.scored(queries, query_tokens, rankings, allowed=allowed, exact=exact):
            yield [scored.found(ranking, k) for ranking in rankings]

    def scored(
        self,
        queries: Sequence[Query],
        query_tokens: Sequence[QueryTokens],
        rankings: Sequence[Ranking],
        *,
        allowed: np.ndarray | None = None,
        exact: bool = False,
        check: Check = never,
    ) -> Iterator["ScoredQuery"]:
        """Score queries with all documents; where the index is searched approximately, estimate the dense scores.

        Args:
            queries: ids and texts.
            query_tokens: their token matrices; None where the model knows no word.
            rankings: that will be asked for.
            allowed: as of `rank_by_each`. The z-scores stay those over all documents, so that the allowed documents
                keep their scores and their order.
            exact: as of `rank_by_each`.
            check: called now and then; it can stop the scoring.

        Yields:
            For each query its scores.

        Raises:
            DataError: as `rank_by_each`.
            ArtefactError: as `rank_by_each`.
            ValueError: as `rank_by_each`.
        """
        if not all(isinstance(ranking, str) for ranking in rankings):
            raise TypeError(f"rankings are {rankings!r}: expected names such as 'hybrid'")
        if unknown := set(rankings).difference(get_args(Ranking)):
            raise ValueError(
                f"unknown ranking {min(unknown)!r}: expected one of {', '.join(get_args(Ranking))}"
            )
        needs_dense = set(rankings) != {"bm25"}
        is_estimated = self.index.is_approximate and not exact and estimates_pay(len(self.index))
        needs_lexical = set(rankings) != {"dense"}
        if needs_dense:
            for query, tokens in zip(queries, query_tokens, strict=True):
                if tokens is not None:
                    self.check(query, tokens)
        rows = np.arange(len(self.index)) if allowed is None else np.flatnonzero(allowed)
        nothing = [np.empty(0)] * len(queries)
        no_tokens = np.empty((0, self.index.dim), np.float32)
        matrices = [no_tokens if tokens is None else tokens for tokens in query_tokens]
        dense: Sequence[np.ndarray] | np.ndarray = nothing
        if needs_dense and is_estimated:
            dense = self.index.estimated_scores(matrices, check=check)
        elif needs_dense:
            dense = self.index.dense_scores(matrices, device=self.device, check=check)
        lexical = self.index.lexical_scores([query.text for query in queries]) if needs_lexical else nothing
        for tokens, dense_row, lexical_row in zip(query_tokens, dense, lexical, strict=True):
            yield ScoredQuery(
                self.index,
                tokens,
                dense_row,
                lexical_row,
                self.lexical_weight,
                rows,
                is_estimated=is_estimated,
            )

    def check(self, query: Query, tokens: np.ndarray) -> None:
        """Refuse an encoded query that has no tokens, another width than the index, or NaN."""
        if tokens.ndim != 2 or tokens.shape[1] != self.index.dim:
            raise ValueError(
                f"query {query.query_id!r} has tokens {tokens.shape}, the index has dim {self.index.dim}"
            )
        check_tokens(query, tokens)


def check_tokens(query: Query, tokens: np.ndarray) -> None:
    """Refuse an encoded query that has no tokens, or NaN.

    Raises:
        DataError: it has no tokens.
        ArtefactError: it holds NaN or infinity.
    """
    if len(tokens) == 0:
        raise DataError(f"query {query.query_id!r} has no tokens: its text is {query.text!r}")
    if not np.isfinite(tokens).all():
        raise ArtefactError(
            f"query {query.query_id!r}: its embedding holds NaN or infinity; the model that made it is damaged"
        )


def check_query_ids(queries: Sequence[Query]) -> None:
    """Refuse ids that a ranking cannot have, before anything is encoded.

    Raises:
        DataError: two queries share an id, or an id is not allowed (see `allowed_id`).
    """
    seen = set[str]()
    for query in queries:
        if allowed_id(query.query_id, "query") in seen:
            raise DataError(f"query id {query.query_id!r} comes twice: ids must be unique")
        seen.add(query.query_id)


@dataclass(frozen=True, slots=True)
class ScoredQuery:
    """All scores of one query, and the rankings they give."""

    index: Index
    tokens: QueryTokens
    """(tokens, dim) float32; None where the model knows no word of the query."""
    dense_scores: np.ndarray
    """(n_documents,), or empty where no ranking needs them. The z-scores take their mean and deviation from them."""
    lexical_scores: np.ndarray
    """(n_documents,), likewise."""
    lexical_weight: float
    rows: np.ndarray
    """(n_allowed,) int64, rising: the documents that may be found."""
    is_estimated: bool = False
    """Whether the dense scores are estimates. Then only documents that are gathered by them can be hits."""

    @property
    def known_tokens(self) -> np.ndarray:
        """The token matrix; one without rows where the model knows no word."""
        return np.empty((0, self.index.dim), np.float32) if self.tokens is None else self.tokens

    def found(self, ranking: Ranking, k: int) -> Found:
        """The best k rows of a ranking. For a query of which the model knows no word, `hybrid` is BM25 alone.

        Raises:
            TypeError: k is no whole number.
            ValueError: k is below 1.
        """
        if not isinstance(k, int):
            raise TypeError(f"k is {k!r}: expected a whole number, 1 or more")
        if ranking == "bm25" or (ranking == "hybrid" and self.tokens is None):
            return self._bm25(k)
        if self.tokens is None or not len(self.rows):
            return np.empty(0, np.int64), np.empty(0)
        return self._dense(k) if ranking == "dense" else self._hybrid(k)

    def _dense(self, k: int) -> Found:
        return self._best(k, ZScale(0.0, 1.0), np.zeros(len(self.dense_scores)))

    def _bm25(self, k: int) -> Found:
        scores = self.lexical_scores[self.rows].astype(np.float64)
        places, found = best(scores, self.index.id_order[self.rows], k)
        return self.rows[places[found > 0]], found[found > 0]

    def _hybrid(self, k: int) -> Found:
        scale = z_scale(self.dense_scores, self.index.resolution(self.known_tokens))
        return self._best(k, scale, self.lexical_weight * z_scale(self.lexical_scores)(self.lexical_scores))

    def _best(self, k: int, scale: ZScale, lexical: np.ndarray) -> Found:
        """The k best by the scaled dense score plus a lexical one, in the order of their exact scores."""
        tokens, rows = self.known_tokens, self.rows
        scores = scale(self.dense_scores[rows]) + lexical[rows]
        if self.is_estimated:
            rows = rows[gathered(scores, n_gathered(len(self.index), k))]
            scores = scale(self.index.float32_scores(tokens, rows.tolist())) + lexical[rows]
        lexical = lexical[rows]
        resolution = self.index.resolution(tokens) * scale.factor
        errors = None if self.is_estimated else self.index.score_errors(tokens)
        if errors is not None:
            scores = settled(
                scores,
                errors[rows] * scale.factor,
                k,
                lambda at: scale(self.index.float32_scores(tokens, rows[at].tolist())) + lexical[at],
                resolution=resolution,
            )
        places, found = best(
            scores,
            self.index.id_order[rows],
            k,
            resolution=resolution,
            rescore=lambda at: scale(self._exact(rows[at])) + lexical[at],
            n_exact=_EXACT,
        )
        return rows[places], found

    def parts(self, row: int) -> ScoreParts:
        """Take the hybrid score of one document apart."""
        rows = np.array([row])
        exact, lexical = self._exact(rows), self.lexical_scores[rows]
        dense_z = float(z_scale(self.dense_scores, self.index.resolution(self.known_tokens))(exact)[0])
        lexical_z = float(z_scale(self.lexical_scores)(lexical)[0])
        hybrid = dense_z + self.lexical_weight * lexical_z
        return ScoreParts(float(exact[0]), dense_z, float(lexical[0]), lexical_z, self.lexical_weight, hybrid)

    def _exact(self, rows: np.ndarray) -> np.ndarray:
        return self.index.exact_scores(self.known_tokens, rows.tolist())
