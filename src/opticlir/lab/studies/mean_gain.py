"""The mean gain over the best rival, with an interval over languages, questions and seeds.

A hierarchical bootstrap: each draw takes languages with replacement, then questions and seeds within each language. So
the interval says what other languages of the same kind would give, as far as so few languages can say it.

Reference: Efron and Tibshirani, An introduction to the bootstrap, 1993, chapter 8.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from opticlir.lab.studies.differences import Scores, by_place, places_once
from opticlir.lab.studies.findings import GainRow
from opticlir.lab.studies.plan import Plan
from opticlir.lab.studies.scores import RunScores

Array: TypeAlias = npt.NDArray[np.float64]

_SEED = 0


@dataclass(frozen=True, kw_only=True)
class MeanGain:
    """The mean gain of a system in percent, with its 95 % interval."""

    system: str
    mean: float
    low: float
    high: float
    n_places: int
    """Pairs of task and language, each with its own questions."""


def mean_gains(
    plan: Plan, found: Sequence[RunScores], rows: Sequence[GainRow], *, draws: int = 2_000
) -> list[MeanGain]:
    """Return the mean over languages of the gain of each system, for systems with two languages or more.

    The best rival of a language is that of its row. It is not chosen again in each draw.

    Args:
        plan: the study.
        found: the measured runs.
        rows: the gain of each language.
        draws: bootstrap draws.
    """
    once, measure = set(places_once(plan, found)), plan.study.measures[0]
    means = []
    for system in dict.fromkeys(row.system for row in rows):
        own = [
            row for row in rows
            if row.system == system and (row.task, row.language) in once and row.gain is not None
        ]  # fmt: skip
        pairs = [
            _matrices(by_place(found, system, measure)[row.task, row.language],
                      by_place(found, row.best_rival, measure)[row.task, row.language])
            for row in own
        ]  # fmt: skip
        if len(pairs) > 1:
            low, high = hierarchical_interval(pairs, draws=draws)
            mean = float(np.mean([_gain(left.mean(), right.mean()) for left, right in pairs]))
            means.append(MeanGain(system=system, mean=mean, low=low, high=high, n_places=len(pairs)))
    return means


def hierarchical_interval(
    pairs: Sequence[tuple[Array, Array]], *, draws: int, level: float = 0.95
) -> tuple[float, float]:
    """Return the percentile interval of the mean relative gain, in percent.

    Args:
        pairs: scores of system and rival by language, each (seeds, questions), with the same questions.
        draws: bootstrap draws.
        level: share of intervals that contain the true value.
    """
    generator = np.random.default_rng(_SEED)
    by_language = np.array(
        [[_drawn_gain(left, right, generator) for _ in range(draws)] for left, right in pairs]
    )
    chosen = generator.integers(len(pairs), size=(draws, len(pairs)))
    # a language that is drawn twice has two draws of its questions
    within = generator.integers(draws, size=chosen.shape)
    tail = (1 - level) / 2
    low, high = np.quantile(by_language[chosen, within].mean(axis=1), [tail, 1 - tail])
    return float(low), float(high)


def _drawn_gain(left: Array, right: Array, generator: np.random.Generator) -> float:
    questions = generator.integers(left.shape[1], size=left.shape[1])
    seeds, others = (generator.integers(len(side), size=len(side)) for side in (left, right))
    return _gain(left[seeds].mean(axis=0)[questions].mean(), right[others].mean(axis=0)[questions].mean())


def _gain(score: float, rival: float) -> float:
    return float(100 * (score / rival - 1)) if rival else 0.0


def _matrices(first: Sequence[Scores], second: Sequence[Scores]) -> tuple[Array, Array]:
    queries = sorted(first[0])
    left, right = (
        np.array([[seed[query] for query in queries] for seed in side]) for side in (first, second)
    )
    return left, right
