"""Mixed batches: in some of them, the student reads English sentences instead of foreign ones.

Each batch is monolingual with a given probability: the student reads the English side. The target is the teacher's
English tokens in any batch. In the paper, monolingual batches are of one language each; the teacher here knows English
only.

Row i of the training data is pair i, and row n + i is pair i read in English.

Reference: Elmahdy et al. 2024, arXiv 2408.10536.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from opticlir.training.batches import LengthBuckets, TextsByRow, TokensByRow
from opticlir.training.bitext_batch import Attachment, BitextBatch

_DRAW = 1  # part of the seed, so that this draw differs from that of the order


class MixedBuckets(LengthBuckets):
    """The batches of `LengthBuckets`. Each is monolingual with a given probability.

    Which ones are depends only on seed and epoch. The pairs of each batch are those of `LengthBuckets`.

    Args:
        lengths: (pairs,), tokens of each foreign side.
        weights: (pairs,), >= 0.
        english_lengths: (pairs,), tokens of each English side.
        monolingual: probability of a monolingual batch, from 0 to 1.
        settings: other arguments of `LengthBuckets`.
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


@dataclass(frozen=True, kw_only=True)
class ReadInEnglish(Attachment):
    """Marks a monolingual batch: the student reads its English side."""


@dataclass(frozen=True, slots=True)
class BothSides:
    """The texts by row: first the foreign ones, then the English ones."""

    foreign: TextsByRow
    english: TextsByRow
    n_pairs: int

    def __getitem__(self, row: int, /) -> str:
        """Return the text of a row."""
        return self.foreign[row] if row < self.n_pairs else self.english[row - self.n_pairs]


@dataclass(frozen=True, slots=True)
class TokensOfBoth:
    """The teacher's English tokens, for rows in either language."""

    tokens: TokensByRow
    n_pairs: int

    def of(self, rows: Sequence[int]) -> list[npt.NDArray[np.floating[Any]]]:
        """Return the (tokens, dim) matrix of each row."""
        return self.tokens.of([row % self.n_pairs for row in rows])


@dataclass(frozen=True, slots=True)
class MarkLanguage:
    """Batch transform: turns rows into pairs, and marks monolingual batches."""

    n_pairs: int

    def __call__(self, batch: BitextBatch) -> BitextBatch:
        """Replace row numbers by pair numbers, and mark the batch."""
        is_english = bool(batch.pairs[0] >= self.n_pairs)
        numbered = replace(batch, pairs=batch.pairs % self.n_pairs)
        return numbered.with_attached(ReadInEnglish()) if is_english else numbered
