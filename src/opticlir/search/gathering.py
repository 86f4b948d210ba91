"""Gathering: the documents that an approximate search scores exactly; the others cannot be hits.

They are the best in the order that is asked for, with estimates instead of exact scores. How many are needed grows
about with the square root of the collection.
"""

import math

import numpy as np
from jaxtyping import Float, Integer

FEWEST = 128
"""Documents that are gathered of a small collection."""
_PER_ROOT = 3
_MOST_EXACT = 2**30
"""Numbers of all stored vectors, up to which an index is searched exactly by default."""


def approximates(n_values: int) -> bool:
    """Whether an index whose vectors have so many numbers in all is searched approximately by default."""
    return n_values > _MOST_EXACT


def estimates_pay(n_documents: int) -> bool:
    """Whether a collection has more documents than are gathered. Others are scored exactly in any case."""
    return n_documents > FEWEST


def n_gathered(n_documents: int, k: int) -> int:
    """How many documents to gather for k hits.

    Example:
        >>> n_gathered(57_000, 10), n_gathered(500, 200)
        (717, 200)
    """
    return max(FEWEST, k, math.ceil(_PER_ROOT * math.sqrt(n_documents)))


def gathered(scores: Float[np.ndarray, " n"], n: int) -> Integer[np.ndarray, " n_gathered"]:
    """The places of the n highest scores, rising; of all where there are no more."""
    if len(scores) <= n:
        return np.arange(len(scores))
    return np.sort(np.argpartition(-scores, n - 1)[:n])
