"""Looks up the English tokens of each foreign token in the word alignment of the bitext, to guide a plan."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from sentence_transformers import MultiVectorEncoder
from torch import Tensor

from opticlir.data import PairTable
from opticlir.encoder import VocabularyConfig, scored_ids, transformer_of, word_beginnings
from opticlir.encoder.alignment import learn_translation_table
from opticlir.training.bitext_batch import BitextBatch, Gathered

Numbers = npt.NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class Links(Gathered):
    """Links between the tokens of a batch, from word alignment."""

    probabilities: Float[Tensor, "batch m n"]
    """p(English word | foreign word) for each pair of tokens; 0 where unknown."""


class WordGuide:
    """Batch transform: attaches p(English word | foreign word) between the tokens.

    The probabilities are learned from the bitext itself, by IBM model 1 in both directions, combined by their
    geometric mean (`opticlir.encoder.alignment`). The same alignment places the words of a new vocabulary; here both
    sides are whole words. The table is sparse. Of each pair, only the numbers of its English words are kept: four
    bytes per token.

    Args:
        student: its query tokenizer reads the foreign side.
        teacher: its query tokenizer reads the English side.
        pairs: the bitext; a pair counts by its weight.
        config: iterations and threshold of the alignment, and the most pairs it learns from.
    """

    def __init__(
        self,
        student: MultiVectorEncoder,
        teacher: MultiVectorEncoder,
        pairs: PairTable,
        config: VocabularyConfig,
    ) -> None:
        self._foreign, english = _WordNumbers(student), _WordNumbers(teacher)
        self._english = _Rows(english, teacher, pairs.english)
        self._n_english = len(english)
        chosen = np.linspace(0, len(pairs) - 1, min(len(pairs), config.alignment_pairs)).astype(np.int64)
        aligned = pairs.take(chosen)
        foreign = _Rows(self._foreign, student, aligned.foreign)
        table = learn_translation_table(
            [_without_markers(foreign[row]) for row in range(len(aligned))],
            [_without_markers(self._english[pair]) for pair in chosen.tolist()],
            aligned.weights.astype(np.float32),
            n_foreign=len(self._foreign), n_english=self._n_english,
            iterations=config.iterations, threshold=config.threshold,
        )  # fmt: skip
        rows = np.repeat(np.arange(len(self._foreign), dtype=np.int64), np.diff(table.starts))
        keys = rows * self._n_english + table.english_ids
        order = np.argsort(keys)
        # the last entry is larger than all keys, so that a search never ends after the array
        self._keys = np.append(keys[order], np.iinfo(np.int64).max)
        self._probabilities = np.append(table.probabilities[order], np.float32(0))

    def __call__(self, batch: BitextBatch) -> BitextBatch:
        """Attach the links of a batch."""
        found = self.links(batch.foreign["input_ids"], batch.pairs.tolist())
        return batch.with_attached(Links(probabilities=found))

    def links(self, ids: Int[Tensor, "batch m"], pairs: Sequence[int]) -> Float[Tensor, "batch m n"]:
        """Look up the links between the tokens of a batch.

        Args:
            ids: (batch, m), foreign sides by the student's tokenizer, with padding and special tokens.
            pairs: (batch,), numbers of the pairs, for their English sides.

        Returns:
            (batch, m, n) float32 on the CPU, where n is the length of the longest English side. Each piece of a word
            has the probability of the word. Special tokens, padding and pairs without a link have 0.
        """
        foreign = np.stack([self._foreign(row) for row in ids.numpy()])
        rows = [self._english[pair] for pair in pairs]
        english = np.full((len(rows), max(1, *map(len, rows))), -1, dtype=np.int32)
        for place, row in zip(english, rows, strict=True):
            place[: len(row)] = row
        has_words = (foreign >= 0)[:, :, None] & (english >= 0)[:, None, :]
        wanted = (foreign[:, :, None].astype(np.int64) * self._n_english + english[:, None, :])[has_words]
        places = np.searchsorted(self._keys, wanted)
        found = np.zeros(has_words.shape, dtype=np.float32)
        found[has_words] = np.where(self._keys[places] == wanted, self._probabilities[places], 0)
        return torch.from_numpy(found)


class _WordNumbers:
    """Numbers the words of one tokenizer in the order they come. Words are compared without case."""

    def __init__(self, model: MultiVectorEncoder) -> None:
        self._tokenizer: Any = transformer_of(model, "query").tokenizer
        self._begins = word_beginnings(model, "query").numpy()
        self._is_marker = np.zeros(len(self._begins), dtype=bool)
        self._is_marker[self._tokenizer.all_special_ids] = True
        self._by_pieces: dict[tuple[int, ...], int] = {}
        self._by_letters: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._by_letters)

    def __call__(self, ids: npt.NDArray[np.int64]) -> Numbers:
        """Return (tokens,) numbers of the word of each token; -1 for special tokens, padding and unknown tokens."""
        is_marker = self._is_marker[ids]
        begins = self._begins[ids] | is_marker
        begins[:1] = True
        begins[1:] |= is_marker[:-1]
        edges = [*np.flatnonzero(begins).tolist(), len(ids)]
        tokens = ids.tolist()
        words = [
            -1 if is_marker[first] else self._number(tuple(tokens[first:end]))
            for first, end in pairwise(edges)
        ]
        return np.repeat(np.array(words, dtype=np.int32), np.diff(edges))

    def _number(self, pieces: tuple[int, ...]) -> int:
        if pieces not in self._by_pieces:
            letters = self._tokenizer.decode(list(pieces)).strip().casefold()
            self._by_pieces[pieces] = self._by_letters.setdefault(letters, len(self._by_letters))
        return self._by_pieces[pieces]


class _Rows:
    """The word numbers of many texts, in one array."""

    def __init__(self, words: _WordNumbers, model: MultiVectorEncoder, texts: Sequence[str]) -> None:
        numbers, starts = array("i"), [0]
        for ids in scored_ids(model, texts, "query"):
            numbers.frombytes(words(ids).tobytes())
            starts.append(len(numbers))
        self._numbers, self._starts = np.asarray(numbers, dtype=np.int32), np.array(starts)

    def __getitem__(self, row: int) -> Numbers:
        return self._numbers[self._starts[row] : self._starts[row + 1]]


def _without_markers(numbers: Numbers) -> Numbers:
    return numbers[numbers >= 0]
