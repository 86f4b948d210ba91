"""Mean pooling: one vector per sentence, and the objective that compares such vectors."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from opticlir.training.objectives.batch import TokenBatch


def mean_pooled(
    tokens: Float[Tensor, "batch tokens dim"], mask: Bool[Tensor, "batch tokens"]
) -> Float[Tensor, "batch dim"]:
    """Return the mean vector of the tokens that take part. Its length is below 1 if they differ.

    Example:
        >>> mean_pooled(torch.eye(2)[None], torch.ones(1, 2).bool()).tolist()
        [[0.5, 0.5]]
    """
    total = tokens.masked_fill(~mask[:, :, None], 0.0).sum(dim=1)
    return total / mask.sum(dim=1, keepdim=True).clamp(min=1)


def mse(batch: TokenBatch) -> Float[Tensor, ""]:
    """Return the mean squared error between the mean-pooled sides, over pairs and dimensions.

    It computes the same as `MSELoss` of sentence-transformers.

    Args:
        batch: tokens of both sides.

    Returns:
        Scalar, at most 4 / dim: much smaller than `optical`, as is `greedy`.

    Gradient:
        To the student's tokens; the same for all tokens of a sentence.

    Example:
        >>> one = torch.ones(1, 1).bool()
        >>> mse(TokenBatch(torch.tensor([[[0.0, 1.0]]]), one, torch.tensor([[[1.0, 0.0]]]), one)).item()
        1.0

    Reference:
        Reimers and Gurevych 2020 (arXiv 2004.09813), equation 1, its foreign term.
    """
    return torch.nn.functional.mse_loss(
        mean_pooled(batch.student, batch.student_mask), mean_pooled(batch.teacher, batch.teacher_mask)
    )


def check_temperature(temperature: float) -> None:
    """Raise ValueError if a temperature is not a finite number above 0."""
    if not 0 < temperature < float("inf"):
        raise ValueError(f"temperature is {temperature}: expected a finite number > 0")
