"""Batches of bitext: runs of pairs of similar length, in an order that only seed and epoch decide."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch
from sentence_transformers.base.sampler import DefaultBatchSampler
from sentence_transformers.multi_vector_encoder.data_collator import MultiVectorEncoderDataCollator

from opticlir.errors import DataError
from opticlir.training.bitext_batch import BitextBatch
from opticlir.training.teacher_cache import TeacherTokens

BatchTransform: TypeAlias = Callable[[BitextBatch], BitextBatch]
"""Changes a batch before the student reads it, or attaches an object to it."""


@runtime_checkable
class TextsByRow(Protocol):
    """Texts, by row."""

    def __getitem__(self, row: int, /) -> str:
        """The text of a row."""
        ...


@runtime_checkable
class TokensByRow(Protocol):
    """The teacher's token matrices, by row."""

    def of(self, rows: Sequence[int]) -> list[npt.NDArray[np.floating[Any]]]:
        """(tokens, dim) matrix of each row."""
        ...


_POOL = 20
_CHUNK = 8192


class LengthBuckets(DefaultBatchSampler):
    """Batches made of runs of pairs of similar length. The weight of a pair says how often it is drawn.

    Pairs are shuffled, cut into pools of a few batches, and sorted by length within a pool. Each batch of a pool
    gets a run of short pairs, then one of longer pairs, and so on to the longest. Such a batch needs little padding
    when it is encoded run by run, and is still a fair sample.

    Epochs differ in their order. A fractional weight is rounded up or down at random in each epoch. All epochs have
    the same number of batches, and batch sizes differ by at most one.

    With several processes, each takes its share of a batch, with long and short texts. This sampler yields the shares
    of a batch one after the other; accelerate gives one to each process.

    Args:
        lengths: (pairs,), tokens of each pair.
        weights: (pairs,), >= 0; a pair of weight 0 is never drawn.
        batch_size: largest number of pairs per batch, over all processes.
        seed: with the epoch, it decides every batch.
        n_processes: processes that share each batch.
        n_runs: runs in a batch; 1 makes all its pairs similar in length, 0 does not sort.

    Raises:
        DataError: a batch has fewer pairs than there are processes.
    """

    def __init__(
        self,
        lengths: npt.NDArray[np.int64],
        weights: npt.NDArray[np.float64],
        *,
        batch_size: int,
        seed: int,
        n_processes: int = 1,
        n_runs: int = 1,
    ) -> None:
        self._lengths = lengths
        self._whole = np.floor(weights).astype(np.int64)
        self._shares = weights - self._whole
        self._n_drawn = math.ceil(self._shares.sum() - 1e-6)  # a sum of shares is a little off
        self._seed, self.epoch = seed, 0
        self._n_processes, self._n_runs = n_processes, n_runs
        n_pairs = int(self._whole.sum()) + self._n_drawn
        self.n_batches = max(1, math.ceil(n_pairs / batch_size))
        if n_pairs // self.n_batches < n_processes:
            raise DataError(
                f"a batch holds {n_pairs // self.n_batches} sentence pairs, too few for {n_processes} processes: "
                "raise batch_size, or start fewer"
            )
        super().__init__(range(len(lengths)), batch_size=batch_size, drop_last=False)
        self.batch_size = None  # shares differ by a pair: accelerate takes them as they come
        self.sampler = self  # whose epoch accelerate sets

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch; the trainer calls this."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.n_batches * self._n_processes

    def __iter__(self) -> Iterator[list[int]]:
        for batch in self._batches():
            for process in range(self._n_processes):
                yield batch[process :: self._n_processes]

    def spread(self, count: int) -> list[list[int]]:
        """Return a few batches of this epoch, or rank zero's share of each, spread evenly over all lengths."""
        batches = sorted(self._batches(), key=lambda batch: self._lengths[batch].max())
        middles = (np.arange(count) + 0.5) / count * len(batches)
        return [batches[int(middle)][:: self._n_processes] for middle in middles]

    def _batches(self) -> Iterator[list[int]]:
        random = np.random.default_rng((self._seed, self.epoch))
        order = self._drawn(random)
        edges = np.linspace(0, len(order), self.n_batches + 1).astype(np.int64)
        batches: list[npt.NDArray[np.int64]] = []
        for first in range(0, self.n_batches, _POOL):
            pool = edges[first : first + _POOL + 1]
            chosen = order[pool[0] : pool[-1]]
            if self._n_runs:
                chosen = chosen[np.argsort(self._lengths[chosen], kind="stable")]
            batches += self._dealt(chosen, np.diff(pool), random)
        for number in random.permutation(len(batches)):
            yield batches[number].tolist()

    def _dealt(
        self, pairs: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64], random: np.random.Generator
    ) -> list[npt.NDArray[np.int64]]:
        """Make batches of these sizes from sorted pairs: each takes a run of the shortest, then longer ones."""
        n_runs = max(1, self._n_runs)
        run_ends = np.linspace(np.zeros_like(sizes), sizes, n_runs + 1).astype(np.int64)
        dealt: list[list[npt.NDArray[np.int64]]] = [[] for _ in sizes]
        first = 0
        for run_sizes in np.diff(run_ends, axis=0):
            for batch in random.permutation(len(sizes)) if n_runs > 1 else range(len(sizes)):
                dealt[batch].append(pairs[first : first + run_sizes[batch]])
                first += run_sizes[batch]
        return [np.concatenate(runs) for runs in dealt]

    def _drawn(self, random: np.random.Generator) -> npt.NDArray[np.int64]:
        """The pairs of an epoch in random order, as many in every epoch.

        Fractions of weights are drawn by systematic sampling (Madow 1949): put them end to end on a line that
        begins at a random number, and draw each pair whose fraction contains a whole number. If the sum of the
        fractions is no whole number, this may give one pair too few; then one more is drawn.
        """
        line = random.permutation(len(self._shares))
        ends = np.cumsum(self._shares[line]) + random.random()
        drawn = np.zeros_like(self._whole)
        drawn[line] = np.diff(np.floor(ends).astype(np.int64), prepend=0)
        if drawn.sum() < self._n_drawn:
            left = np.where(drawn == 0, self._shares, 0.0)
            drawn[random.choice(len(left), p=left / left.sum())] = 1
        return random.permutation(np.repeat(np.arange(len(drawn)), self._whole + drawn))


