"""Entropic optimal transport (Cuturi 2013) in the log domain (Peyre and Cuturi 2019, section 4.4)."""

import torch
from jaxtyping import Float
from torch import Tensor

from opticlir.transport.plan import TransportPlan
from opticlir.transport.problem import Problem, certify, check_settings, prepare

_CHECK_EVERY = 5
"""Iterations between looks at the marginal error; a look is a synchronisation on an accelerator."""


def sinkhorn(
    cost: Float[Tensor, "batch m n"],
    source_marginal: Float[Tensor, "batch m"],
    target_marginal: Float[Tensor, "batch n"],
    *,
    epsilon: float,
    max_iterations: int = 200,
    tolerance: float = 1e-4,
) -> TransportPlan:
    """Align two bags of tokens by entropic optimal transport, a batch at a time.

    Padding is a token of mass 0: it receives exactly nothing, whatever its cost.

    Args:
        cost: (batch, m, n) float tensor; plus infinity forbids a way.
        source_marginal: (batch, m) float tensor, >= 0, each row sums to 1.
        target_marginal: (batch, n) float tensor, likewise.
        epsilon: entropy strength, > 0, in the units of `cost`; before the marginals are enforced,
            a cost difference of `epsilon` changes a plan entry by a factor of e.
        max_iterations: bound on pairs of row and column updates.
        tolerance: a problem stops once its marginal error (misplaced mass) is within it.

    Returns:
        TransportPlan with `plan` (batch, m, n), dtype and device of `cost`; `marginal_error` and
        `converged`, both (batch,). Not converging is reported, never raised.

    Raises:
        ValueError: `epsilon` is not > 0, or the shapes do not fit each other.

    Gradient:
        The plan is detached. The entropic transport value has the plan as its gradient in `cost`
        (envelope theorem), so the loss is `(plan * cost).sum()`.

    Example:
        >>> half, swap = torch.tensor([[0.5, 0.5]]), torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
        >>> sinkhorn(swap, half, half, epsilon=0.05).plan.round(decimals=3).tolist()
        [[[0.5, 0.0], [0.0, 0.5]]]
    """
    check_settings(max_iterations=max_iterations, tolerance=tolerance, epsilon=epsilon)
    with torch.autocast(cost.device.type, enabled=False):
        problem = prepare(cost, source_marginal, target_marginal)
        f, g, n_iterations = _iterate(problem, epsilon, max_iterations, tolerance)
        plan = torch.exp(f[:, :, None] + g[:, None, :] - problem.cost / epsilon)
        return certify(
            problem, cost, plan, (epsilon * f, epsilon * g), tolerance=tolerance, n_iterations=n_iterations
        )


def _iterate(
    problem: Problem, epsilon: float, max_iterations: int, tolerance: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Dual potentials divided by epsilon (minus infinity where there is no mass), and iterations spent."""
    log_a, log_b = problem.source_marginal.log(), problem.target_marginal.log()
    log_kernel = -problem.cost / epsilon
    f, g = torch.zeros_like(log_a), log_b  # not 0: padded columns are out from the first update
    running = problem.solvable.clone()
    spent = torch.zeros(len(log_a), dtype=torch.int32, device=log_a.device)
    for iteration in range(max_iterations):
        f_next = log_a - torch.logsumexp(log_kernel + g[:, None, :], dim=2)  # rows sum to a
        if iteration and iteration % _CHECK_EVERY == 0:
            # the last update left the columns exact and row i at a_i * exp(f - f_next)
            ratio = torch.where(log_a > -torch.inf, (f - f_next).exp(), 1.0)
            error = (problem.source_marginal * (ratio - 1).abs()).sum(1)
            running = running & (error > tolerance)
            if not running.any():
                break
        f = torch.where(running[:, None], f_next, f)
        g_next = log_b - torch.logsumexp(log_kernel + f[:, :, None], dim=1)  # columns sum to b
        g = torch.where(running[:, None], g_next, g)
        spent += running
    return f, g, spent
