"""Which English tokens the word alignment of the bitext has for each foreign token: what a plan can be guided by."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from sentence_transformers import MultiVectorEncoder
from torch import Tensor

from opticlir.data import PairTable
from opticlir.encoder import VocabularyConfig, scored_ids, transformer_of, word_beginnings
from opticlir.encoder.alignment import learn_translation_table
from opticlir.training.bitext_batch import Attachment, BitextBatch, Encode
from opticlir.training.processes import all_gather

Numbers = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Links:
    """What word alignment knows of the tokens of a batch."""

    probabilities: Float[Tensor, "batch m n"]
    """p(English word | foreign word) for each token of both, 0 where nothing is known."""


@dataclass(frozen=True, kw_only=True)
class LinksOfBatch(Attachment):
    """The links of this process's share of a batch."""

    gives: ClassVar[type[Any]] = Links

    probabilities: Float[Tensor, "batch m n"]

    def read(self, encode: Encode) -> Links:  # noqa: ARG002 - nothing is encoded
        """The links of the whole batch."""
        return Links(all_gather(self.probabilities))


class WordGuide:
    """Batch transform: attaches p(English word | foreign word) between the tokens, learned from the bitext itself.

    IBM model 1 in both directions, joined by the geometric mean of their posteriors, as it places the words of a
    new vocabulary (`opticlir.encoder.alignment`); here both sides are whole words. The table is sparse, and of
    each pair only the numbers of its English words are kept: four bytes a token.

    Args:
        student: its query tokenizer reads the foreign side.
        teacher: its query tokenizer cut the English side.
        pairs: the bitext; a pair counts as often as its weight says.
        config: rounds and threshold of the alignment, and the most pairs it is learned from.
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
        ways = rows * self._n_english + table.english_ids
        order = np.argsort(ways)
        # an entry behind all others: a search never ends behind the array
        self._ways = np.append(ways[order], np.iinfo(np.int64).max)
        self._probabilities = np.append(table.probabilities[order], np.float32(0))

    def __call__(self, batch: BitextBatch) -> BitextBatch:
        """Attach the links of a batch."""
        found = self.links(batch.foreign["input_ids"], batch.pairs.tolist())
        return batch.with_attached(LinksOfBatch(probabilities=found))

    def links(self, ids: Int[Tensor, "batch m"], pairs: Sequence[int]) -> Float[Tensor, "batch m n"]:
        """The table between the tokens of a batch.

        Args:
            ids: (batch, m), foreign sides by the student's tokenizer, padding and markers among them.
            pairs: (batch,), numbers of the pairs, whose English sides are taken.

        Returns:
            (batch, m, n) float32 on the CPU, n that of the longest English side: each piece of a word has what
            the word has; 0 at markers and padding, and wherever the table has no link.
        """
        foreign = np.stack([self._foreign(row) for row in ids.numpy()])
        rows = [self._english[pair] for pair in pairs]
        english = np.full((len(rows), max(1, *map(len, rows))), -1, dtype=np.int32)
        for place, row in zip(english, rows, strict=True):
            place[: len(row)] = row
        has_words = (foreign >= 0)[:, :, None] & (english >= 0)[:, None, :]
        ways = foreign[:, :, None].astype(np.int64) * self._n_english + english[:, None, :]
        wanted = ways[has_words]
        places = np.searchsorted(self._ways, wanted)
        found = np.zeros(has_words.shape, dtype=np.float32)
        found[has_words] = np.where(self._ways[places] == wanted, self._probabilities[places], 0)
        return torch.from_numpy(found)


class _WordNumbers:
    """The words that one tokenizer cuts, numbered as they come; a word is its letters, whatever their case."""

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
        """(tokens,) number of the word that each token is of; -1 at markers, padding and unknown tokens."""
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
    """The words of many texts by their numbers, one text behind the other."""

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
