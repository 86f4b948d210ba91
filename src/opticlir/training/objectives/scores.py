"""What MaxSim says within a batch: each sentence is a query over the English sides of all.

Scores are taken per query token, so that one temperature does for short sentences and long ones.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from opticlir.maxsim import maxsim
from opticlir.training.objectives.batch import TokenBatch
from opticlir.training.objectives.pooled import check_temperature


def contrastive(batch: TokenBatch, temperature: float, *, both_directions: bool = False) -> Float[Tensor, ""]:
    """Each foreign side must find its own English side among those of the batch, by MaxSim per query token.

    Other rows with the same English side are left out of the choice: they would be right too.

    Args:
        batch: tokens of both sides.
        temperature: of the softmax over the batch, > 0.
        both_directions: whether each English side must find its foreign one too, as a query over them;
            the mean of both then.

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
    own, copies = torch.arange(len(batch.student), device=batch.student.device), batch.copies()

    def missed(scores: Tensor) -> Tensor:
        return F.cross_entropy((scores / temperature).masked_fill(copies, -torch.inf), own)

    loss = missed(_per_token(foreign, english))
    return (loss + missed(_per_token(english, foreign))) / 2 if both_directions else loss


def score_kl(batch: TokenBatch, temperature: float) -> Float[Tensor, ""]:
    """The foreign side must score the English sides of the batch as the teacher scores them for the English one.

    The English sentence is the query and the sentences of the batch are the passages, so no
    judgement is needed: KL(teacher || student) between the two softmaxes of MaxSim per query token.

    Args:
        batch: tokens of both sides.
        temperature: of both softmaxes, > 0. The teacher is sure of the sentence itself: of a batch of 64
            English sentences MiniLM gives it .9997 at .05 (this is `contrastive` then), .95 at .1, .41 at .2.

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
