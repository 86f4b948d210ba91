"""Nearest neighbours corrected for hubs: cross-domain similarity local scaling (CSLS).

CSLS(x, y) = 2 cos(x, y) - r(x) - r(y), where r is the mean cosine with the k nearest vectors of the other side. A hub,
which is close to many vectors, has a large r, so its CSLS is lower.

Reference: Conneau, Lample, Ranzato, Denoyer and Jegou, Word translation without parallel data, ICLR 2018,
section 2.3.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int

_ROWS = 1024
"""Rows of the matrix of all pairs in memory at a time: 4 or 8 MB per 1,000 candidates."""


def nearest_by_csls(
    queries: Float[np.ndarray, "queries dim"], candidates: Float[np.ndarray, "candidates dim"], *, k: int = 10
) -> tuple[Int[np.ndarray, " queries"], Float[np.ndarray, " queries"]]:
    """Return the candidate with the highest CSLS for each query, and its cosine.

    Args:
        queries: unit rows.
        candidates: unit rows, at least one. Of equally near candidates, the first is taken.
        k: neighbours for the correction; all if there are fewer.

    Returns:
        (queries,) rows of `candidates`, and (queries,) cosines, in the precision of the vectors.

    Raises:
        ValueError: `k` is below 1, or there is no candidate.

    Example:
        >>> rows, cosines = nearest_by_csls(np.eye(2), np.eye(2)[::-1])
        >>> rows.tolist(), cosines.tolist()
        ([1, 0], [1.0, 1.0])
    """
    if not len(candidates):
        raise ValueError("there is no candidate: expected one or more")
    if not len(queries):
        return np.empty(0, np.int64), np.empty(0, queries.dtype)
    hubness = mean_of_nearest(candidates, queries, k=k)
    found, cosines = [], []
    for _, rows in blocks(queries):
        alike = rows @ candidates.T
        # r(x) is the same for every candidate of a query, so it does not change which is nearest
        best = np.argmax(2 * alike - hubness, axis=1)
        found.append(best)
        cosines.append(alike[np.arange(len(rows)), best])
    return np.concatenate(found), np.concatenate(cosines)


def mean_of_nearest(
    vectors: Float[np.ndarray, "vectors dim"], others: Float[np.ndarray, "others dim"], *, k: int
) -> Float[np.ndarray, " vectors"]:
    """Return r, the mean cosine of each vector with its k nearest among others.

    Args:
        vectors: unit rows, at least one.
        others: unit rows, at least one.
        k: neighbours; all if there are fewer.

    Raises:
        ValueError: `k` is below 1.

    Example:
        >>> mean_of_nearest(np.eye(2), np.eye(2), k=1).tolist(), mean_of_nearest(np.eye(2), np.eye(2), k=9).tolist()
        ([1.0, 1.0], [0.5, 0.5])
    """
    if k < 1:
        raise ValueError(f"k is {k}: expected 1 or more")
    first = len(others) - min(k, len(others))
    means = []
    for _, rows in blocks(vectors):
        cosines = rows @ others.T
        means.append(np.partition(cosines, first, axis=1)[:, first:].mean(axis=1))
    return np.concatenate(means)


def blocks(
    vectors: Float[np.ndarray, "vectors dim"],
) -> Iterator[tuple[int, Float[np.ndarray, "block dim"]]]:
    """Yield blocks of a thousand rows, each with the number of its first row."""
    for first in range(0, len(vectors), _ROWS):
        yield first, vectors[first : first + _ROWS]
