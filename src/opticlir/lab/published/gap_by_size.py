"""The gap between languages with much and with little text as a line over the logarithm of the model's size.

Within a ladder, each language has a least-squares slope of its score over log10 of the parameters. The slope of the gap
is the mean of the slopes of one group minus that of the other. Intervals are percentiles of a bootstrap that draws
languages with replacement within each group: another set of languages of the same kind. The models stay the same.

Reference: Efron and Tibshirani, An introduction to the bootstrap, 1993.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from opticlir.lab.published.ladders import Ladder
from opticlir.lab.published.resource_class import HIGH_CLASS, LOW_CLASS, resource_class

Array: TypeAlias = npt.NDArray[np.float64]

_PERCENTILES = (2.5, 97.5)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A value with its 95 % interval over languages."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class RungGap:
    """The gap of one model."""

    model: str
    parameters: float
    high: float
    """Mean score in languages of class 4 and 5."""
    low: float
    """Mean score in languages of class 1 and 2."""
    gap: Estimate


@dataclass(frozen=True, kw_only=True)
class LadderGap:
    """How the gap of a ladder changes with the size of its models."""

    ladder: str
    n_high: int
    n_low: int
    rungs: tuple[RungGap, ...]
    slope: Estimate
    """Change of the gap when the parameters grow tenfold."""
    slope_by_class: dict[int, Estimate]
    """Change of the mean score of a class when the parameters grow tenfold."""
    languages_by_class: dict[int, int]
    at: dict[float, Estimate]
    """The gap that the line gives for a number of parameters within the range of the ladder."""


def ladder_gap(
    ladder: Ladder, *, sizes: Sequence[float] = (), draws: int = 10_000, seed: int = 0
) -> LadderGap | None:
    """Fit the gap of a ladder over the logarithm of its size.

    Args:
        ladder: models of one series.
        sizes: numbers of parameters at which the line is read; those outside of the ladder are left out.
        draws: bootstrap draws.
        seed: seed of the draws.

    Returns:
        The gap; None if a group has fewer than two languages, which have no interval.
    """
    classes = {code: number for code in ladder.languages if (number := resource_class(code)) is not None}
    high = [code for code, number in classes.items() if number >= HIGH_CLASS]
    low = [code for code, number in classes.items() if number <= LOW_CLASS]
    if min(len(high), len(low)) < 2:
        return None
    size = np.log10([rung.parameters for rung in ladder.rungs])
    table = {code: np.array([rung.scores[code] for rung in ladder.rungs]) for code in classes}
    generator = np.random.default_rng(seed)

    def means(codes: Sequence[str]) -> Array:
        """Mean scores by rung: of the group (first row), then of each draw of its languages."""
        scores = np.array([table[code] for code in codes])
        counts = generator.multinomial(len(codes), [1 / len(codes)] * len(codes), size=draws)
        return np.concatenate([scores.mean(axis=0, keepdims=True), counts @ scores / len(codes)])

    above, below = means(high), means(low)
    gaps = above - below
    slopes, levels = _line(size, gaps)
    by_class = {
        number: [code for code in classes if classes[code] == number]
        for number in sorted(set(classes.values()), reverse=True)
    }
    within = [each for each in sizes if ladder.rungs[0].parameters <= each <= ladder.rungs[-1].parameters]
    return LadderGap(
        ladder=ladder.name,
        n_high=len(high),
        n_low=len(low),
        rungs=tuple(
            RungGap(model=rung.model, parameters=rung.parameters, high=float(above[0, place]),
                    low=float(below[0, place]), gap=_estimate(gaps[:, place]))
            for place, rung in enumerate(ladder.rungs)
        ),
        slope=_estimate(slopes),
        slope_by_class={number: _estimate(_line(size, means(codes))[0]) for number, codes in by_class.items()},
        languages_by_class={number: len(codes) for number, codes in by_class.items()},
        at={each: _estimate(levels + slopes * (np.log10(each) - size.mean())) for each in within},
    )  # fmt: skip


def _line(size: Array, scores: Array) -> tuple[Array, Array]:
    """Return the slope and the level at the mean size of each row, by least squares."""
    centred = size - size.mean()
    return scores @ centred / (centred @ centred), scores.mean(axis=1)


def _estimate(values: Array) -> Estimate:
    """Return the first value, with percentiles of the others."""
    low, high = np.percentile(values[1:], _PERCENTILES)
    return Estimate(value=float(values[0]), low=float(low), high=float(high))
