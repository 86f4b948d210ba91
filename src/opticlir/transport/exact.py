"""Exact optimal transport, with dual prices that prove the optimum."""

from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from opticlir.errors import SetupError
from opticlir.transport.backends import finish, solving
from opticlir.transport.compiled import solve_exactly
from opticlir.transport.plan import TransportPlan
from opticlir.transport.problem import Problem, certify, check_shapes, prepare

Floats = NDArray[np.float64]

ExactBackend = Literal["auto", "numba", "libraries"]
"""`auto` uses our compiled kernel, and the libraries for float64. `libraries` solves one problem at a time: square
problems with equal masses by scipy's assignment, the others by POT's network simplex."""

_TOLERANCE = 1e-5
"""Largest marginal error that counts as converged: rounding of float32 sums."""


def exact(
    cost: Float[Tensor, "batch m n"],
    source_marginal: Float[Tensor, "batch m"],
    target_marginal: Float[Tensor, "batch n"],
    *,
    backend: ExactBackend = "auto",
) -> TransportPlan:
    """Align two bags of tokens at the least possible cost, a batch at a time.

    Computed on the CPU wherever the tensors are. At most m + n - 1 entries of a plan are not 0.

    Args:
        cost: (batch, m, n) float tensor; plus infinity forbids the pair.
        source_marginal: (batch, m) float tensor, >= 0, each row sums to 1.
        target_marginal: (batch, n) float tensor, likewise.
        backend: which form runs; see `ExactBackend`.

    Returns:
        TransportPlan; its `duality_gap` is 0 to rounding, which proves that no plan is cheaper.
        `n_iterations` is the number of path searches of our kernel, and 0 for the libraries.

    Raises:
        ValueError: the shapes do not fit, or a cost or a mass is invalid.
        SetupError: POT is needed but not installed, or it stops without a solution.

    Gradient:
        The plan is detached and is a subgradient of `value` in `cost` (envelope theorem).

    Example:
        >>> half, swap = torch.tensor([[0.5, 0.5]]), torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
        >>> exact(swap, half, half).plan.tolist()
        [[[0.5, 0.0], [0.0, 0.5]]]
    """
    if backend not in ("auto", "numba", "libraries"):
        raise ValueError(f"backend is {backend!r}: expected 'auto', 'numba' or 'libraries'")
    check_shapes(cost, source_marginal, target_marginal)
    with solving(cost):
        if backend == "libraries" or (backend == "auto" and cost.dtype == torch.float64):
            answer = _with_libraries(prepare(cost, source_marginal, target_marginal))
        else:
            answer = solve_exactly(cost, source_marginal, target_marginal, tolerance=_TOLERANCE)
    return finish(answer, cost)


def _with_libraries(problem: Problem) -> TransportPlan:
    """Solve one problem after the other, in float64."""
    plan = torch.zeros(problem.cost.shape, dtype=torch.float64)
    prices = torch.zeros(problem.source_marginal.shape, dtype=torch.float64)
    cost, source, target = (
        tensor.double().cpu() for tensor in (problem.cost, problem.source_marginal, problem.target_marginal)
    )
    for number in problem.solvable.nonzero().flatten().tolist():
        rows, columns = source[number].nonzero().flatten(), target[number].nonzero().flatten()
        part, price = _solve_one(
            cost[number][rows][:, columns].numpy(),
            source[number][rows].numpy(),
            target[number][columns].numpy(),
        )
        plan[number, rows[:, None], columns] = torch.from_numpy(part)
        prices[number, rows] = torch.from_numpy(price)
    return certify(
        problem,
        plan.to(problem.cost),
        (prices.to(problem.cost), torch.zeros_like(problem.target_marginal)),
        tolerance=_TOLERANCE,
        n_iterations=torch.zeros_like(problem.solvable, dtype=torch.int32),
    )


def _solve_one(cost: Floats, a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Plan and source prices between tokens with mass. A forbidden pair gets a cost that is too high to use."""
    is_forbidden = np.isinf(cost)
    finite = cost[~is_forbidden]
    bounded = np.where(is_forbidden, finite.max() + (finite.max() - finite.min() + 1) * cost.shape[0], cost)
    if len(a) == len(b) and np.ptp(a) == 0 and np.ptp(b) == 0:
        rows, columns = linear_sum_assignment(bounded)
        plan = np.zeros_like(cost)
        plan[rows, columns] = a
        prices = _assignment_prices(bounded, columns)
    else:
        plan, prices = _network_simplex(bounded, a, b)
    plan[is_forbidden] = 0.0  # mass that had no other target is now missing, which the marginal error shows
    return plan, prices


def _assignment_prices(cost: Floats, column_of: NDArray[np.int64]) -> Floats:
    """Source prices that prove an assignment optimal, by Bellman-Ford on the residual graph."""
    paid = cost[np.arange(len(cost)), column_of]
    v = np.zeros(len(cost))
    for _ in range(len(cost)):
        u = paid - v[column_of]
        better = np.minimum(v, (cost - u[:, None]).min(axis=0))
        if np.array_equal(better, v):
            break
        v = better
    return paid - v[column_of]


def _network_simplex(cost: Floats, a: Floats, b: Floats) -> tuple[Floats, Floats]:
    try:
        import ot  # noqa: PLC0415  # an optional extra
    except ImportError:
        raise SetupError(
            "exact transport with libraries needs POT for all but assignments: pip install 'opticlir[exact]'"
        ) from None
    plan, log = ot.emd(a, b * (a.sum() / b.sum()), cost, log=True, numItermax=1_000_000)
    if log["warning"] is not None:
        raise SetupError(f"POT gave no exact plan for a {cost.shape} problem: {log['warning']}")
    return plan, log["u"]
