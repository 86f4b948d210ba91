"""Prepares a batch of transport problems for plain torch, and certifies the solution."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import pad

from opticlir.transport.kernels.limits import FORBIDDEN
from opticlir.transport.plan import TransportPlan


def rounding(dtype: torch.dtype) -> float:
    """What rounding a plan to a dtype may add to its marginal error."""
    return 4 * torch.finfo(dtype).eps


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Padded problems in float32 or float64, finite wherever mass can go.

    A problem without a solution is replaced by a harmless one, and `solvable` is False for it.
    """

    cost: Float[Tensor, "batch m n"]
    """0 at padding; plus infinity for a forbidden pair of tokens."""

    source_marginal: Float[Tensor, "batch m"]
    target_marginal: Float[Tensor, "batch n"]
    solvable: Bool[Tensor, " batch"]
    start: Float[Tensor, "batch n"] | None
    """Target potentials to begin with; None for 0."""

    @property
    def active(self) -> Bool[Tensor, "batch m n"]:
        """Where both tokens carry mass."""
        return (self.source_marginal > 0)[:, :, None] & (self.target_marginal > 0)[:, None, :]


def check_shapes(
    cost: Tensor, source_marginal: Tensor, target_marginal: Tensor, start: Tensor | None = None
) -> None:
    """Refuse vectors that do not fit the cost. Raises ValueError naming both shapes."""
    if cost.ndim != 3:
        raise ValueError(f"cost is {tuple(cost.shape)}: expected (batch, m, n)")
    source_shape, target_shape = (cost.shape[0], cost.shape[1]), (cost.shape[0], cost.shape[2])
    for name, vector, shape in (
        ("source_marginal", source_marginal, source_shape),
        ("target_marginal", target_marginal, target_shape),
        ("start", start, target_shape),
    ):
        if vector is not None and tuple(vector.shape) != shape:
            raise ValueError(
                f"cost is {tuple(cost.shape)} but {name} is {tuple(vector.shape)}: expected {shape}"
            )


def check_settings(*, max_iterations: int, tolerance: float, **positive: float) -> None:
    """Refuse invalid settings. Raises ValueError with the name and the value."""
    for name, value in positive.items():
        if not 0 < value < float("inf"):
            raise ValueError(f"{name} is {value}: expected a finite number > 0")
    if max_iterations < 1:
        raise ValueError(f"max_iterations is {max_iterations}: expected at least 1")
    if not tolerance >= 0:
        raise ValueError(f"tolerance is {tolerance}: expected a number >= 0")


def refuse(first_bad: int, *, is_cost: bool) -> ValueError:
    """Return the error for a problem with invalid numbers."""
    if is_cost:
        return ValueError(
            f"the cost of problem {first_bad} holds a NaN or minus infinity between tokens with mass: "
            f"expected numbers above {-FORBIDDEN:g}, or plus infinity to forbid a pair"
        )
    return ValueError(
        f"a marginal of problem {first_bad} holds a NaN, an infinity or a negative number: "
        "expected masses >= 0"
    )


