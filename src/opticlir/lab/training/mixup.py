"""Embedding mixup: the embedding of a foreign word is mixed with that of its English translation.

Words are drawn as for code-switching. The word embedding of each piece of a drawn word is moved towards the English
word, which is the mean of its own pieces:

    (1 - share) x piece + share x English word,    share ~ Beta(alpha, alpha)

Each word has its own share. The sentence keeps its tokens, and the target stays the teacher's tokens of the English
side, because both words mean the same.

References: Zhang, Cisse, Dauphin and Lopez-Paz, mixup: beyond empirical risk minimization, ICLR 2018 (arXiv
1710.09412), section 2 (the share). Wang, Huang, Chang and Chen, Self-augmentation improves zero-shot cross-lingual
transfer, IJCNLP-AACL 2023 (arXiv 2309.10891): mixing of words that the encoder itself switched.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from sentence_transformers import MultiVectorEncoder
from torch import Tensor

from opticlir.encoder import spelled, token_places, transformer_of
from opticlir.lab.training.code_switching import CodeSwitchingConfig, Lexicon, generator_of
from opticlir.training.bitext_batch import Attachment, BitextBatch, Cut

_NONE = -1  # no piece


@dataclass(frozen=True, kw_only=True)
class MixedWords(Attachment):
    """English words that are mixed into tokens of the foreign side while the student reads it."""

    table: torch.nn.Module
    """The student's word embeddings."""
    pieces: Int[Tensor, "batch tokens pieces"]
    """Ids of the English word of each token; -1 where there is none."""
    shares: Float[Tensor, "batch tokens"]
    """Share of the English word, from 0 to 1; 0 leaves the token unchanged."""

    def around(self, cut: Cut) -> AbstractContextManager[None]:
        """Mix the words of a cut of the batch."""
        return mixed_words(self.table, self.pieces[cut], self.shares[cut])


class WordMixup:
    """Batch transform: chooses tokens to mix with English words, and others in each epoch.

    The draw depends only on seed, epoch and the number of the sentence, so a resumed run reads the same. With the
    same seed, the same words would be replaced without mixup.

    Args:
        texts: foreign sentences.
        lexicon: English words by foreign words.
        student: its query tokenizer cuts both sides.
        config: the rate, and alpha, which must not be None.
        seed: seed of the run.
        epoch: returns the current epoch.

    Raises:
        ValueError: alpha is None.
    """

    def __init__(
        self,
        texts: Sequence[str],
        lexicon: Lexicon,
        student: MultiVectorEncoder,
        config: CodeSwitchingConfig,
        *,
        seed: int,
        epoch: Callable[[], int],
    ) -> None:
        if config.mixup_alpha is None:
            raise ValueError("mixup_alpha is None: words are replaced, not mixed")
        self._texts, self._lexicon, self._student = texts, lexicon, student
        self._rate, self._alpha = config.rate, config.mixup_alpha
        self._seed, self._epoch = seed, epoch
        english = lexicon.english()
        self._table = transformer_of(student, "query").model.get_input_embeddings()
        self._pieces = dict(zip(english, spelled(student, english, "query"), strict=True))

    def __call__(self, batch: BitextBatch) -> BitextBatch:
        """Attach the words that the tokens of a batch are mixed with."""
        return batch.with_attached(self.of(batch.pairs.tolist(), batch.foreign))

    def of(self, numbers: Sequence[int], inputs: Mapping[str, Any]) -> MixedWords:
        """Return the words that the tokens of some sentences are mixed with.

        Args:
            numbers: numbers of the sentences.
            inputs: their inputs, with `input_ids` and `attention_mask`, (batch, tokens) each.
        """
        ids, mask = inputs["input_ids"].numpy(), inputs["attention_mask"].numpy().astype(bool)
        rows: list[list[list[int]]] = [[[] for _ in row] for row in ids]
        shares = np.zeros(ids.shape, dtype=np.float32)
        texts = [self._texts[number] for number in numbers]
        for row, places in enumerate(token_places(self._student, texts, "query")):
            first = int(mask[row].argmax())  # padding may precede the text
            columns = range(first, min(first + len(places.ids), ids.shape[1]))
            for start, end, pieces, share in self._drawn(numbers[row]):
                for column in columns:
                    token = column - first
                    # a text that is cut ends with a special token where the next one would be
                    is_same = places.ids[token] == ids[row, column]
                    if is_same and start <= places.last_letters[token] < end:
                        rows[row][column], shares[row, column] = pieces, share
        longest = max(1, *(len(pieces) for row in rows for pieces in row))
        padded = [[pieces + [_NONE] * (longest - len(pieces)) for pieces in row] for row in rows]
        return MixedWords(table=self._table, pieces=torch.tensor(padded), shares=torch.from_numpy(shares))

    def _drawn(self, number: int) -> Iterator[tuple[int, int, list[int], float]]:
        random = generator_of(self._seed, self._epoch(), number)
        found = list(self._lexicon.drawn(self._texts[number], self._rate, random))
        for replacement, share in zip(
            found, random.beta(self._alpha, self._alpha, size=len(found)), strict=True
        ):
            if pieces := self._pieces[replacement.english]:
                yield replacement.start, replacement.end, pieces, float(share)


@contextmanager
def mixed_words(
    table: torch.nn.Module, pieces: Int[Tensor, "batch tokens pieces"], shares: Float[Tensor, "batch tokens"]
) -> Iterator[None]:
    """Mix the word embeddings of a batch with those of English words while the block runs.

    Args:
        table: word embeddings. Their output is mixed before any other hook sees it.
        pieces: ids of the English word of each token; -1 where there is none.
        shares: share of the English word; 0 leaves the token unchanged, to the bit.

    Gradient:
        Through the foreign and the English word.

    Example:
        >>> table = torch.nn.Embedding.from_pretrained(torch.tensor([[0.0], [4.0], [8.0]]))
        >>> with mixed_words(table, torch.tensor([[[1, 2], [-1, -1]]]), torch.tensor([[0.5, 0.0]])):
        ...     table(torch.tensor([[0, 1]])).flatten().tolist()
        [3.0, 4.0]
    """

    def mix(_module: torch.nn.Module, _inputs: Any, embeddings: Tensor) -> Tensor:
        mixed = shares.gt(0).nonzero(as_tuple=True)
        chosen = pieces[mixed]
        is_piece = chosen.ge(0)[:, :, None]
        # `forward` does not call the hooks of the table, and this is one
        looked_up = table.forward(chosen.clamp(min=0)).masked_fill(~is_piece, 0.0)
        english = looked_up.sum(dim=1) / is_piece.sum(dim=1).clamp(min=1)
        moved = torch.lerp(embeddings[mixed], english, shares[mixed][:, None].to(embeddings.dtype))
        return embeddings.index_put(mixed, moved)

    handle = table.register_forward_hook(mix, prepend=True)
    try:
        yield
    finally:
        handle.remove()
