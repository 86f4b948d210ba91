"""Sharp plans by the inexact proximal point method, IPOT (Xie, Wang, Wang and Zha, UAI 2019)."""

import torch
from jaxtyping import Float
from torch import Tensor

from opticlir.transport.backends import Backend, finish, is_compiled, solving
from opticlir.transport.compiled import scale
from opticlir.transport.kernels.problems import Settings
from opticlir.transport.plan import TransportPlan
from opticlir.transport.problem import Problem, certify, check_settings, check_shapes, prepare

_FLUSHED = 1e-30
"""Plan entries below this become 0: they have no effect, and denormal numbers are a hundred times slower."""


def proximal_point(
    cost: Float[Tensor, "batch m n"],
    source_marginal: Float[Tensor, "batch m"],
    target_marginal: Float[Tensor, "batch n"],
    *,
    beta: float = 0.5,
    max_iterations: int = 50,
    tolerance: float = 1e-2,
    backend: Backend = "auto",
) -> TransportPlan:
    """Align two bags of tokens almost exactly, a batch at a time.

    Each step solves an entropic problem around the previous plan. So the blur shrinks like
    `beta / max_iterations`, although no single step has a small epsilon.

    Args:
        cost: (batch, m, n) float tensor; plus infinity forbids the pair.
        source_marginal: (batch, m) float tensor, >= 0, each row sums to 1.
        target_marginal: (batch, n) float tensor, likewise.
        beta: proximal strength, > 0, in the units of `cost`; smaller is sharper sooner and less stable.
        max_iterations: proximal steps, each one row and one column update.
        tolerance: largest marginal error that counts as converged. All steps are always taken,
            since each makes the plan sharper.
        backend: which form runs; see `Backend`.

    Returns:
        TransportPlan; see `sinkhorn`. Its `duality_gap` bounds how far from exact the plan is.

    Raises:
        ValueError: as in `sinkhorn`.

    Gradient:
        As in `sinkhorn`: the plan is detached, the loss is `(plan * cost).sum()`.

    Example:
        >>> half, swap = torch.tensor([[0.5, 0.5]]), torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
        >>> proximal_point(swap, half, half).plan.round(decimals=3).tolist()
        [[[0.5, 0.0], [0.0, 0.5]]]
    """
    check_settings(max_iterations=max_iterations, tolerance=tolerance, beta=beta)
    check_shapes(cost, source_marginal, target_marginal)
    with solving(cost):
        if is_compiled(cost, backend):
            settings = Settings(beta, beta, 0.5, tolerance, max_iterations, 1, 1.0)
            answer = scale(cost, source_marginal, target_marginal, None, settings)
        else:
            problem = prepare(cost, source_marginal, target_marginal)
            plan, prices = _iterate(problem, beta, max_iterations)
            spent = torch.full_like(problem.solvable, max_iterations, dtype=torch.int32)
            answer = certify(problem, plan, prices, tolerance=tolerance, n_iterations=spent)
    return finish(answer, cost)


def _iterate(problem: Problem, beta: float, max_iterations: int) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Algorithm 1 of the paper with one inner step; the plan and the dual prices it implies."""
    # shifting a row or a column of the cost changes its price, not the plan; so no row can vanish
    row_shift = problem.cost.masked_fill(~problem.active, torch.inf).amin(2, keepdim=True)
    row_shift = row_shift.masked_fill(row_shift == torch.inf, 0.0)
    reduced = problem.cost - row_shift
    column_shift = reduced.masked_fill(~problem.active, torch.inf).amin(1, keepdim=True)
    column_shift = column_shift.masked_fill(column_shift == torch.inf, 0.0)
    kernel = torch.exp(-(reduced - column_shift) / beta)

    a, b = problem.source_marginal[:, :, None], problem.target_marginal[:, None, :]
    plan, column_scale = a * b, torch.ones_like(b)
    log_row, log_column = _safe_log(a), _safe_log(b)
    for _ in range(max_iterations):
        weighted = plan * kernel
        row_scale = _ratio(a, (weighted * column_scale).sum(2, keepdim=True))
        weighted = weighted * row_scale
        column_scale = _ratio(b, weighted.sum(1, keepdim=True))
        plan = weighted * column_scale
        plan = torch.where(plan < _FLUSHED, 0.0, plan)
        log_row += _safe_log(row_scale)
        log_column += _safe_log(column_scale)
    blur = beta / max_iterations  # the entropy strength that corresponds to the last plan
    return plan, ((row_shift + blur * log_row).squeeze(2), (column_shift + blur * log_column).squeeze(1))


def _safe_log(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 1.0).log()


def _ratio(wanted: Tensor, found: Tensor) -> Tensor:
    """The scaling factor; 0 where one of the two is 0."""
    return torch.where(found > 0, wanted / found.clamp_min(_FLUSHED), 0.0)
