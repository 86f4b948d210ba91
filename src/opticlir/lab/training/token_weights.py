"""Weights of tokens in the transport, by their words or by how few sentences have them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from sentence_transformers import MultiVectorEncoder
from torch import Tensor

from opticlir import transport
from opticlir.encoder import scored_ids, word_beginnings
from opticlir.training.bitext_batch import Attachment, BitextBatch, Encode
from opticlir.training.processes import all_gather


@dataclass(frozen=True, slots=True)
class SideWeights:
    """Weights of the tokens of a batch, >= 0; padding may hold anything."""

    student: Float[Tensor, "batch m"]
    teacher: Float[Tensor, "batch n"]


@dataclass(frozen=True, kw_only=True)
class SideWeightsOfBatch(Attachment):
    """The weights of this process's share of a batch."""

    gives: ClassVar[type[Any]] = SideWeights

    student: Float[Tensor, "batch m"]
    teacher: Float[Tensor, "batch n"]

    def read(self, encode: Encode) -> SideWeights:  # noqa: ARG002 - nothing is encoded
        """The weights of the whole batch."""
        return SideWeights(all_gather(self.student), all_gather(self.teacher))


class SideWeighting:
    """Batch transform: attaches the weights of the tokens of both sides.

    Args:
        student: by the ids of the student.
        teacher: (tokens,) weights of each English side.
    """

    def __init__(self, student: "TokenWeights", teacher: Sequence[npt.NDArray[np.float32]]) -> None:
        self._student, self._teacher = student, teacher

    def __call__(self, batch: BitextBatch) -> BitextBatch:
        """Attach the weights of a batch."""
        rows = [torch.from_numpy(self._teacher[pair]) for pair in batch.pairs.tolist()]
        return batch.with_attached(
            SideWeightsOfBatch(
                student=self._student(batch.foreign["input_ids"]),
                teacher=torch.nn.utils.rnn.pad_sequence(rows, batch_first=True),
            )
        )


class TokenWeights:
    """Weights of tokens by their ids, before they are divided by their sum.

    Args:
        marginals: `uniform`, `word` or `idf`; see `LabTransportConfig.marginals`.
        model: its query tokenizer made the ids.
        texts: one side of the bitext, in which `idf` counts.
    """

    def __init__(self, marginals: str, model: MultiVectorEncoder, texts: Sequence[str]) -> None:
        self._begins = word_beginnings(model, "query") if marginals == "word" else None
        self._idf = None
        if marginals == "idf":
            sentences = list(scored_ids(model, texts, "query"))
            largest = max(int(ids.max(initial=0)) for ids in sentences)
            size = 1 + max(largest, len(word_beginnings(model, "query")) - 1)
            self._idf = transport.inverse_document_frequency((ids.tolist() for ids in sentences), size)

    def __call__(self, ids: Int[Tensor, "batch tokens"]) -> Float[Tensor, "batch tokens"]:
        """Weights of a batch of texts; those of padding mean nothing."""
        if self._idf is not None:
            return self._idf[ids]
        if self._begins is None:
            return torch.ones(ids.shape)
        words = self._begins[ids].cumsum(dim=1)
        return transport.by_word(torch.ones_like(ids, dtype=torch.bool), words)


def weights_of_texts(
    weights: TokenWeights, model: MultiVectorEncoder, texts: Sequence[str]
) -> list[npt.NDArray[np.float32]]:
    """Weights of the tokens that `model` scores, one (tokens,) array per text: the rows of its query vectors."""
    return [weights(torch.from_numpy(ids)[None])[0].numpy() for ids in scored_ids(model, texts, "query")]
