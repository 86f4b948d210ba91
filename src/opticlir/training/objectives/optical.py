"""OPTICAL: the cost of moving the student's tokens onto the teacher's by optimal transport."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from opticlir import transport
from opticlir.settings import AT_LEAST_ONE, POSITIVE, check_ranges, setting
from opticlir.training.objectives.batch import TokenBatch
from opticlir.training.objectives.plan_counter import PlanCounter


@dataclass(frozen=True, kw_only=True)
class TransportConfig:
    """Which transport plan aligns the tokens; docs/studies/plan-sharpness.md compares them."""

    solvers: ClassVar[tuple[str, ...]] = ("proximal", "sinkhorn", "annealed", "exact")

    solver: str = setting(
        "proximal",
        "Solver of the transport plan: `proximal` (IPOT), `sinkhorn`, `annealed` (Sinkhorn with falling epsilon) or "
        "`exact` (network simplex).",
    )
    beta: float = setting(0.5, "Proximal strength of IPOT, in units of the cost.", POSITIVE)
    epsilon: float = setting(
        0.03, "Entropy strength of the Sinkhorn solvers, in units of the cost.", POSITIVE
    )
    max_iterations: int = setting(50, "Most pairs of row and column updates.", AT_LEAST_ONE)

    def __post_init__(self) -> None:
        if self.solver not in self.solvers:
            choices = " or ".join(map(repr, self.solvers))
            raise ValueError(f"transport solver is {self.solver!r}: expected {choices}")
        check_ranges(self)


def optical(
    batch: TokenBatch, config: TransportConfig, counter: PlanCounter | None = None
) -> Float[Tensor, ""]:
    """Transport cost between the two bags of tokens: <P, C> with P the optimal plan, mean over pairs.

    Args:
        batch: tokens of both sides.
        config: the solver of the plan.
        counter: counts plans that do not converge; None counts nothing.

    Returns:
        Scalar in [0, 2]; 0 where each token equals a token of the other side.

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
    marginals = transport.uniform(batch.student_mask), transport.uniform(batch.teacher_mask)
    return (transport_plan(cost, *marginals, config, counter) * cost).sum(dim=(1, 2)).mean()


def transport_plan(
    cost: Float[Tensor, "batch m n"],
    source_marginal: Float[Tensor, "batch m"],
    target_marginal: Float[Tensor, "batch n"],
    config: TransportConfig,
    counter: PlanCounter | None = None,
) -> Float[Tensor, "batch m n"]:
    """Align tokens by the solver of `config`; the plan is detached.

    Args:
        cost: (batch, m, n) tensor.
        source_marginal: (batch, m), each row sums to 1; 0 for tokens that do not take part.
        target_marginal: (batch, n), likewise.
        config: the solver.
        counter: counts plans that do not converge; None counts nothing.

    Returns:
        (batch, m, n) tensor of masses, dtype and device of `cost`; each problem sums to 1.
    """
    with torch.no_grad():
        answer = solved(without_nan(cost), (source_marginal, target_marginal), config)
    if counter is not None:
        counter.add(answer)
    return answer.plan


def without_nan(cost: Tensor) -> Tensor:
    """The detached cost, NaN replaced by 0, which solvers refuse; the loss still is NaN, and names the pairs."""
    return cost.detach().nan_to_num(nan=0.0)


def solved(
    cost: Tensor, marginals: tuple[Tensor, Tensor], config: TransportConfig
) -> transport.TransportPlan:
    """Call the solver that the settings name.

    Args:
        cost: (batch, m, n) tensor.
        marginals: (batch, m) and (batch, n).
        config: the solver and its strength.
    """
    most, epsilon = config.max_iterations, config.epsilon
    match config.solver:
        case "proximal":
            return transport.proximal_point(cost, *marginals, beta=config.beta, max_iterations=most)
        case "sinkhorn":
            return transport.sinkhorn(cost, *marginals, epsilon=epsilon, max_iterations=most)
        case "annealed":
            return transport.annealed_sinkhorn(
                cost, *marginals, epsilon=epsilon, epsilon_start=max(1.0, epsilon), max_iterations=most
            )
        case _:
            return transport.exact(cost, *marginals)
