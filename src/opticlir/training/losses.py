"""The loss that the trainer calls, and by their names all objectives it can be made of.

Each objective takes a `TokenBatch` and gives one scalar; a method is a weighted sum of objectives.
"""

from collections.abc import Mapping
from typing import TypeAlias

import torch
from torch import Tensor

from opticlir.training.methods import METHODS, parse_method, reads_english
from opticlir.training.objectives import (
    EnglishSide,
    Objective,
    TokenBatch,
    TransportConfig,
    contrastive,
    contrastive_pooled,
    greedy,
    mse,
    objectives,
    optical,
    retention,
    score_kl,
)
from opticlir.training.processes import laid_together

__all__ = [
    "METHODS",
    "DistillationLoss",
    "EnglishSide",
    "Objective",
    "Parts",
    "TokenBatch",
    "TransportConfig",
    "contrastive",
    "contrastive_pooled",
    "greedy",
    "mse",
    "objectives",
    "optical",
    "parse_method",
    "retention",
    "score_kl",
]

Parts: TypeAlias = Mapping[str, tuple[Objective, float]]
"""Objective and weight by name."""


_BESIDE = {
    "teacher_tokens": "teacher",
    "teacher_mask": "teacher_mask",
    "weights": "student_weights",
    "teacher_weights": "teacher_weights",
}
"""What comes with the inputs of the foreign side, and as what an objective sees it."""


class DistillationLoss(torch.nn.Module):
    """The loss that sentence-transformers' trainer calls: encode, then weigh the objectives of a method.

    The trainer logs each part of the returned dictionary and minimises their sum. The teacher is no
    part of this module: its tokens come with the batch. The English side goes through the student only
    where an objective asks for it. Of several processes each encodes its share, and the objectives see the
    whole batch.

    Args:
        model: the student.
        parts: objective and weight by name; may be replaced between steps, where a stage ends.
    """

    def __init__(self, model: torch.nn.Module, parts: Parts) -> None:
        super().__init__()
        self.model = model
        self.parts = dict(parts)

    def forward(
        self,
        features: list[dict[str, Tensor]],
        labels: Tensor | None = None,  # noqa: ARG002 - the trainer hands it to every loss
    ) -> dict[str, Tensor]:
        """Weighted objectives of one batch.

        Args:
            features: of the foreign side, and of the English side where the collator brings it.
            labels: None; the teacher's tokens are among the features.

        Raises:
            FloatingPointError: a part is not finite; the message gives the numbers of the pairs whose
                vectors are at fault, or of all where none is.
        """
        foreign, *others = features
        pairs = laid_together(foreign.pop("pairs"))
        beside = {
            field: laid_together(foreign.pop(name)) for name, field in _BESIDE.items() if name in foreign
        }
        tokens, mask = self._encode(foreign)
        english = self._english(others) if reads_english(self.parts) else None
        batch = TokenBatch(tokens, mask, english=english, **beside)
        with torch.autocast(tokens.device.type, enabled=False):
            losses = {name: weight * objective(batch) for name, (objective, weight) in self.parts.items()}
        for name, value in losses.items():
            if not torch.isfinite(value):
                found = pairs[_is_damaged(batch)].tolist() or pairs.tolist()
                raise FloatingPointError(f"the {name} loss is {value.item()} on pairs {found}")
        return losses

    def _encode(self, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        encoded = self.model(inputs, task="query")
        tokens, mask = encoded["token_embeddings"].float(), encoded["attention_mask"].bool()
        return laid_together(tokens), laid_together(mask)

    def _english(self, others: list[dict[str, Tensor]]) -> EnglishSide | None:
        if not others:
            return None
        inputs = dict(others[0])
        is_same = laid_together(inputs.pop("is_same"))
        return EnglishSide(*self._encode(inputs), is_same)


def _is_damaged(batch: TokenBatch) -> Tensor:
    """(batch,) bool: a vector of the pair is not finite."""
    sides = [(batch.student, batch.student_mask), (batch.teacher, batch.teacher_mask)]
    if batch.english is not None:
        sides.append((batch.english.tokens, batch.english.mask))
    damaged = [(~torch.isfinite(tokens).all(dim=2) & mask).any(dim=1) for tokens, mask in sides]
    return torch.stack(damaged).any(dim=0)