def prepare(
    cost: Tensor, source_marginal: Tensor, target_marginal: Tensor, start: Tensor | None = None
) -> Problem:
    """Convert to float32 or wider, clear the padding, and mark problems that have no solution.

    On the CPU, invalid numbers raise an error. On an accelerator, such problems count as unsolvable, because a
    check would have to wait for the device.

    Raises:
        ValueError: a NaN, a negative mass, or a cost of minus infinity between tokens with mass.
    """
    dtype = torch.float64 if cost.dtype == torch.float64 else torch.float32
    cost = cost.to(dtype)
    source, target = (marginal.detach().to(cost) for marginal in (source_marginal, target_marginal))
    if 0 in cost.shape[1:]:  # an empty side gets one token without mass; `finish` removes it
        more = [int(size == 0) for size in cost.shape[1:]]
        cost = pad(cost, (0, more[1], 0, more[0]))
        source, target = pad(source, (0, more[0])), pad(target, (0, more[1]))
        start = None
    active = (source > 0)[:, :, None] & (target > 0)[:, None, :]
    bad_cost = (active & ~(cost > -float(FORBIDDEN))).flatten(1).any(1)
    cost = cost.masked_fill(cost >= float(FORBIDDEN), torch.inf)
    bad_marginal = ~(
        ((source >= 0) & (source < torch.inf)).all(1) & ((target >= 0) & (target < torch.inf)).all(1)
    )
    if cost.device.type == "cpu":
        for bad, is_cost in ((bad_marginal, False), (bad_cost, True)):
            if bad.any():
                raise refuse(int(bad.nonzero()[0]), is_cost=is_cost)
    reachable = active & (cost < torch.inf)
    solvable = (
        active.flatten(1).any(1)
        & (reachable.any(2) | (source <= 0)).all(1)
        & (reachable.any(1) | (target <= 0)).all(1)
        & ~(bad_cost | bad_marginal)
    )
    return Problem(
        cost=torch.where(active & solvable[:, None, None], cost, 0.0),
        source_marginal=torch.where(solvable[:, None], source, 1.0),
        target_marginal=torch.where(solvable[:, None], target, 1.0),
        solvable=solvable,
        start=None if start is None else start.detach().to(cost),
    )


def transport_value(plan: Tensor, cost: Tensor) -> Float[Tensor, " batch"]:
    """Sum of plan times cost per problem; 0 times infinity counts as 0."""
    return (plan * cost.to(plan.dtype).masked_fill(plan == 0, 0.0)).sum((1, 2))


def certify(
    problem: Problem,
    plan: Float[Tensor, "batch m n"],
    potentials: tuple[Float[Tensor, "batch m"], Float[Tensor, "batch n"]],
    *,
    tolerance: float,
    n_iterations: Int[Tensor, " batch"],
) -> TransportPlan:
    """Measure a plan against its marginals and the exact optimum.

    Args:
        problem: what was solved.
        plan: (batch, m, n) tensor of masses, finite where both tokens carry mass.
        potentials: dual prices in units of cost, finite where there is mass.
        tolerance: largest marginal error that counts as converged.
        n_iterations: (batch,) int tensor, spent per problem.

    Gradient:
        None: the plan and all its measures are detached.
    """
    solvable = problem.solvable
    has_source, has_target = problem.source_marginal > 0, problem.target_marginal > 0
    plan = torch.where(solvable[:, None, None] & problem.active, plan.detach(), 0.0)
    source_potential = torch.where(solvable[:, None] & has_source, potentials[0].detach(), 0.0)
    target_potential = torch.where(solvable[:, None] & has_target, potentials[1].detach(), 0.0)
    row_error = (plan.sum(2) - problem.source_marginal).abs().sum(1)
    column_error = (plan.sum(1) - problem.target_marginal).abs().sum(1)
    error, value = row_error + column_error, transport_value(plan, problem.cost.detach())
    gap = value - _dual_bound(problem, source_potential)
    # a result outside the range of float32 is no solution either
    solved = solvable & error.isfinite() & value.isfinite()
    plan = torch.where(solved[:, None, None], plan, 0.0)
    return TransportPlan(
        plan=plan,
        source_potential=torch.where(solved[:, None], source_potential, 0.0),
        target_potential=torch.where(solved[:, None], target_potential, 0.0),
        value=torch.where(solved, value, 0.0),
        marginal_error=torch.where(solved, error, torch.inf),
        duality_gap=torch.where(solved & gap.isfinite(), gap, torch.inf),
        converged=solved & (error <= tolerance + rounding(error.dtype)),
        n_iterations=n_iterations,
    )


def _dual_bound(problem: Problem, source_potential: Tensor) -> Float[Tensor, " batch"]:
    """Lower bound on the exact transport cost by the c-transform (Peyre and Cuturi 2019, section 5.1)."""
    reduced = problem.cost.detach() - source_potential[:, :, None]
    best = reduced.masked_fill(~problem.active, torch.inf).amin(1)
    best = torch.where(problem.target_marginal > 0, best, 0.0)
    return (problem.source_marginal * source_potential).sum(1) + (problem.target_marginal * best).sum(1)
