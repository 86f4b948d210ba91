"""The English side as the student reads it, attached to a batch for objectives that keep its English."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float
from sentence_transformers import MultiVectorEncoder
from torch import Tensor

from opticlir.encoder import transformer_of
from opticlir.training.bitext_batch import Attachment, BitextBatch, Encode
from opticlir.training.processes import all_gather


@dataclass(frozen=True, slots=True)
class EnglishSide:
    """The English side of a batch as the student reads it; it costs a second forward pass."""

    tokens: Float[Tensor, "batch k dim"]
    """English tokens by the student, unit rows, with gradient."""
    mask: Bool[Tensor, "batch k"]
    is_same: Bool[Tensor, " batch"]
    """Whether student and teacher cut the text into the same tokens, so that token i is token i."""


@dataclass(frozen=True, kw_only=True)
class EnglishInputsOfBatch(Attachment):
    """Inputs of the English side of a batch, for the student."""

    gives: ClassVar[type[Any]] = EnglishSide
    is_encoded: ClassVar[bool] = True

    inputs: dict[str, Tensor]
    is_same: Bool[Tensor, " batch"]

    def read(self, encode: Encode) -> EnglishSide:
        """The English side by the student."""
        return EnglishSide(*encode(self.inputs), all_gather(self.is_same))


class EnglishInputs:
    """Batch transform: attaches the English side of bitext for the student's query route.

    Args:
        texts: English side of each pair.
        student: its tokenizer makes the inputs.
        teacher: its tokenizer says which sentences both cut alike.
    """

    def __init__(
        self, texts: Sequence[str], student: MultiVectorEncoder, teacher: MultiVectorEncoder
    ) -> None:
        self._texts, self._student, self._teacher = texts, student, teacher

    def __call__(self, batch: BitextBatch) -> BitextBatch:
        """Attach the inputs of the pairs of a batch."""
        return batch.with_attached(self.of(batch.pairs.tolist()))

    def of(self, pairs: Sequence[int]) -> EnglishInputsOfBatch:
        """Inputs of some pairs."""
        texts = [self._texts[pair] for pair in pairs]
        inputs = _inputs(self._student, texts)
        of_teacher = _pieces(self._teacher, _inputs(self._teacher, texts))
        is_same = [
            own == other for own, other in zip(_pieces(self._student, inputs), of_teacher, strict=True)
        ]
        return EnglishInputsOfBatch(inputs=inputs, is_same=torch.tensor(is_same))


def _inputs(model: MultiVectorEncoder, texts: list[str]) -> dict[str, Any]:
    return dict(model.preprocess(texts, prompt=model.prompts.get("query"), task="query"))


def _pieces(model: MultiVectorEncoder, inputs: dict[str, Any]) -> list[list[str]]:
    tokenizer = transformer_of(model, "query").tokenizer
    return [
        tokenizer.convert_ids_to_tokens(ids[mask.bool()].tolist())
        for ids, mask in zip(inputs["input_ids"], inputs["attention_mask"], strict=True)
    ]
