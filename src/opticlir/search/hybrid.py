"""Dense and lexical scores on one scale: z-scores per query over all documents, then a weighted sum.

Many names are written alike in both languages. BM25 of the untranslated query finds them, also those that the
encoder does not know.
Mean and standard deviation of the dense scores are those of `Index.dense_scores`. Of a large index these are screened.
Where each is off by at most e, so are the mean and the deviation. Every score that is shown, and the order of the
hits, come from exact scores on that scale.
An approximate search takes both from the estimates of `Index.estimated_scores`. These have about the deviation of the
scores, so the weight of BM25 is about the same.
A filter does not change the scale: it stays that over all documents of the index.

A weight of 0.1 was best or near it on four African languages; reciprocal rank fusion was not.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64

LEXICAL_WEIGHT = 0.1


class ZScale(NamedTuple):
    """Turns scores of one query into z-scores: `(score - mean) * factor`."""

    mean: float
    factor: float
    """1 / standard deviation; 0 if all scores are the same, so that z is 0 and never NaN."""

    def __call__(self, scores: Float[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
        """Standardise."""
        return (scores.astype(np.float64) - self.mean) * self.factor


def z_scale(scores: Float[np.ndarray, " n"], resolution: float = 0.0) -> ZScale:
    """Scale of one query's scores over all documents.

    Args:
        scores: (n,) float, n >= 1, finite.
        resolution: the rounding error of a score. Scores that differ by less than it count as equal.

    Example:
        >>> z_scale(np.array([1.0, 3.0]))(np.array([1.0, 2.0, 3.0])).tolist()
        [-1.0, 0.0, 1.0]
        >>> z_scale(np.array([2.0, 2.0]))(np.array([2.0])).tolist()
        [0.0]
    """
    wide = scores.astype(np.float64)
    mean = float(wide.mean())
    spread = float(wide.std())
    is_constant = float(np.ptp(wide)) <= 2.0 * resolution or spread == 0.0
    return ZScale(mean, 0.0 if is_constant else 1.0 / spread)
