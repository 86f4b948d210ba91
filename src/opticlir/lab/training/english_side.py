"""The English side as the student reads it, attached to a batch for the objectives that need it."""

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
    """The English side of a batch as the student reads it. It costs a second forward pass."""

    tokens: Float[Tensor, "batch k dim"]
    """Unit rows, with gradient."""
    mask: Bool[Tensor, "batch k"]
    is_same: Bool[Tensor, " batch"]
    """Whether student and teacher cut the text into the same tokens."""


@dataclass(frozen=True, kw_only=True)
class EnglishInputsOfBatch(Attachment):
    """The student's inputs for the English side of a batch."""

    gives: ClassVar[type[Any]] = EnglishSide
    is_encoded: ClassVar[bool] = True

    inputs: dict[str, Tensor]
    is_same: Bool[Tensor, " batch"]

    def read(self, encode: Encode) -> EnglishSide:
        """Encode the English side with the student."""
        return EnglishSide(*encode(self.inputs), all_gather(self.is_same))


class EnglishInputs:
    """Batch transform: attaches the English side of the pairs, for the student's query route.

    Args:
        texts: English side of each pair.
        student: its tokenizer makes the inputs.
        teacher: its tokens are compared with those of the student.
    """

    def __init__(
        self, texts: Sequence[str], student: MultiVectorEncoder, teacher: MultiVectorEncoder
    ) -> None:
        self._texts, self._student, self._teacher = texts, student, teacher

    def __call__(self, batch: BitextBatch) -> BitextBatch:
        """Attach the inputs of the pairs of a batch."""
        return batch.with_attached(self.of(batch.pairs.tolist()))

    def of(self, pairs: Sequence[int]) -> EnglishInputsOfBatch:
        """Return the inputs of some pairs."""
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
