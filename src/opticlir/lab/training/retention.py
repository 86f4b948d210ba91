"""Keeps the student's English: it should encode an English sentence as the teacher does."""

from jaxtyping import Bool, Float
from torch import Tensor

from opticlir import transport
from opticlir.lab.training.english_side import EnglishSide
from opticlir.training.objectives import PlanCounter, TokenBatch, TransportConfig, transport_plan


def retention(
    batch: TokenBatch, config: TransportConfig, counter: PlanCounter | None = None
) -> Float[Tensor, ""]:
    """Return the cost 1 - cosine between student and teacher on the English side, mean over pairs.

    If both tokenizers cut a sentence into the same tokens, token i is compared with token i. Otherwise, a transport
    plan aligns the tokens. The student cuts differently where a word of the new language is an English word too. In
    both cases the loss is <P, C>; in the first, P is the identity.

    Args:
        batch: tokens of the English side, by both.
        config: the solver of the plans.
        counter: counts plans that do not converge; None counts nothing.

    Returns:
        Scalar in [0, 2], as large as `optical`.

    Raises:
        ValueError: the batch has no English side read by the student.

    Gradient:
        To the student's tokens of the English side; the plan is detached.

    Example:
        >>> import torch
        >>> axes, all_of_them = torch.eye(2)[None], torch.ones(1, 2).bool()
        >>> english = EnglishSide(axes.flip(1), all_of_them, torch.tensor([True]))
        >>> retention(TokenBatch(axes, all_of_them, axes, all_of_them, (english,)), TransportConfig()).item()
        1.0

    Reference:
        Reimers and Gurevych 2020 (arXiv 2004.09813), equation 1, its English term, on tokens.
    """
    english = batch.get(EnglishSide)
    if english is None:
        raise ValueError("retention needs the English side as the student reads it, and none is attached")
    cost = transport.cosine_cost(english.tokens, batch.teacher)
    is_same = english.is_same & (english.mask.sum(dim=1) == batch.teacher_mask.sum(dim=1))
    plan = _in_order(english.mask, batch.teacher_mask).to(cost.dtype)
    if not is_same.all():
        others = ~is_same
        own, given = transport.uniform(english.mask[others]), transport.uniform(batch.teacher_mask[others])
        plan[others] = transport_plan(cost[others], own, given, config, counter)
    return (plan * cost).sum(dim=(1, 2)).mean()


def _in_order(
    source_mask: Bool[Tensor, "batch m"], target_mask: Bool[Tensor, "batch n"]
) -> Float[Tensor, "batch m n"]:
    """Return the plan that moves the n-th token that takes part to the n-th."""
    takes_part = source_mask[:, :, None] & target_mask[:, None, :]
    places = source_mask.cumsum(dim=1)[:, :, None] == target_mask.cumsum(dim=1)[:, None, :]
    return (places & takes_part) / target_mask.sum(dim=1).clamp(min=1)[:, None, None]
