"""When training stops early, and which checkpoint was best.

Both follow from the logged evaluations of the held-out pairs, so that an interrupted run stops where an unbroken
one does.
"""

from collections.abc import Mapping

MEASURE = "RR"
"""Of the held-out pairs; higher is better."""

Evaluations = Mapping[int, Mapping[str, float]]
"""Measures by step."""


def scheduled(evaluations: Evaluations, *, every: int, last: int) -> dict[int, Mapping[str, float]]:
    """The evaluations at checkpoints, which every run of a plan has.

    The one before the first step has no checkpoint, and neither has one that SIGTERM caused.

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
    """The step with the best evaluation, the first of equals.

    Example:
        >>> best_step({50: {"RR": 0.5}, 100: {"RR": 0.75}, 150: {"RR": 0.75}})
        100
    """
    return max(evaluations, key=lambda step: (evaluations[step][MEASURE], -step))


def is_over(evaluations: Evaluations, patience: int) -> bool:
    """Whether `patience` evaluations came after the best one.

    Example:
        >>> is_over({50: {"RR": 0.5}, 100: {"RR": 0.4}, 150: {"RR": 0.45}}, patience=2)
        True
    """
    if not evaluations:
        return False
    best = best_step(evaluations)
    return sum(step > best for step in evaluations) >= patience
