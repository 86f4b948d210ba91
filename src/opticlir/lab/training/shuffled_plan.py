"""Controls for transport: plans with the right mass of each token that ignore what the tokens mean.

A student that learns as much from such a plan does not learn from the alignment of transport.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from opticlir import transport
from opticlir.training.objectives import PlanCounter, TokenBatch, TransportConfig, transport_plan

SHUFFLES = ("none", "uniform", "columns", "position")

_SEEDS = 2**31 - 1  # the generator reads the lower 32 bits of its seed


def shuffled_plan(
    batch: TokenBatch,
    cost: Float[Tensor, "batch m n"],
    config: TransportConfig,
    how: str,
    counter: PlanCounter | None = None,
) -> Float[Tensor, "batch m n"]:
    """Return a plan instead of the optimal one, detached. Every token has the same mass as in the optimal plan.

    * `uniform`: the independent plan, in which each token moves to all English tokens.
    * `columns`: the optimal plan with its English tokens exchanged at random, so that it stays as sharp as it is. The
      progress of the training is the seed: a resumed training draws the same plans.
    * `position`: the coupling in the order of the sentences, without crossing. It is the diagonal for equal lengths.

    Args:
        batch: tokens of both sides.
        cost: 1 - cosine of all tokens.
        config: the solver, for `columns`.
        how: one of `SHUFFLES`, but not `none`.
        counter: counts plans that do not converge; None counts nothing.
    """
    source, target = transport.uniform(batch.student_mask), transport.uniform(batch.teacher_mask)
    with torch.no_grad():
        if how == "uniform":
            return (source[:, :, None] * target[:, None, :]).to(cost)
        if how == "position":
            return _in_order(source.double(), target.double()).to(cost)
        plan = transport_plan(cost, source, target, config, counter)
        generator = torch.Generator().manual_seed(int(batch.share_done * _SEEDS))
        keys = torch.rand(target.shape, generator=generator).to(target.device)
        keys = keys.masked_fill(~batch.teacher_mask, 2.0)  # padding stays behind the tokens
        places = batch.teacher_mask.long().cumsum(dim=1) - 1
        behind = batch.teacher_mask.sum(dim=1, keepdim=True) + (~batch.teacher_mask).long().cumsum(dim=1) - 1
        taken = keys.argsort(dim=1).gather(1, torch.where(batch.teacher_mask, places, behind))
        return plan.gather(2, taken[:, None, :].expand_as(plan))


def _in_order(
    source: Float[Tensor, "batch m"], target: Float[Tensor, "batch n"]
) -> Float[Tensor, "batch m n"]:
    """Return the coupling of the north-west corner: the overlap of the tokens' shares of both sentences."""
    ends, others = source.cumsum(dim=1), target.cumsum(dim=1)
    upper = torch.minimum(ends[:, :, None], others[:, None, :])
    lower = torch.maximum((ends - source)[:, :, None], (others - target)[:, None, :])
    return (upper - lower).clamp(min=0)
