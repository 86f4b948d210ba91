"""One vector per sentence, the mean of its tokens, and what can be asked of it."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from opticlir.training.objectives.batch import TokenBatch


def mean_pooled(
    tokens: Float[Tensor, "batch tokens dim"], mask: Bool[Tensor, "batch tokens"]
) -> Float[Tensor, "batch dim"]:
    """Mean vector of the tokens that take part; shorter than 1 where they point apart.

    Example:
        >>> mean_pooled(torch.eye(2)[None], torch.ones(1, 2).bool()).tolist()
        [[0.5, 0.5]]
    """
    total = tokens.masked_fill(~mask[:, :, None], 0.0).sum(dim=1)
    return total / mask.sum(dim=1, keepdim=True).clamp(min=1)


def mse(batch: TokenBatch) -> Float[Tensor, ""]:
    """Mean squared error between the mean-pooled sides, over pairs and dimensions.

    The arithmetic of sentence-transformers' `MSELoss`.

    Args:
        batch: tokens of both sides.

    Returns:
        Scalar, at most 4 / dim; of another size than `optical`, as `greedy` is.

    Gradient:
        To the student's tokens, all those of a sentence alike.

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
    """Refuse what no softmax can be divided by. Raises ValueError."""
    if not 0 < temperature < float("inf"):
        raise ValueError(f"temperature is {temperature}: expected a finite number > 0")
