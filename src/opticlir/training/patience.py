"""When training stops early, and which checkpoint was best.

Only the logged evaluations of the held-out pairs decide both, so a resumed run stops at the same step as an
uninterrupted one.
"""

from collections.abc import Mapping

MEASURE = "RR"
"""The measure on held-out pairs that decides; higher is better."""

Evaluations = Mapping[int, Mapping[str, float]]
"""Measures by step."""


def scheduled(evaluations: Evaluations, *, every: int, last: int) -> dict[int, Mapping[str, float]]:
    """Return the evaluations at planned checkpoints, which every run of a plan has.

    Evaluations before the first step and after SIGTERM are left out.

    Args:
        evaluations: all of them.
        every: steps between checkpoints.
        last: the last planned step.
    """
    return {
        step: measures
        for step, measures in evaluations.items()
        if step and (step % every == 0 or step == last)
    }


def best_step(evaluations: Evaluations) -> int:
    """Return the step with the best evaluation; of equal ones the first.

    Example:
        >>> best_step({50: {"RR": 0.5}, 100: {"RR": 0.75}, 150: {"RR": 0.75}})
        100
    """
    return max(evaluations, key=lambda step: (evaluations[step][MEASURE], -step))


def is_over(evaluations: Evaluations, patience: int) -> bool:
    """Whether `patience` evaluations followed the best one.

    Example:
        >>> is_over({50: {"RR": 0.5}, 100: {"RR": 0.4}, 150: {"RR": 0.45}}, patience=2)
        True
    """
    if not evaluations:
        return False
    best = best_step(evaluations)
    return sum(step > best for step in evaluations) >= patience
