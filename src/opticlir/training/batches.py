"""Batches of bitext: runs of pairs alike in length, in an order that follows from seed and epoch alone."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sentence_transformers.base.sampler import DefaultBatchSampler
from sentence_transformers.multi_vector_encoder.data_collator import MultiVectorEncoderDataCollator

from opticlir.errors import DataError
from opticlir.lab.training.token_weights import TokenWeights
from opticlir.lab.training.word_guide import WordGuide
from opticlir.training.teacher_cache import TeacherTokens

_BATCHES_SORTED_TOGETHER = 20
_TEXTS_TOGETHER = 8192


class LengthBuckets(DefaultBatchSampler):
    """Batches made of runs of pairs of like length, every pair as often as its weight says.

    Pairs are shuffled, cut into pools of a few batches, and sorted by length within a pool. Each batch of a
    pool is dealt a run of short pairs, one of longer ones, and so on to the longest, in this order: read run
    by run it needs little padding, and yet is a fair sample. No two epochs are alike. A fractional weight is
    rounded up or down by lot, anew each epoch. All epochs have as many batches, and batches differ by a pair
    at most.

    Of several processes each takes its share of a batch, long and short texts alike: the shares of a batch
    follow one another here, and accelerate hands them out in turn.

    Args:
        lengths: (pairs,), tokens of each pair.
        weights: (pairs,), >= 0; a pair of weight 0 is never drawn.
        batch_size: most pairs per batch, of all processes together.
        seed: with the epoch, decides everything.
        n_processes: that share each batch.
        n_runs: in a batch; 1 makes all its pairs alike in length, 0 leaves batches as they are drawn.

    Raises:
        DataError: there are fewer pairs in a batch than processes.
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
        """A few batches of this epoch, or this process's shares of them, that stand evenly among all by length."""
        batches = sorted(self._batches(), key=lambda batch: self._lengths[batch].max())
        middles = (np.arange(count) + 0.5) / count * len(batches)
        return [batches[int(middle)][:: self._n_processes] for middle in middles]

    def _batches(self) -> Iterator[list[int]]:
        random = np.random.default_rng((self._seed, self.epoch))
        order = self._drawn(random)
        edges = np.linspace(0, len(order), self.n_batches + 1).astype(np.int64)
        batches: list[npt.NDArray[np.int64]] = []
        for first in range(0, self.n_batches, _BATCHES_SORTED_TOGETHER):
            pool = edges[first : first + _BATCHES_SORTED_TOGETHER + 1]
            chosen = order[pool[0] : pool[-1]]
            if self._n_runs:
                chosen = chosen[np.argsort(self._lengths[chosen], kind="stable")]
            batches += self._dealt(chosen, np.diff(pool), random)
        for number in random.permutation(len(batches)):
            yield batches[number].tolist()

    def _dealt(
        self, pairs: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64], random: np.random.Generator
    ) -> list[npt.NDArray[np.int64]]:
        """Batches of these sizes from sorted pairs: every batch a run from the shortest, one from the next, ..."""
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

        Shares are drawn systematically (Madow 1949): laid end to end, a pair is drawn where a whole number
        falls on its share. A pair more is drawn where that leaves one out, and the shares do not end whole.
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
    """Foreign side through the student's tokenizer; English side as vectors the teacher gave before.

    The stock collator would put both sides through the student's tokenizer, whose ids mean nothing to
    the teacher. Where an objective needs it, the English side goes through that tokenizer as well.
    """

    foreign: Sequence[str] = field(default=(), repr=False)
    teacher_tokens: TeacherTokens = field(default_factory=lambda: TeacherTokens([]), repr=False)
    prompt: str | None = None
    english: Callable[[Sequence[int]], dict[str, Any]] | None = field(default=None, repr=False)
    """Inputs of the English side of some pairs; None where no objective needs them."""
    english_queries: Sequence[str] = field(default=(), repr=False)
    """English side of each pair, for batches that are read in English."""
    weights: TokenWeights | None = field(default=None, repr=False)
    """Of the student's tokens, by their ids; None where all weigh alike."""
    teacher_weights: Sequence[npt.NDArray[np.float32]] = field(default=(), repr=False)
    """Of each pair's English tokens, where the student's are given."""
    mixup: Callable[[Sequence[int], Mapping[str, Any]], dict[str, Any]] | None = field(
        default=None, repr=False
    )
    """English words that some foreign ones are mixed with, by pairs and their inputs; None mixes none."""
    guide: WordGuide | None = field(default=None, repr=False)
    """Which tokens of both sides the words of the bitext link; None where no plan is guided by it."""

    def __call__(self, features: list[dict[str, Any]]) -> dict[str, Any]:
        """One batch: `foreign_*` holds what every loss needs, `english_*` what some need besides.

        A monolingual batch has the English side in the place of the foreign one, and nothing besides; the table of
        a guide has nothing to say of it.
        """
        pairs = [row["pair"] for row in features]
        is_monolingual = features[0].get("is_monolingual", False)
        texts = self.english_queries if is_monolingual else self.foreign
        inputs = self.preprocess_fn([texts[pair] for pair in pairs], prompt=self.prompt, task="query")
        tokens, mask = pad_tokens(self.teacher_tokens.of(pairs))
        english = self.english(pairs) if self.english and not is_monolingual else {}
        if self.mixup is not None and not is_monolingual:
            inputs = {**inputs, **self.mixup(pairs, inputs)}
        if self.weights is not None:
            inputs = {**inputs, "weights": self.weights(inputs["input_ids"])}
            inputs["teacher_weights"] = torch.nn.utils.rnn.pad_sequence(
                [torch.from_numpy(self.teacher_weights[pair]) for pair in pairs], batch_first=True
            )
        if self.guide is not None and not is_monolingual:
            inputs = {**inputs, "links": self.guide(inputs["input_ids"], pairs)}
        return {
            **{f"foreign_{name}": value for name, value in inputs.items()},
            "foreign_teacher_tokens": tokens,
            "foreign_teacher_mask": mask,
            "foreign_pairs": torch.tensor(pairs),
            **{f"english_{name}": value for name, value in english.items()},
        }


def n_tokens(tokenizer: Any, texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """(texts,) tokens of each text, markers aside and no more than the encoder reads."""
    return np.fromiter(map(len, token_ids(tokenizer, texts, markers=False)), np.int64, count=len(texts))


def token_ids(
    tokenizer: Any, texts: Sequence[str], *, markers: bool, prompt: str = ""
) -> Iterator[list[int]]:
    """Ids of the tokens of each text, no more than the encoder reads; a few texts are held at a time."""
    for start in range(0, len(texts), _TEXTS_TOGETHER):
        yield from tokenizer(
            [f"{prompt}{text}" for text in texts[start : start + _TEXTS_TOGETHER]], truncation=True,
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
