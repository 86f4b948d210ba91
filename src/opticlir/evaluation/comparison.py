"""Compares systems by their scores per query, and runs by their rankings."""

import dataclasses
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from opticlir.errors import DataError
from opticlir.evaluation.measures import (
    DEFAULT_MEASURES,
    check_measures,
    check_same_collection,
    evaluate,
    mean_scores,
)
from opticlir.evaluation.significance import (
    DEFAULT_DRAWS,
    bootstrap_interval_over_seeds,
    effect_size,
    holm,
    paired_differences,
    paired_t_test,
    randomisation_test,
)
from opticlir.records import Qrels, QueryId, Run


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """The comparison of two systems in one measure: first minus second."""

    mean_first: float
    mean_second: float
    mean_difference: float
    relative_difference: float | None
    """Difference divided by the mean of the second system; None if that is 0."""
    interval: tuple[float, float]
    """Bootstrap interval of the mean difference."""
    level: float
    p_value: float
    """p of the randomisation test, not corrected."""
    p_holm: float | None = None
    """p corrected within its family by `correct_family`; None before."""
    t_test_p: float
    effect_size: float | None
    """Mean divided by standard deviation of the differences; None if all differences are equal."""
    wins: int
    losses: int
    ties: int
    n_queries: int


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class RunComparison:
    """Several runs against one baseline. All runs in all measures are one family of tests."""

    baseline: str
    means: dict[str, dict[str, float]]
    """measure -> run -> mean, the baseline first."""
    comparisons: dict[str, dict[str, Comparison]]
    """measure -> run other than the baseline -> run minus baseline."""
    draws: int
    seed: int

    @property
    def n_queries(self) -> int:
        """Number of judged queries."""
        return next(iter(self._all())).n_queries

    @property
    def level(self) -> float:
        """Level of the intervals."""
        return next(iter(self._all())).level

    @property
    def family_size(self) -> int:
        """Number of tests corrected together."""
        return len(self._all())

    def __repr__(self) -> str:
        """The tables in plain text."""
        from opticlir.evaluation.comparison_table import text_tables  # noqa: PLC0415 - it imports this module

        return text_tables(self)

    def _repr_html_(self) -> str:
        """The tables that a notebook shows."""
        from opticlir.evaluation.comparison_table import html_tables  # noqa: PLC0415 - it imports this module

        return html_tables(self)

    def _all(self) -> list[Comparison]:
        return [comparison for by_run in self.comparisons.values() for comparison in by_run.values()]


def compare_systems(
    first: Sequence[Mapping[QueryId, float]],
    second: Sequence[Mapping[QueryId, float]],
    *,
    draws: int = DEFAULT_DRAWS,
    seed: int = 0,
    level: float = 0.95,
    clusters: Mapping[QueryId, Hashable] | None = None,
) -> Comparison:
    """Compare two systems in one measure, each trained with one or more seeds.

    The tests use the mean of each query over the seeds. The interval draws queries and seeds.

    Args:
        first: score per query, once per training seed.
        second: likewise for the other system; the number of seeds can differ.
        draws: number of draws of the randomisation test and of the bootstrap.
        seed: seed of the draws, not of training.
        level: level of the interval.
        clusters: label per query; queries with the same label are exchanged and drawn together.

    Returns:
        First minus second, not yet corrected for other tests.

    Raises:
        DataError: the queries differ between seeds or systems, a query has no cluster, there are fewer than 2
            queries, or a score is not finite.
        ValueError: a system has no scores; `draws` or `level` is out of range.

    Example:
        >>> better, worse = {"q1": 0.9, "q2": 0.7}, {"q1": 0.8, "q2": 0.5}
        >>> round(compare_systems([better], [worse]).mean_difference, 3)
        0.15
    """
    query_ids = _shared_queries(first, second)
    left, right = (
        np.array([[scores[query_id] for query_id in query_ids] for scores in system], dtype=np.float64)
        for system in (first, second)
    )
    labels = _labels(query_ids, clusters)
    left_mean, right_mean = left.mean(axis=0), right.mean(axis=0)
    differences = paired_differences(left_mean, right_mean)
    mean_first, mean_second = (math.fsum(scores) / len(query_ids) for scores in (left_mean, right_mean))
    mean_difference = math.fsum(differences) / len(query_ids)
    return Comparison(
        mean_first=mean_first,
        mean_second=mean_second,
        mean_difference=mean_difference,
        relative_difference=mean_difference / mean_second if mean_second else None,
        interval=bootstrap_interval_over_seeds(
            left, right, level=level, draws=draws, seed=seed, clusters=labels
        ),
        level=level,
        p_value=randomisation_test(left_mean, right_mean, draws=draws, seed=seed, clusters=labels),
        t_test_p=paired_t_test(left_mean, right_mean, clusters=labels),
        effect_size=effect_size(left_mean, right_mean),
        wins=int((differences > 0).sum()),
        losses=int((differences < 0).sum()),
        ties=int((differences == 0).sum()),
        n_queries=len(query_ids),
    )


