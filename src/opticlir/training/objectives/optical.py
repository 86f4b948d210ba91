"""OPTICAL: the cost of moving the student's tokens onto the teacher's by optimal transport."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from opticlir import transport
from opticlir.training.objectives.batch import TokenBatch


@dataclass(frozen=True, kw_only=True)
class TransportConfig:
    """Which plan aligns the tokens. Sharp plans train better students than blurred ones."""

    solver: str = "proximal"
    """`proximal` (IPOT) or `sinkhorn`."""
    beta: float = 0.5
    """Proximal strength of IPOT, in units of the cost."""
    epsilon: float = 0.03
    """Entropy strength of Sinkhorn, in units of the cost."""
    max_iterations: int = 50
    """Pairs of row and column updates."""

    def __post_init__(self) -> None:
        if self.solver not in ("proximal", "sinkhorn"):
            raise ValueError(f"transport solver is {self.solver!r}: expected 'proximal' or 'sinkhorn'")
        for name in ("beta", "epsilon"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ValueError(f"{name} is {value}: expected a finite number above 0")
        if self.max_iterations < 1:
            raise ValueError(f"max_iterations is {self.max_iterations}: expected at least 1")


def optical(batch: TokenBatch, config: TransportConfig) -> Float[Tensor, ""]:
    """Transport cost between the two bags of tokens: <P, C> with P the optimal plan, mean over pairs.

    Args:
        batch: tokens of both sides.
        config: the solver of the plan.

    Returns:
        Scalar in [0, 2]; 0 where each token lies on a token of the other side.

    Gradient:
        Through the cost C = 1 - cosine; the plan P is detached (envelope theorem).

    Example:
        >>> swapped, all_of_them = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]]), torch.ones(1, 2).bool()
        >>> batch = TokenBatch(swapped, all_of_them, torch.eye(2)[None], all_of_them)
        >>> round(optical(batch, TransportConfig()).item(), 4)
        0.0

    Reference:
        Huang, Yu and Allan 2023 (arXiv 2301.12566), the Frobenius product of plan and cost.
    """
    cost = transport.cosine_cost(batch.student, batch.teacher)
    plan = transport_plan(cost, batch.student_mask, batch.teacher_mask, config)
    return (plan * cost).sum(dim=(1, 2)).mean()


def transport_plan(
    cost: Float[Tensor, "batch m n"],
    source_mask: Bool[Tensor, "batch m"],
    target_mask: Bool[Tensor, "batch n"],
    config: TransportConfig,
) -> Float[Tensor, "batch m n"]:
    """Align tokens of equal mass by the solver of `config`; the plan is detached.

    Args:
        cost: (batch, m, n) tensor.
        source_mask: (batch, m), True for tokens that take part.
        target_mask: (batch, n), likewise.
        config: the solver.

    Returns:
        (batch, m, n) tensor of masses, dtype and device of `cost`; each problem sums to 1.
    """
    source, target = transport.uniform(source_mask), transport.uniform(target_mask)
    # solvers refuse NaN; here it goes on to the loss by way of the cost, and the loss names the pairs
    known = cost.detach().nan_to_num(nan=0.0)
    with torch.no_grad():
        if config.solver == "sinkhorn":
            return transport.sinkhorn(
                known, source, target, epsilon=config.epsilon, max_iterations=config.max_iterations
            ).plan
        return transport.proximal_point(
            known, source, target, beta=config.beta, max_iterations=config.max_iterations
        ).plan
