"""LANCER's penalty: no feature of a sentence vector should correlate with the language."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from opticlir.lab.training.english_side import EnglishSide
from opticlir.training.objectives import TokenBatch, mean_pooled

_LEAST_SQUARES = 1e-12  # a feature that is equal in all sentences correlates with nothing


def lancer(batch: TokenBatch) -> Float[Tensor, ""]:
    """Return the mean absolute Pearson correlation between each feature and the language.

    Features are the numbers of the student's mean-pooled, normalised vectors of both sides of a batch. The language
    is one-hot; with two languages both columns give the same. The penalty alone teaches nothing: add it to another
    objective. The paper adds it to a ranking loss with weight 1.

    Args:
        batch: the foreign side, and the English side as the student reads it.

    Returns:
        Scalar in [0, 1]; 0 if each feature has the same mean in both languages.

    Raises:
        ValueError: the batch has no English side read by the student.

    Gradient:
        To the student's tokens of both sides.

    Example:
        >>> axes, one = torch.eye(2)[:, None], torch.ones(2, 1).bool()
        >>> english = EnglishSide(axes[[0, 0]], one, torch.ones(2).bool())
        >>> round(lancer(TokenBatch(axes, one, axes, one, (english,))).item(), 4)  # 1 / sqrt(3)
        0.5774

    Reference:
        Huang et al. 2024, LANCER, EMNLP: the mean of |Pearson correlation of feature and one-hot language|. Its
        features are sentence vectors of LaBSE in 16 languages.
    """
    if (side := batch.get(EnglishSide)) is None:
        raise ValueError("lancer needs the English side as the student reads it, and none is attached")
    foreign = mean_pooled(batch.student, batch.student_mask)
    english = mean_pooled(side.tokens, side.mask)
    features = F.normalize(torch.cat([foreign, english]), dim=1)
    is_foreign = torch.arange(len(features), device=features.device) < len(foreign)
    features = features - features.mean(dim=0)
    language = is_foreign.to(features.dtype) - 0.5  # both sides have as many sentences
    squares = features.square().sum(dim=0) * language.square().sum()
    correlation = language @ features / squares.clamp(min=_LEAST_SQUARES).sqrt()
    return correlation.abs().mean()
