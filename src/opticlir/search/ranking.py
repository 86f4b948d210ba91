"""The k best of many scores, in an order that does not depend on rounding."""

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
    n_exact: int = 0,
) -> tuple[Integer[np.ndarray, " found"], Float64[np.ndarray, " found"]]:
    """Return the k highest scores. Equal scores are ordered by document id; only this function decides it.

    A score may be wrong by up to `resolution`. Neighbours that are closer than twice that are scored again, and
    their exact scores decide.

    Args:
        scores: (n,) float64, finite, higher is better.
        id_order: (n,) int64, the place of each document when they are sorted by id.
        k: number of results, >= 1; fewer if there are fewer scores.
        resolution: the largest rounding error of a score.
        rescore: gives the exact scores of some rows.
        n_exact: the scores of this many first places are always exact.

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
        is_near |= np.arange(len(rows)) < n_exact
        if is_near.any():
            found[is_near] = rescore(rows[is_near])
            order = np.lexsort((id_order[rows], -found))
            rows, found = rows[order], found[order]
    return rows[:k], found[:k]


def settled(
    scores: Float64[np.ndarray, " n"],
    errors: Float64[np.ndarray, " n"],
    k: int,
    rescore: Callable[[np.ndarray], np.ndarray],
    *,
    resolution: float = 0.0,
) -> Float64[np.ndarray, " n"]:
    """Score again whatever can be among the k best, given the error of each score.

    The documents with the k highest scores come first. Another one is left out if its score plus error is below all of
    their new scores: then these k are certainly better.

    Args:
        scores: (n,) float64, finite, higher is better.
        errors: (n,) float64, >= 0, the most that each score may be wrong.
        k: number of results, >= 1.
        rescore: gives better scores of some rows.
        resolution: the largest error of a better score.

    Returns:
        (n,) float64, the better scores, and minus infinity for documents that are left out.

    Example:
        >>> settled(np.array([1.0, 3.0, 2.8]), np.full(3, 0.2), 1, lambda rows: 3.0 - rows / 10).tolist()
        [-inf, 2.9, 2.8]
    """
    better = np.full(len(scores), -np.inf)
    rows = np.argpartition(-scores, min(k, len(scores)) - 1)[:k]
    better[rows] = rescore(rows)
    if k < len(scores):
        reaches = scores + errors >= better[rows].min() - resolution
        reaches[rows] = False
        others = np.flatnonzero(reaches)
        better[others] = rescore(others)
    return better
