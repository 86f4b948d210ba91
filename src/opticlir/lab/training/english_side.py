"""English sentences as the student reads them, and whether the teacher reads the same tokens."""

from collections.abc import Sequence
from typing import Any

import torch
from sentence_transformers import MultiVectorEncoder

from opticlir.encoder import transformer_of


class EnglishInputs:
    """The English side of bitext for the student's query route.

    Args:
        texts: English side of each pair.
        student: its tokenizer makes the inputs.
        teacher: its tokenizer says which sentences both cut alike.
    """

    def __init__(
        self, texts: Sequence[str], student: MultiVectorEncoder, teacher: MultiVectorEncoder
    ) -> None:
        self._texts, self._student, self._teacher = texts, student, teacher

    def __call__(self, pairs: Sequence[int]) -> dict[str, Any]:
        """Inputs of a batch, and `is_same`: (batch,) bool, both cut the sentence into the same tokens."""
        texts = [self._texts[pair] for pair in pairs]
        inputs = _inputs(self._student, texts)
        of_teacher = _pieces(self._teacher, _inputs(self._teacher, texts))
        is_same = [
            own == other for own, other in zip(_pieces(self._student, inputs), of_teacher, strict=True)
        ]
        return {**inputs, "is_same": torch.tensor(is_same)}


def _inputs(model: MultiVectorEncoder, texts: list[str]) -> dict[str, Any]:
    return dict(model.preprocess(texts, prompt=model.prompts.get("query"), task="query"))


def _pieces(model: MultiVectorEncoder, inputs: dict[str, Any]) -> list[list[str]]:
    tokenizer = transformer_of(model, "query").tokenizer
    return [
        tokenizer.convert_ids_to_tokens(ids[mask.bool()].tolist())
        for ids, mask in zip(inputs["input_ids"], inputs["attention_mask"], strict=True)
    ]
