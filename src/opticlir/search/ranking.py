"""The best k of many scores, in an order that does not depend on rounding."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64, Integer


def best(
    scores: Float64[np.ndarray, " n"],
    id_order: Integer[np.ndarray, " n"],
    k: int,
    *,
    resolution: float = 0.0,
    rescore: Callable[[np.ndarray], np.ndarray] | None = None,
) -> tuple[Integer[np.ndarray, " found"], Float64[np.ndarray, " found"]]:
    """The k highest scores; equal scores are ordered by document id, here and nowhere else.

    Scores that are off by up to `resolution` cannot order neighbours closer than twice that: those are
    scored again, exactly, and take the order of their exact scores.

    Args:
        scores: (n,) float64, finite, higher is better.
        id_order: (n,) place of each document in the order of ids.
        k: how many, >= 1; all where there are fewer.
        resolution: how far a score may be from the exact one.
        rescore: exact scores of some rows.

    Returns:
        (rows, scores), best first.

    Example:
        >>> best(np.array([1.0, 3.0, 3.0]), np.array([0, 2, 1]), k=2)[0].tolist()
        [2, 1]
    """
    if k < 1:
        raise ValueError(f"k is {k}: expected 1 or more")
    rows = np.arange(len(scores))
    if k < len(scores):
        threshold = np.partition(scores, len(scores) - k)[len(scores) - k]
        rows = np.flatnonzero(scores >= threshold - 2.0 * resolution)
    rows = rows[np.lexsort((id_order[rows], -scores[rows]))]
    found = scores[rows]
    if rescore is not None:
        is_near_next = found[:-1] - found[1:] <= 2.0 * resolution
        is_near = np.concatenate([is_near_next, [False]]) | np.concatenate([[False], is_near_next])
        if is_near.any():
            found[is_near] = rescore(rows[is_near])
            order = np.lexsort((id_order[rows], -found))
            rows, found = rows[order], found[order]
    return rows[:k], found[:k]
