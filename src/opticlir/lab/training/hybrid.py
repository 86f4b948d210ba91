"""Hybrid batches: some of one language, some across two.

With probability alpha a batch is monolingual (the student reads the English side, and the teacher's English
tokens are the target), else it is cross-lingual (Elmahdy et al. 2024, arXiv 2408.10536, whose monolingual
batches are of one language each; the teacher here knows English alone).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from datasets import Dataset

from opticlir.training.batches import LengthBuckets

_DRAW = 1  # tells this draw from that of the order


class HybridBuckets(LengthBuckets):
    """The batches of `LengthBuckets`, each monolingual with a probability.

    Which are follows from seed and epoch alone, and the pairs in them are those that would be without. Row n + i
    of `hybrid_rows` is pair i, read in English.

    Args:
        lengths: (pairs,), tokens of each foreign side.
        weights: (pairs,), >= 0.
        english_lengths: (pairs,), tokens of each English side.
        monolingual: probability of a batch, from 0 to 1.
        settings: the others of `LengthBuckets`.
    """

    def __init__(
        self,
        lengths: npt.NDArray[np.int64],
        weights: npt.NDArray[np.float64],
        *,
        english_lengths: npt.NDArray[np.int64],
        monolingual: float,
        **settings: Any,
    ) -> None:
        super().__init__(lengths, weights, **settings)
        self._monolingual = monolingual
        self._n_pairs = len(lengths)
        self._lengths = np.concatenate([lengths, english_lengths])  # of each row

    def _batches(self) -> Iterator[list[int]]:
        random = np.random.default_rng((self._seed, self.epoch, _DRAW))
        is_monolingual = random.random(self.n_batches) < self._monolingual
        for in_english, batch in zip(is_monolingual.tolist(), super()._batches(), strict=True):
            yield [self._n_pairs + pair for pair in batch] if in_english else batch


def hybrid_rows(n_pairs: int) -> Dataset:
    """Each pair twice: across languages, and read in English."""
    numbers = np.arange(2 * n_pairs)
    return Dataset.from_dict({"pair": numbers % n_pairs, "is_monolingual": numbers >= n_pairs})
