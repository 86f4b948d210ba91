"""Robustness: how much of a ranking, and of its measure, remains under query noise.

Reference: Webber, Moffat and Zobel, A similarity measure for indefinite rankings, ACM TOIS 28(4), 2010
(rank-biased overlap). Penha, Camara and Hauff, Evaluating the robustness of retrieval pipelines with query
variation generators, ECIR 2022 (relative drop).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from sentence_transformers import MultiVectorEncoder

from opticlir.benchmark import cached_retriever, ranked_task
from opticlir.data.own_documents import without_own
from opticlir.evaluation.measures import evaluate, mean_scores
from opticlir.lab.probes.query_noise import BY_MEANING, STANDARD, QueryNoise, n_changed
from opticlir.progress import Progress, silent
from opticlir.records import Qrels, QueryId, RetrievalTask, Run, ranked
from opticlir.search import Ranking


@dataclass(frozen=True, kw_only=True)
class NoisyScore:
    """A ranking under query noise."""

    score: float
    """Mean measure of the noisy questions."""
    relative_drop: float | None
    """Share of the clean score that is lost; None if the clean score is 0."""
    overlap: float
    """Mean rank-biased overlap of the clean and the noisy ranking of a question."""


@dataclass(frozen=True, kw_only=True)
class RankingRobustness:
    """One ranking of a collection: its score, and its score under each query noise."""

    clean: float
    noisy: dict[str, NoisyScore]
    """By name of the query noise."""

    @property
    def worst(self) -> str | None:
        """The query noise that costs most, the first of equals; None if the clean score is 0."""
        drops = {name: each.relative_drop for name, each in self.noisy.items()}
        known = {name: drop for name, drop in drops.items() if drop is not None}
        return max(known, key=known.__getitem__, default=None)


def ranking_robustness(clean: Run, noisy: Mapping[str, Run], qrels: Qrels, measure: str) -> RankingRobustness:
    """Score the rankings of clean and of noisy questions, and compare them.

    Args:
        clean: the run of the questions without noise.
        noisy: runs of the same questions with noise, by name of the noise.
        qrels: judgements; all of their questions count.
        measure: name of a measure in ir-measures.

    Raises:
        DataError: a run and the judgements share no question, or the measure is unknown.
    """

    def score(run: Run) -> float:
        return mean_scores(evaluate(run, qrels, [measure]))[measure]

    whole = score(clean)
    found = {}
    for name, run in noisy.items():
        left = score(run)
        found[name] = NoisyScore(
            score=left,
            relative_drop=relative_drop(whole, left) if whole > 0 else None,
            overlap=mean_overlap(clean, run, qrels),
        )
    return RankingRobustness(clean=whole, noisy=found)


def mean_overlap(clean: Run, noisy: Run, queries: Collection[QueryId]) -> float:
    """Mean rank-biased overlap of two runs over questions. A question that a run lacks has an empty ranking."""
    return fmean(
        rank_biased_overlap(ranked(clean.get(query, {})), ranked(noisy.get(query, {}))) for query in queries
    )


def relative_drop(clean: float, noisy: float) -> float:
    """Share of a score that query noise costs: (clean - noisy) / clean.

    Raises:
        ValueError: the clean score is not above 0.

    Example:
        >>> round(relative_drop(0.5, 0.4), 6)
        0.2
    """
    if not clean > 0:
        raise ValueError(f"the clean score is {clean}: a relative drop needs one above 0")
    return (clean - noisy) / clean


def rank_biased_overlap(first: Sequence[str], second: Sequence[str], *, persistence: float = 0.9) -> float:
    """Agreement of two rankings; the upper ranks count most (extrapolated RBO, equation 32).

    Args:
        first: document ids, best first, each once.
        second: likewise. The two may differ in length.
        persistence: probability that a reader continues to the next rank, between 0 and 1. At .9 the first ten ranks
            have 86 % of the weight.

    Returns:
        From 0 (nothing in common) to 1 (equal rankings); 1 for two empty rankings, 0 if one is empty.

    Raises:
        ValueError: a document occurs twice, or `persistence` is not between 0 and 1.

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
        # after its end, the shorter ranking is assumed to agree as much as before
        assumed = at_short * max(depth - n_short, 0) / n_short
        total += (overlap + assumed) / depth * persistence**depth
    tail = (at_long - at_short) / n_long + at_short / n_short
    return (1.0 - persistence) / persistence * total + tail * persistence**n_long


def _overlaps(short: Sequence[str], long: Sequence[str]) -> list[int]:
    """Return the number of documents in both rankings at each depth of the longer one."""
    overlaps = []
    seen_short, seen_long = set[str](), set[str]()
    for depth, doc_id in enumerate(long):
        seen_long.add(doc_id)
        seen_short.update(short[depth : depth + 1])
        overlaps.append(len(seen_short & seen_long))
    return overlaps


@dataclass(frozen=True, kw_only=True)
class CollectionRobustness:
    """The effect of query noise on a model, on one test collection."""

    rankings: dict[Ranking, RankingRobustness]
    noises: tuple[QueryNoise, ...]
    changed: dict[str, int]
    """Label of a query noise -> number of questions that it changes."""


def measure_robustness(
    task: RetrievalTask,
    model: MultiVectorEncoder,
    index_cache: Path,
    *,
    noises: Sequence[QueryNoise] = STANDARD,
    meanings: Mapping[str, str] | None = None,
    measure: str = "AP",
    progress: Progress = silent,
) -> CollectionRobustness:
    """Rank the questions of a collection without noise and with each query noise, and compare the rankings.

    Args:
        task: the test collection.
        model: encodes queries and documents.
        index_cache: as in `opticlir.benchmark.run_benchmark`.
        noises: kinds of noise. Every call makes the same changes.
        meanings: English of the words of the questions (`known_meanings`); None leaves out `code_switch`.
        measure: name of a measure in ir-measures.
        progress: called after each form of the questions.
    """
    chosen = tuple(each for each in noises if each.kind != BY_MEANING or meanings is not None)
    noisy = {each.label: each.apply(task.queries, meanings or {}) for each in chosen}
    retriever = cached_retriever(task.documents, model, index_cache, progress)
    n_forms = 1 + len(noisy)
    found = [ranked_task(retriever, task)]  # it says which own documents are left out
    for queries in noisy.values():
        progress("ranking noisy questions", len(found), n_forms)
        ranked = retriever.rank_by_each(queries)
        found.append({ranking: without_own(run, task.qrels) for ranking, run in ranked.items()})
    progress("ranking noisy questions", len(found), n_forms)
    clean, *others = found
    rankings = {
        ranking: ranking_robustness(
            run,
            {label: other[ranking] for label, other in zip(noisy, others, strict=True)},
            task.qrels,
            measure,
        )
        for ranking, run in clean.items()
    }
    changed = {label: n_changed(task.queries, queries) for label, queries in noisy.items()}
    return CollectionRobustness(rankings=rankings, noises=chosen, changed=changed)
