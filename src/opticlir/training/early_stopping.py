"""When a training has learned what it will, and which of its checkpoints was best.

Everything follows from the looks at the held-out pairs that the log holds, so that a run that is killed
and resumed stops where it would have.
"""

from collections.abc import Mapping

MEASURE = "RR"
"""Of the held-out pairs; the higher the better."""

Looks = Mapping[int, Mapping[str, float]]
"""Measures by step."""


def scheduled(looks: Looks, *, every: int, last: int) -> dict[int, Mapping[str, float]]:
    """The looks that every run of this plan has: at its checkpoints.

    Left out are the look before the first step, which has no checkpoint, and one where SIGTERM came.

    Args:
        looks: all of them.
        every: steps between checkpoints.
        last: the last step planned.
    """
    return {step: look for step, look in looks.items() if step and (step % every == 0 or step == last)}


def best_step(looks: Looks) -> int:
    """The step with the best look, the first of equals.

    Example:
        >>> best_step({50: {"RR": 0.5}, 100: {"RR": 0.75}, 150: {"RR": 0.75}})
        100
    """
    return max(looks, key=lambda step: (looks[step][MEASURE], -step))


def is_over(looks: Looks, patience: int) -> bool:
    """Whether `patience` looks have come after the best one.

    Example:
        >>> is_over({50: {"RR": 0.5}, 100: {"RR": 0.4}, 150: {"RR": 0.45}}, patience=2)
        True
    """
    if not looks:
        return False
    best = best_step(looks)
    return sum(step > best for step in looks) >= patience
