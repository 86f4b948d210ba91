"""Weights of tokens in the transport plan: by word, or by inverse document frequency."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from sentence_transformers import MultiVectorEncoder
from torch import Tensor

from opticlir import transport
from opticlir.encoder import scored_ids, word_beginnings
from opticlir.training.bitext_batch import BitextBatch, Gathered


@dataclass(frozen=True, kw_only=True)
class SideWeights(Gathered):
    """Weights of the tokens of a batch, >= 0. Those of padding mean nothing."""

    student: Float[Tensor, "batch m"]
    teacher: Float[Tensor, "batch n"]


class SideWeighting:
    """Batch transform: attaches the weights of the tokens of both sides.

    Args:
        student: weights by the token ids of the student.
        teacher: (tokens,) weights of each English side.
    """

    def __init__(self, student: "TokenWeights", teacher: Sequence[npt.NDArray[np.float32]]) -> None:
        self._student, self._teacher = student, teacher

    def __call__(self, batch: BitextBatch) -> BitextBatch:
        """Attach the weights of a batch."""
        rows = [torch.from_numpy(self._teacher[pair]) for pair in batch.pairs.tolist()]
        return batch.with_attached(
            SideWeights(
                student=self._student(batch.foreign["input_ids"]),
                teacher=torch.nn.utils.rnn.pad_sequence(rows, batch_first=True),
            )
        )


class TokenWeights:
    """Weights of tokens by their ids, not yet divided by their sum.

    Args:
        marginals: `uniform`, `word` or `idf`; see `LabTransportConfig.marginals`.
        model: its query tokenizer makes the ids.
        texts: one side of the bitext; `idf` counts its sentences.
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
        """Return (batch, tokens) weights. Those of padding mean nothing."""
        if self._idf is not None:
            return self._idf[ids]
        if self._begins is None:
            return torch.ones(ids.shape)
        words = self._begins[ids].cumsum(dim=1)
        return transport.by_word(torch.ones_like(ids, dtype=torch.bool), words)


def weights_of_texts(
    weights: TokenWeights, model: MultiVectorEncoder, texts: Sequence[str]
) -> list[npt.NDArray[np.float32]]:
    """Return one (tokens,) array of weights per text, for the tokens that the query route of `model` scores."""
    return [weights(torch.from_numpy(ids)[None])[0].numpy() for ids in scored_ids(model, texts, "query")]
