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
    """The solver that aligns the tokens; docs/studies/plan-sharpness.md compares solvers."""

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
    max_iterations: int = setting(50, "Largest number of pairs of row and column updates.", AT_LEAST_ONE)

    def __post_init__(self) -> None:
        if self.solver not in self.solvers:
            choices = " or ".join(map(repr, self.solvers))
            raise ValueError(f"transport solver is {self.solver!r}: expected {choices}")
        check_ranges(self)

    @property
    def is_balanced(self) -> bool:
        """Whether the solver moves all mass."""
        return True

    def solve(
        self,
        cost: Float[Tensor, "batch m n"],
        source_marginal: Float[Tensor, "batch m"],
        target_marginal: Float[Tensor, "batch n"],
    ) -> transport.TransportPlan:
        """Call the solver with these settings. Arguments as in `transport_plan`."""
        problem, most, epsilon = (cost, source_marginal, target_marginal), self.max_iterations, self.epsilon
        match self.solver:
            case "proximal":
                return transport.proximal_point(*problem, beta=self.beta, max_iterations=most)
            case "sinkhorn":
                return transport.sinkhorn(*problem, epsilon=epsilon, max_iterations=most)
            case "annealed":
                return transport.annealed_sinkhorn(
                    *problem, epsilon=epsilon, epsilon_start=max(1.0, epsilon), max_iterations=most
                )
            case _:
                return transport.exact(*problem)


def optical(
    batch: TokenBatch, config: TransportConfig, counter: PlanCounter | None = None
) -> Float[Tensor, ""]:
    """Return the transport cost between two bags of tokens: <P, C> with the optimal plan P, mean over pairs.

    Args:
        batch: tokens of both sides.
        config: the solver of the plan.
        counter: counts plans that do not converge; None counts nothing.

    Returns:
        Scalar in [0, 2]; 0 if the two sides have the same tokens in any order.

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
        (batch, m, n) tensor of masses, dtype and device of `cost`. Each plan sums to 1, or to less if the solver
        is not balanced.
    """
    with torch.no_grad():
        # solvers refuse NaN; the loss is still NaN, and its error names the pairs
        answer = config.solve(cost.detach().nan_to_num(nan=0.0), source_marginal, target_marginal)
    if counter is not None:
        counter.add(answer, is_balanced=config.is_balanced)
    return answer.plan
