"""A contrastive objective on one vector per sentence: the mean of its tokens."""

import torch
import torch.nn.functional as F
from jaxtyping import Float

from opticlir.training.objectives import TokenBatch, mean_pooled
from opticlir.training.objectives.pooled import check_temperature
from opticlir.training.objectives.scores import in_batch_loss


def contrastive_pooled(batch: TokenBatch, temperature: float) -> Float[torch.Tensor, ""]:
    """Find the other side of each pair among those of the batch, by the cosine of pooled vectors.

    The loss is the mean of both directions. It is the arithmetic of `MultipleNegativesRankingLoss` of
    sentence-transformers with `directions=("query_to_doc", "doc_to_query")`, `partition_mode="per_direction"` and
    `scale=1 / temperature`. Other rows with the same English side are right answers too, so they are left out.

    Args:
        batch: tokens of both sides.
        temperature: of the softmax over the batch, > 0.

    Raises:
        ValueError: `temperature` is not > 0.

    Gradient:
        Through the student's tokens.

    Example:
        >>> axes, one = torch.eye(2)[:, None], torch.ones(2, 1).bool()
        >>> round(contrastive_pooled(TokenBatch(axes, one, axes, one), 1.0).item(), 4)  # log(1 + 1/e)
        0.3133

    Reference:
        van den Oord et al. 2018 (arXiv 1807.03748); both directions as in Radford et al. 2021
        (arXiv 2103.00020).
    """
    check_temperature(temperature)
    foreign, english = (
        F.normalize(mean_pooled(tokens, mask), dim=1)
        for tokens, mask in ((batch.student, batch.student_mask), (batch.teacher, batch.teacher_mask))
    )
    cosine = foreign @ english.T / temperature
    return (in_batch_loss(cosine, batch) + in_batch_loss(cosine.T, batch)) / 2
