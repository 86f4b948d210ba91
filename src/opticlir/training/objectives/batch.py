"""A batch of bitext as the objectives see it."""

from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

Kind = TypeVar("Kind")

_SAME = 1e-4
"""Largest difference of token means, in any dimension, of two copies of one English text."""


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """Both sides of a batch of sentence pairs; row i of one side translates row i of the other.

    Padding may be any finite number. Each row has at least one token that takes part.
    """

    student: Float[Tensor, "batch m dim"]
    """Foreign tokens by the student, unit rows, with gradient."""
    student_mask: Bool[Tensor, "batch m"]
    teacher: Float[Tensor, "batch n dim"]
    """English tokens by the teacher, unit rows, no gradient."""
    teacher_mask: Bool[Tensor, "batch n"]
    attached: tuple[Any, ...] = ()
    """Objects that batch transforms added, one of each class; empty by default."""
    share_done: float = 0.0
    """Share of the training steps before this batch."""
    share_of_stage: float = 0.0
    """Share of the steps of its stage before this batch."""

    def get(self, kind: type[Kind]) -> Kind | None:
        """The attached object of a class, or None."""
        return next((each for each in self.attached if isinstance(each, kind)), None)

    def copies(self) -> Bool[Tensor, "batch batch"]:
        """Return which other rows have the same English side, and so are not wrong answers.

        A pair with a weight above 1 may be in a batch twice, and so may an English sentence with two translations.
        """
        tokens = self.teacher * self.teacher_mask.unsqueeze(2)
        means = tokens.sum(dim=1) / self.teacher_mask.sum(dim=1, keepdim=True).clamp(min=1)
        is_same = (means[:, None] - means).abs().amax(dim=2) < _SAME
        return is_same & ~torch.eye(len(means), dtype=torch.bool, device=means.device)
