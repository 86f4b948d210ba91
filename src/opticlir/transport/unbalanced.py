"""Unbalanced transport: mass may stay, at a price.

Function words, names and idioms of one sentence may have no counterpart in the other. A balanced plan would
still have to move them somewhere.
"""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from opticlir.transport.backends import Backend, finish, is_compiled, solving
from opticlir.transport.compiled import scale
from opticlir.transport.kernels.limits import MARGIN
from opticlir.transport.kernels.problems import Settings
from opticlir.transport.plan import TransportPlan
from opticlir.transport.problem import Problem, certify, check_settings, check_shapes, prepare

_CHECK_EVERY = 5


def unbalanced_sinkhorn(
    cost: Float[Tensor, "batch m n"],
    source_marginal: Float[Tensor, "batch m"],
    target_marginal: Float[Tensor, "batch n"],
    *,
    epsilon: float,
    marginal_penalty: float,
    max_iterations: int = 200,
    tolerance: float = 1e-4,
    backend: Backend = "auto",
) -> TransportPlan:
    """Align two bags of tokens, leaving out mass that is too expensive to move.

    Minimises `<plan, cost> + epsilon KL(plan | a b') + marginal_penalty (KL(rows | a) + KL(columns | b))`,
    where rows and columns are the sums of the plan and a and b the marginals.

    Args:
        cost: (batch, m, n) float tensor; plus infinity forbids the pair.
        source_marginal: (batch, m) float tensor, >= 0. The two sides need not have
            the same mass.
        target_marginal: (batch, n) float tensor, likewise.
        epsilon: entropy strength, > 0, in the units of `cost`.
        marginal_penalty: price of missing a marginal, > 0, in the units of `cost`. Mass that costs more than
            about this stays where it is. Infinity gives the balanced problem.
        max_iterations: bound on pairs of row and column updates.
        tolerance: a problem stops once an iteration changes less than this share of the row scalings.
        backend: which form runs; see `Backend`.

    Returns:
        TransportPlan. `converged` says whether the iteration settled; `marginal_error` how much mass was left
        out or added; `duality_gap` is the primal minus the dual objective of the problem above.

    Raises:
        ValueError: as in `sinkhorn`, or `marginal_penalty` is not > 0.

    Gradient:
        As in `sinkhorn`: the optimal objective has the plan as its gradient in `cost`.

    Example:
        >>> one, far = torch.tensor([[0.5, 0.5]]), torch.tensor([[[0.0, 9.0], [9.0, 9.0]]])
        >>> plan = unbalanced_sinkhorn(far, one, one, epsilon=0.05, marginal_penalty=0.5).plan
        >>> [round(mass, 2) for mass in plan.sum(2)[0].tolist()]  # the second token stays
        [0.48, 0.0]

    Reference:
        Chizat, Peyre, Schmitzer and Vialard 2018, "Scaling algorithms for unbalanced optimal transport
        problems", algorithm 2 with the divergence of their table 1.
    """
    check_settings(
        max_iterations=max_iterations, tolerance=tolerance, epsilon=epsilon, marginal_penalty=marginal_penalty
    )
    check_shapes(cost, source_marginal, target_marginal)
    power = marginal_penalty / (marginal_penalty + epsilon)
    with solving(cost):
        if is_compiled(cost, backend):
            settings = Settings(epsilon, epsilon, 0.5, tolerance, max_iterations, 0, power)
            answer = scale(cost, source_marginal, target_marginal, None, settings)
        else:
            problem = prepare(cost, source_marginal, target_marginal)
            f, g, spent, change = _iterate(problem, epsilon, power, max_iterations, tolerance)
            plan = torch.exp(f[:, :, None] + g[:, None, :] - problem.cost / epsilon)
            answer = certify(
                problem, plan, (epsilon * f, epsilon * g), tolerance=tolerance, n_iterations=spent
            )
            answer = replace(answer, converged=answer.marginal_error.isfinite() & (change <= tolerance))
    answer = finish(answer, cost)
    gap = _gap(answer, (source_marginal, target_marginal), epsilon, marginal_penalty)
    return replace(answer, duality_gap=gap)


def _iterate(
    problem: Problem, epsilon: float, power: float, max_iterations: int, tolerance: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Dual potentials divided by epsilon, with log a and log b in them, iterations spent, and last change."""
    log_a, log_b = problem.source_marginal.log(), problem.target_marginal.log()
    log_kernel = -problem.cost / epsilon
    f, g = torch.zeros_like(log_a), log_b
    running = problem.solvable.clone()
    spent = torch.zeros(len(log_a), dtype=torch.int32, device=log_a.device)
    change = torch.full_like(log_a[:, 0], torch.inf)
    for iteration in range(max_iterations):
        # a balanced update is log_a - logsumexp; with a price on the marginal, only a part of it
        f_next = log_a - power * torch.logsumexp(log_kernel + g[:, None, :], dim=2)
        if iteration and iteration % _CHECK_EVERY == 0:
            ratio = torch.where(log_a > -torch.inf, (f - f_next).exp(), 1.0)
            moved = (problem.source_marginal * (ratio - 1).abs()).sum(1)
            change = torch.where(running, moved, change)
            running = running & (change > MARGIN * tolerance)
            if not running.any():
                break
        f = torch.where(running[:, None], f_next, f)
        g_next = log_b - power * torch.logsumexp(log_kernel + f[:, :, None], dim=1)
        g = torch.where(running[:, None], g_next, g)
        spent += running
    return f, g, spent, change


def _gap(answer: TransportPlan, marginals: tuple[Tensor, Tensor], epsilon: float, rho: float) -> Tensor:
    """Primal minus dual objective: rho KL(rows | a exp(-f / rho)) and its like for columns.

    The potentials of the answer hold epsilon log a and epsilon log b; f and g here do not.
    """
    plan = answer.plan.to(answer.value.dtype)
    gap = torch.zeros_like(answer.value)
    potentials = (answer.source_potential, answer.target_potential)
    for found, marginal, potential in zip((plan.sum(2), plan.sum(1)), marginals, potentials, strict=True):
        mass = marginal.to(found)
        has_mass = mass > 0
        free = potential - epsilon * torch.where(has_mass, mass, 1.0).log()
        wanted = torch.where(has_mass, mass * torch.exp(-free / rho), 0.0)
        divergence = torch.special.xlogy(found, found / torch.where(wanted > 0, wanted, 1.0)) - found + wanted
        gap += rho * divergence.sum(1)
    gap = torch.where(answer.marginal_error < torch.inf, gap, torch.inf)
    return torch.nan_to_num(gap, nan=torch.inf, posinf=torch.inf)  # prices too large for the exponential
