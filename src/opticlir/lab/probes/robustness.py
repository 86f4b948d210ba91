"""Robustness: how much of a ranking, and of its worth, is left when questions are perturbed.

Reference: Webber, Moffat and Zobel, A similarity measure for indefinite rankings, ACM TOIS 28(4), 2010
(rank-biased overlap). Penha, Camara and Hauff, Evaluating the robustness of retrieval pipelines with query
variation generators, ECIR 2022 (relative drop).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from opticlir.evaluation.measures import evaluate, mean_scores
from opticlir.records import Qrels, QueryId, Run


@dataclass(frozen=True, kw_only=True)
class PerturbedScore:
    """What a perturbation leaves of a ranking."""

    score: float
    """Mean measure of the perturbed questions."""
    relative_drop: float | None
    """Share of the clean score that is lost; None where the clean score is 0."""
    overlap: float
    """Mean rank-biased overlap of the clean and the perturbed ranking of a question."""


@dataclass(frozen=True, kw_only=True)
class RankingRobustness:
    """One ranking of a collection: its score, and what each perturbation leaves of it."""

    clean: float
    perturbed: dict[str, PerturbedScore]
    """By name of the perturbation."""

    @property
    def worst(self) -> str | None:
        """The perturbation that takes most; of several, the first. None where there is nothing to lose."""
        drops = {name: each.relative_drop for name, each in self.perturbed.items()}
        known = {name: drop for name, drop in drops.items() if drop is not None}
        return max(known, key=known.__getitem__, default=None)


def ranking_robustness(
    clean: Run, perturbed: Mapping[str, Run], qrels: Qrels, measure: str
) -> RankingRobustness:
    """Score the rankings of clean and of perturbed questions, and compare them.

    Args:
        clean: the run of the questions as they are.
        perturbed: runs of the same questions in other words, by name of the perturbation.
        qrels: judgements; all of their questions count.
        measure: ir-measures name.

    Raises:
        DataError: a run and the judgements share no question, or there is no such measure.
    """

    def score(run: Run) -> float:
        return mean_scores(evaluate(run, qrels, [measure]))[measure]

    whole = score(clean)
    found = {}
    for name, run in perturbed.items():
        left = score(run)
        found[name] = PerturbedScore(
            score=left,
            relative_drop=relative_drop(whole, left) if whole > 0 else None,
            overlap=mean_overlap(clean, run, qrels),
        )
    return RankingRobustness(clean=whole, perturbed=found)


def mean_overlap(clean: Run, perturbed: Run, queries: Collection[QueryId]) -> float:
    """Mean rank-biased overlap of two runs over questions; one that a run leaves out has an empty ranking."""
    return fmean(
        rank_biased_overlap(_ranking(clean.get(query, {})), _ranking(perturbed.get(query, {})))
        for query in queries
    )


def _ranking(scores: Mapping[str, float]) -> list[str]:
    return sorted(scores, key=lambda doc_id: (-scores[doc_id], doc_id))


def relative_drop(clean: float, perturbed: float) -> float:
    """Share of a score that a perturbation takes away: (clean - perturbed) / clean.

    Raises:
        ValueError: the clean score is not above 0: nothing can be lost of nothing.

    Example:
        >>> round(relative_drop(0.5, 0.4), 6)
        0.2
    """
    if not clean > 0:
        raise ValueError(f"the clean score is {clean}: a relative drop needs one above 0")
    return (clean - perturbed) / clean


def rank_biased_overlap(first: Sequence[str], second: Sequence[str], *, persistence: float = 0.9) -> float:
    """Agreement of two rankings, the upper ranks counting most: RBO, extrapolated (equation 32).

    Args:
        first: document ids, best first, each once.
        second: likewise; the two may differ in length.
        persistence: chance that a reader goes on to the next rank, between 0 and 1; at .9 the first ten
            ranks carry 86 % of the weight.

    Returns:
        From 0 (nothing in common) to 1 (the same ranking); 1 for two empty rankings, 0 where one is empty.

    Raises:
        ValueError: a document stands twice, or `persistence` is not between 0 and 1.

    Example:
        >>> round(rank_biased_overlap(["a", "b"], ["b", "a"], persistence=0.5), 3)
        0.5
    """
    if not 0.0 < persistence < 1.0:
        raise ValueError(f"persistence is {persistence}: expected between 0 and 1")
    for ranking in (first, second):
        if len(set(ranking)) < len(ranking):
            raise ValueError(f"{next(each for each in ranking if ranking.count(each) > 1)!r} is ranked twice")
    short, long = sorted((first, second), key=len)
    if not short:
        return float(not long)
    overlaps = _overlaps(short, long)
    n_short, n_long = len(short), len(long)
    at_short, at_long = overlaps[n_short - 1], overlaps[n_long - 1]
    total = 0.0
    for depth, overlap in enumerate(overlaps, start=1):
        # beyond its end the shorter ranking is taken to agree as it did up to there
        assumed = at_short * max(depth - n_short, 0) / n_short
        total += (overlap + assumed) / depth * persistence**depth
    tail = (at_long - at_short) / n_long + at_short / n_short
    return (1.0 - persistence) / persistence * total + tail * persistence**n_long


def _overlaps(short: Sequence[str], long: Sequence[str]) -> list[int]:
    """Documents that both have seen at each depth of the longer ranking."""
    overlaps = []
    seen_short, seen_long = set[str](), set[str]()
    for depth, doc_id in enumerate(long):
        seen_long.add(doc_id)
        seen_short.update(short[depth : depth + 1])
        overlaps.append(len(seen_short & seen_long))
    return overlaps
