"""A batch of transport problems made safe to iterate on, and an answer certified.

Solvers share this: the checks of shape, the removal of whatever padding holds, the problems that have
no answer, and the measurement of what came out.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from opticlir.transport.plan import TransportPlan


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Padded problems in float32 or float64, detached, finite wherever mass can go.

    A problem that has no answer is replaced by a harmless one and marked in `solvable`.
    """

    cost: Float[Tensor, "batch m n"]
    """0 at padding; plus infinity where a way is forbidden."""

    source_marginal: Float[Tensor, "batch m"]
    target_marginal: Float[Tensor, "batch n"]
    solvable: Bool[Tensor, " batch"]

    @property
    def active(self) -> Bool[Tensor, "batch m n"]:
        """Where both tokens carry mass."""
        return (self.source_marginal > 0)[:, :, None] & (self.target_marginal > 0)[:, None, :]


def check_shapes(cost: Tensor, source_marginal: Tensor, target_marginal: Tensor) -> None:
    """Refuse marginals that do not fit the cost. Raises ValueError naming both shapes."""
    if cost.ndim != 3:
        raise ValueError(f"cost is {tuple(cost.shape)}: expected (batch, m, n)")
    for name, marginal, expected in (
        ("source_marginal", source_marginal, (cost.shape[0], cost.shape[1])),
        ("target_marginal", target_marginal, (cost.shape[0], cost.shape[2])),
    ):
        if tuple(marginal.shape) != expected:
            raise ValueError(
                f"cost is {tuple(cost.shape)} but {name} is {tuple(marginal.shape)}: expected {expected}"
            )


def check_settings(*, max_iterations: int, tolerance: float, **positive: float) -> None:
    """Refuse settings no solver can work with. Raises ValueError naming the setting and its value."""
    for name, value in positive.items():
        if not 0 < value < float("inf"):
            raise ValueError(f"{name} is {value}: expected a finite number > 0")
    if max_iterations < 1:
        raise ValueError(f"max_iterations is {max_iterations}: expected at least 1")
    if not tolerance >= 0:
        raise ValueError(f"tolerance is {tolerance}: expected a number >= 0")


def prepare(cost: Tensor, source_marginal: Tensor, target_marginal: Tensor) -> Problem:
    """Detach, widen to float32, blank the padding, and set problems without an answer aside."""
    check_shapes(cost, source_marginal, target_marginal)
    dtype = torch.float64 if cost.dtype == torch.float64 else torch.float32
    cost, source, target = (
        tensor.detach().to(cost.device, dtype) for tensor in (cost, source_marginal, target_marginal)
    )
    reachable = cost < torch.inf
    active = (source > 0)[:, :, None] & (target > 0)[:, None, :]
    solvable = (
        active.flatten(1).any(1)
        & ((active & reachable).any(2) | (source <= 0)).all(1)
        & ((active & reachable).any(1) | (target <= 0)).all(1)
        & ~(active & ~(cost > -torch.inf)).flatten(1).any(1)
        & torch.isfinite(source).all(1)
        & torch.isfinite(target).all(1)
    )
    cost = torch.where(active & solvable[:, None, None], cost, 0.0)
    return Problem(
        cost=cost,
        source_marginal=torch.where(solvable[:, None], source, 1.0),
        target_marginal=torch.where(solvable[:, None], target, 1.0),
        solvable=solvable,
    )


def certify(
    problem: Problem,
    cost: Tensor,
    plan: Float[Tensor, "batch m n"],
    potentials: tuple[Float[Tensor, "batch m"], Float[Tensor, "batch n"]],
    *,
    tolerance: float,
    n_iterations: Int[Tensor, " batch"],
) -> TransportPlan:
    """Measure a plan against its marginals and the exact optimum.

    Args:
        problem: what was solved.
        cost: (batch, m, n) float tensor as the caller gave it; the value's gradient goes there.
        plan: (batch, m, n) tensor of masses, finite.
        potentials: dual prices in units of cost, finite where there is mass.
        tolerance: largest marginal error that counts as converged.
        n_iterations: (batch,) int tensor, spent per problem.
    """
    solved = problem.solvable
    plan = torch.where(solved[:, None, None] & problem.active, plan, 0.0)
    source_potential = torch.where(solved[:, None] & (problem.source_marginal > 0), potentials[0], 0.0)
    target_potential = torch.where(solved[:, None] & (problem.target_marginal > 0), potentials[1], 0.0)
    error = (plan.sum(2) - problem.source_marginal).abs().sum(1) + (
        plan.sum(1) - problem.target_marginal
    ).abs().sum(1)
    error = torch.where(solved, error, 2.0)
    # an entry without mass passes no cost on: infinity times 0 is NaN
    value = (plan * cost.to(plan.dtype).masked_fill(plan == 0, 0.0)).sum((1, 2))
    bound = torch.maximum(
        _dual_bound(problem, source_potential), _dual_bound(_mirrored(problem), target_potential)
    )
    return TransportPlan(
        plan=plan.to(cost.dtype),
        source_potential=source_potential,
        target_potential=target_potential,
        value=value,
        marginal_error=error,
        duality_gap=torch.where(solved, value.detach() - bound, 0.0),
        converged=solved & (error <= tolerance),
        n_iterations=n_iterations,
    )


def _dual_bound(problem: Problem, source_potential: Tensor) -> Float[Tensor, " batch"]:
    """Lower bound on the exact transport cost by the c-transform (Peyre and Cuturi 2019, eq. 5.1)."""
    reduced = problem.cost - source_potential[:, :, None]
    best = reduced.masked_fill(~problem.active, torch.inf).amin(1)
    best = torch.where(problem.target_marginal > 0, best, 0.0)
    return (problem.source_marginal * source_potential).sum(1) + (problem.target_marginal * best).sum(1)


def _mirrored(problem: Problem) -> Problem:
    return Problem(
        cost=problem.cost.mT,
        source_marginal=problem.target_marginal,
        target_marginal=problem.source_marginal,
        solvable=problem.solvable,
    )