def correct_family(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Return the comparisons with `p_holm`. A family is all the tests that support one conclusion."""
    adjusted = holm([comparison.p_value for comparison in comparisons])
    return [
        dataclasses.replace(comparison, p_holm=p_holm)
        for comparison, p_holm in zip(comparisons, adjusted, strict=True)
    ]


def compare_runs(
    runs: Mapping[str, Run],
    qrels: Qrels,
    measures: Sequence[str] = DEFAULT_MEASURES,
    *,
    baseline: str | None = None,
    draws: int = DEFAULT_DRAWS,
    seed: int = 0,
    missing_as_zero: bool = False,
    clusters: Mapping[QueryId, Hashable] | None = None,
) -> RunComparison:
    """Compare runs with a baseline in several measures. All comparisons are one family.

    Args:
        runs: run by name, two or more.
        qrels: judgements for all runs.
        measures: names of ir-measures; repetitions count once.
        baseline: name of a run; None takes the first.
        draws: number of draws of the randomisation tests and of the bootstrap.
        seed: seed of the draws.
        missing_as_zero: count a judged query that is missing in a run as 0; by default the run is refused.
        clusters: label per judged query; queries with the same label are exchanged and drawn together.

    Returns:
        Means, and the comparison of each run with the baseline.

    Raises:
        DataError: a run lacks a judged query, ranks no judged document, or has a NaN score.
        ValueError: there are fewer than two runs, the baseline is not one of them, or a measure is missing or
            unknown.
    """
    if len(runs) < 2:
        raise ValueError(f"a comparison needs 2 runs or more, found {len(runs)}")
    reference = next(iter(runs)) if baseline is None else baseline
    if reference not in runs:
        raise ValueError(f"the baseline {reference!r} is none of the runs: {', '.join(runs)}")
    if not measures:
        raise ValueError("no measure to compare by: an example is 'AP'")
    check_measures(measures)
    for name, run in runs.items():
        _check_run(name, run, qrels, missing_as_zero=missing_as_zero)
    ordered = [reference, *(name for name in runs if name != reference)]
    unique = tuple(dict.fromkeys(measures))
    scores = {name: evaluate(runs[name], qrels, unique) for name in ordered}
    pairs = [(measure, name) for measure in unique for name in ordered[1:]]
    corrected = correct_family(
        [
            compare_systems(
                [scores[name][measure]],
                [scores[reference][measure]],
                draws=draws,
                seed=seed,
                clusters=clusters,
            )
            for measure, name in pairs
        ]
    )
    comparisons: dict[str, dict[str, Comparison]] = {measure: {} for measure in unique}
    for (measure, name), comparison in zip(pairs, corrected, strict=True):
        comparisons[measure][name] = comparison
    means = {name: mean_scores(by_measure) for name, by_measure in scores.items()}
    return RunComparison(
        baseline=reference,
        means={measure: {name: means[name][measure] for name in ordered} for measure in unique},
        comparisons=comparisons,
        draws=draws,
        seed=seed,
    )


def _shared_queries(
    first: Sequence[Mapping[QueryId, float]], second: Sequence[Mapping[QueryId, float]]
) -> list[QueryId]:
    """The queries, which must be the same for all seeds of both systems, in the order of the first."""
    if not first or not second:
        raise ValueError(f"{'second' if first else 'first'} has no scores: expected one mapping per seed")
    query_ids = list(first[0])
    for system, by_seed in (("first", first), ("second", second)):
        for number, scores in enumerate(by_seed):
            if different := scores.keys() ^ first[0].keys():
                raise DataError(
                    f"{system}[{number}] has {len(scores)} queries and first[0] has {len(query_ids)}: "
                    f"query {min(different)!r} is in one of them only"
                )
            for query_id, score in scores.items():
                if not math.isfinite(score):
                    raise DataError(f"the score of query {query_id!r} in {system}[{number}] is {score}")
    if len(query_ids) < 2:
        raise DataError(f"a comparison needs 2 queries or more, found {len(query_ids)}")
    return query_ids


def _labels(
    query_ids: Sequence[QueryId], clusters: Mapping[QueryId, Hashable] | None
) -> list[Hashable] | None:
    if clusters is None:
        return None
    for query_id in query_ids:
        if query_id not in clusters:
            raise DataError(f"query {query_id!r} is in no cluster: name one for every query or for none")
    return [clusters[query_id] for query_id in query_ids]


def _check_run(name: str, run: Run, qrels: Qrels, *, missing_as_zero: bool) -> None:
    """Refuse a run that cannot be compared."""
    check_same_collection(name, run, qrels)
    shared = qrels.keys() & run.keys()
    if not missing_as_zero and (missing := qrels.keys() - shared):
        raise DataError(
            f"run {name} leaves out {len(missing)} of {len(qrels)} judged queries, such as {min(missing)!r}: "
            "compare runs over the same queries, or count what is missing as 0 (--missing-as-zero)"
        )
    for query_id in run:
        if query_id in shared and any(math.isnan(score) for score in run[query_id].values()):
            raise DataError(f"run {name} has a score that is NaN for query {query_id!r}")
