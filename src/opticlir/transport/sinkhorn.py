"""Entropic optimal transport (Cuturi 2013); the plain form in the log domain (Peyre and Cuturi 2019, 4.4)."""

import torch
from jaxtyping import Float
from torch import Tensor

from opticlir.transport.backends import Backend, finish, is_compiled, solving
from opticlir.transport.compiled import scale
from opticlir.transport.kernels.limits import MARGIN
from opticlir.transport.kernels.problems import Settings
from opticlir.transport.plan import TransportPlan
from opticlir.transport.problem import (
    Problem,
    certify,
    check_settings,
    check_shapes,
    prepare,
)

_CHECK_EVERY = 5
"""Iterations between checks of the marginal error; on an accelerator, a check has to wait."""


def sinkhorn(
    cost: Float[Tensor, "batch m n"],
    source_marginal: Float[Tensor, "batch m"],
    target_marginal: Float[Tensor, "batch n"],
    *,
    epsilon: float,
    max_iterations: int = 200,
    tolerance: float = 1e-4,
    start: Float[Tensor, "batch n"] | None = None,
    backend: Backend = "auto",
) -> TransportPlan:
    """Align two bags of tokens by entropic optimal transport, a batch at a time.

    Padding is a token of mass 0: it receives exactly 0, whatever its cost. Each problem stops by itself, so its
    solution does not depend on the others in the batch.

    Args:
        cost: (batch, m, n) float tensor; plus infinity forbids the pair.
        source_marginal: (batch, m) float tensor, >= 0, each row sums to 1.
        target_marginal: (batch, n) float tensor, likewise.
        epsilon: entropy strength, > 0, in the units of `cost`; before the marginals are enforced,
            a cost difference of `epsilon` changes a plan entry by a factor of e.
        max_iterations: bound on pairs of row and column updates.
        tolerance: a problem stops once its marginal error (misplaced mass) is within it. Float32 resolves
            2.4e-7; below that, a problem stops once its plan no longer changes.
        start: (batch, n) float tensor, target potentials to begin with, from an earlier
            solution for similar costs; None begins with 0.
        backend: which form runs; see `Backend`.

    Returns:
        TransportPlan with `plan` (batch, m, n), dtype and device of `cost`; `marginal_error` and
        `converged`, both (batch,). Not converging is reported, never raised.

    Raises:
        ValueError: `epsilon` is not > 0, the shapes do not fit each other, or, on the CPU, a cost or a
            mass is invalid.

    Gradient:
        The plan is detached. The entropic transport value has the plan as its gradient in `cost`
        (envelope theorem), so the loss is `(plan * cost).sum()`, which is also `value`.

    Example:
        >>> half, swap = torch.tensor([[0.5, 0.5]]), torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
        >>> sinkhorn(swap, half, half, epsilon=0.05).plan.round(decimals=3).tolist()
        [[[0.5, 0.0], [0.0, 0.5]]]
    """
    check_settings(max_iterations=max_iterations, tolerance=tolerance, epsilon=epsilon)
    check_shapes(cost, source_marginal, target_marginal, start)
    with solving(cost):
        if is_compiled(cost, backend):
            settings = Settings(epsilon, epsilon, 0.5, tolerance, max_iterations, 0, 1.0)
            answer = scale(cost, source_marginal, target_marginal, start, settings)
        else:
            problem = prepare(cost, source_marginal, target_marginal, start)
            f, g, spent = iterate(problem, epsilon, max_iterations, tolerance)
            plan = torch.exp(f[:, :, None] + g[:, None, :] - problem.cost / epsilon)
            answer = certify(
                problem, plan, (epsilon * f, epsilon * g), tolerance=tolerance, n_iterations=spent
            )
    return finish(answer, cost)


def iterate(
    problem: Problem, epsilon: float, max_iterations: int, tolerance: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Run the plain form of the solver.

    Returns:
        (batch, m) and (batch, n) dual potentials divided by epsilon, minus infinity where there is no mass;
        (batch,) int32 iterations spent.
    """
    log_a, log_b = problem.source_marginal.log(), problem.target_marginal.log()
    log_kernel = -problem.cost / epsilon
    f, g = torch.zeros_like(log_a), log_b  # not 0, so that padded columns have no part in the first update
    if problem.start is not None:
        g = torch.where(log_b > -torch.inf, problem.start / epsilon, log_b)
    running = problem.solvable.clone()
    spent = torch.zeros(len(log_a), dtype=torch.int32, device=log_a.device)
    for iteration in range(max_iterations):
        f_next = log_a - torch.logsumexp(log_kernel + g[:, None, :], dim=2)  # rows sum to a
        if iteration and iteration % _CHECK_EVERY == 0:
            # the last update left the columns exact and row i at a_i * exp(f - f_next)
            ratio = torch.where(log_a > -torch.inf, (f - f_next).exp(), 1.0)
            error = (problem.source_marginal * (ratio - 1).abs()).sum(1)
            running = running & (error > MARGIN * tolerance)
            if not running.any():
                break
        f = torch.where(running[:, None], f_next, f)
        g_next = log_b - torch.logsumexp(log_kernel + f[:, :, None], dim=1)  # columns sum to b
        g = torch.where(running[:, None], g_next, g)
        spent += running
    return f, g, spent
