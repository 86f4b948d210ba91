"""Objectives on MaxSim within a batch: each sentence is a query over the English sides of the batch.

Scores are divided by the number of query tokens, so that one temperature fits short and long sentences.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from opticlir.maxsim import maxsim
from opticlir.training.objectives.batch import TokenBatch
from opticlir.training.objectives.pooled import check_temperature


def contrastive(batch: TokenBatch, temperature: float, *, both_directions: bool = False) -> Float[Tensor, ""]:
    """Contrastive loss: each foreign side must find its English side in the batch, by MaxSim per query token.

    Other rows with the same English side are left out: they would be right too.

    Args:
        batch: tokens of both sides.
        temperature: of the softmax over the batch, > 0.
        both_directions: whether each English side must also find its foreign side. Then the loss is the mean
            of both directions.

    Raises:
        ValueError: `temperature` is not > 0.

    Gradient:
        Through the student's tokens.

    Example:
        >>> axes, one = torch.eye(2)[:, None], torch.ones(2, 1).bool()
        >>> round(contrastive(TokenBatch(axes, one, axes, one), 1.0).item(), 4)  # log(1 + 1/e)
        0.3133

    Reference:
        Khattab and Zaharia 2020 (arXiv 2004.12832) for MaxSim; van den Oord et al. 2018 (arXiv 1807.03748)
        for the loss.
    """
    check_temperature(temperature)
    foreign, english = (batch.student, batch.student_mask), (batch.teacher, batch.teacher_mask)
    loss = in_batch_loss(_per_token(foreign, english) / temperature, batch)
    if not both_directions:
        return loss
    return (loss + in_batch_loss(_per_token(english, foreign) / temperature, batch)) / 2


def in_batch_loss(scores: Float[Tensor, "batch batch"], batch: TokenBatch) -> Float[Tensor, ""]:
    """Return the cross-entropy of finding the right partner in a batch.

    Args:
        scores: (batch, batch) logits; row i scores the candidates of text i, and candidate i is the right one.
        batch: other candidates that are copies of the right one are left out.
    """
    own = torch.arange(len(scores), device=scores.device)
    return F.cross_entropy(scores.masked_fill(batch.copies(), -torch.inf), own)


def score_kl(batch: TokenBatch, temperature: float) -> Float[Tensor, ""]:
    """Distil scores: for a foreign query, the student must score the batch as the teacher does for the English one.

    The English sentences of the batch are the passages, so no judgements are needed. The loss is
    KL(teacher || student) between the two softmaxes of MaxSim per query token.

    Args:
        batch: tokens of both sides.
        temperature: of both softmaxes, > 0. At a low temperature the teacher gives nearly all probability to the
            sentence itself, and the loss equals `contrastive`. In a batch of 64 English sentences MiniLM gives it
            .9997 at .05, .95 at .1, and .41 at .2.

    Returns:
        Scalar >= 0, in nats, mean over pairs.

    Raises:
        ValueError: `temperature` is not > 0.

    Gradient:
        Through the student's tokens.

    Example:
        >>> axes, one = torch.eye(2)[:, None], torch.ones(2, 1).bool()
        >>> score_kl(TokenBatch(axes, one, axes, one), 1.0).item()
        0.0

    Reference:
        Hinton et al. 2015 (arXiv 1503.02531) for the loss; Lin et al. 2020 (arXiv 2010.11386) for scores of
        a late-interaction teacher over the batch.
    """
    check_temperature(temperature)
    foreign, english = (batch.student, batch.student_mask), (batch.teacher, batch.teacher_mask)
    with torch.no_grad():
        wanted = F.log_softmax(_per_token(english, english) / temperature, dim=1)
    found = F.log_softmax(_per_token(foreign, english) / temperature, dim=1)
    return F.kl_div(found, wanted, reduction="batchmean", log_target=True)


def _per_token(queries: tuple[Tensor, Tensor], documents: tuple[Tensor, Tensor]) -> Tensor:
    """(batch, batch) mean over query tokens of the best cosine among the document's tokens."""
    return maxsim(*queries, *documents) / queries[1].sum(dim=1, keepdim=True).clamp(min=1)