@dataclass
class BitextCollator(MultiVectorEncoderDataCollator):
    """Turns rows into a `BitextBatch`: token ids of the foreign texts, and the teacher's cached vectors.

    The stock collator would use the student's tokenizer for both sides; the teacher does not know its ids.
    """

    texts: TextsByRow = field(default=(), repr=False)
    """What the student reads, by row."""
    teacher_tokens: TokensByRow = field(default_factory=lambda: TeacherTokens([]), repr=False)
    """The teacher's vectors, by row."""
    prompt: str | None = None
    """Text in front of each sentence; None adds nothing."""
    transforms: Sequence[BatchTransform] = field(default=(), repr=False)
    """Applied to each batch, in this order."""

    def __call__(self, features: list[dict[str, Any]]) -> BitextBatch:
        """Return one batch of rows."""
        rows = [row["pair"] for row in features]
        inputs = self.preprocess_fn([self.texts[row] for row in rows], prompt=self.prompt, task="query")
        tokens, mask = pad_tokens(self.teacher_tokens.of(rows))
        batch = BitextBatch(
            pairs=torch.tensor(rows), foreign=dict(inputs), teacher_tokens=tokens, teacher_mask=mask
        )
        for transform in self.transforms:
            batch = transform(batch)
        return batch


def n_tokens(tokenizer: Any, texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return (texts,) int64: the tokens of each text, without markers, at most as many as the encoder reads."""
    return np.fromiter(map(len, token_ids(tokenizer, texts, markers=False)), np.int64, count=len(texts))


def token_ids(
    tokenizer: Any, texts: Sequence[str], *, markers: bool, prompt: str = ""
) -> Iterator[list[int]]:
    """Yield the token ids of each text, at most as many as the encoder reads. A few texts are read at a time."""
    for start in range(0, len(texts), _CHUNK):
        yield from tokenizer(
            [f"{prompt}{text}" for text in texts[start : start + _CHUNK]], truncation=True,
            add_special_tokens=markers, return_attention_mask=False, return_token_type_ids=False,
        )["input_ids"]  # fmt: skip


def pad_tokens(matrices: Sequence[npt.NDArray[np.floating[Any]]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Stack token matrices: (batch, tokens, dim) float32, unit rows, and a (batch, tokens) bool mask."""
    longest = max(1, *(len(matrix) for matrix in matrices))  # a token of padding where no text has one
    tokens = np.zeros((len(matrices), longest, matrices[0].shape[1]), dtype=np.float32)
    mask = np.zeros((len(matrices), longest), dtype=bool)
    for row, matrix in enumerate(matrices):
        tokens[row, : len(matrix)] = matrix
        mask[row, : len(matrix)] = True
    lengths = np.linalg.norm(tokens, axis=2, keepdims=True)  # float16 left them a little off 1
    return torch.from_numpy(tokens / np.maximum(lengths, 1e-12)), torch.from_numpy(mask)
