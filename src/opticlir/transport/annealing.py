"""Sinkhorn with a falling epsilon: epsilon scaling (Kosowsky and Yuille 1994; Schmitzer 2019)."""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from opticlir.transport.backends import Backend, finish, is_compiled, solving
from opticlir.transport.compiled import scale
from opticlir.transport.kernels.problems import Settings
from opticlir.transport.plan import TransportPlan
from opticlir.transport.problem import Problem, certify, check_settings, check_shapes, prepare
from opticlir.transport.sinkhorn import iterate

DECAY = 0.5
"""Factor from one epsilon to the next. A smaller one starts each stage too far off, a larger one needs many stages."""

ITERATIONS_PER_STAGE = 5


def annealed_sinkhorn(
    cost: Float[Tensor, "batch m n"],
    source_marginal: Float[Tensor, "batch m"],
    target_marginal: Float[Tensor, "batch n"],
    *,
    epsilon: float,
    epsilon_start: float = 1.0,
    max_iterations: int = 500,
    tolerance: float = 1e-4,
    backend: Backend = "auto",
) -> TransportPlan:
    """Like `sinkhorn`, for epsilons so small that it would need thousands of iterations.

    It begins with a large epsilon and halves it after every five iterations. Each stage starts from the prices
    of the previous one, which are already nearly right for most tokens.

    Args:
        cost: (batch, m, n) float tensor; plus infinity forbids the pair.
        source_marginal: (batch, m) float tensor, >= 0, each row sums to 1.
        target_marginal: (batch, n) float tensor, likewise.
        epsilon: entropy strength of the answer, > 0, in the units of `cost`.
        epsilon_start: where to begin, at least `epsilon`; about the spread of the costs.
        max_iterations: bound on pairs of row and column updates, over all stages.
        tolerance: a problem at its last epsilon stops once its marginal error is within it.
        backend: which form runs; see `Backend`.

    Returns:
        TransportPlan; see `sinkhorn`.

    Raises:
        ValueError: as in `sinkhorn`, or `epsilon_start` is below `epsilon`.

    Gradient:
        As in `sinkhorn`.

    Example:
        >>> half, swap = torch.tensor([[0.5, 0.5]]), torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
        >>> annealed_sinkhorn(swap, half, half, epsilon=1e-4).plan.tolist()
        [[[0.5, 0.0], [0.0, 0.5]]]
    """
    check_settings(
        max_iterations=max_iterations, tolerance=tolerance, epsilon=epsilon, epsilon_start=epsilon_start
    )
    if epsilon_start < epsilon:
        raise ValueError(f"epsilon_start is {epsilon_start}: expected at least epsilon, {epsilon}")
    check_shapes(cost, source_marginal, target_marginal)
    with solving(cost):
        if is_compiled(cost, backend):
            settings = Settings(epsilon, epsilon_start, DECAY, tolerance, max_iterations, 0, 1.0)
            answer = scale(cost, source_marginal, target_marginal, None, settings)
        else:
            answer = _plain(
                prepare(cost, source_marginal, target_marginal),
                epsilon,
                epsilon_start,
                max_iterations,
                tolerance,
            )
    return finish(answer, cost)


def _plain(
    problem: Problem, epsilon: float, epsilon_start: float, max_iterations: int, tolerance: float
) -> TransportPlan:
    stage, spent = epsilon_start, 0
    while stage > epsilon and spent + ITERATIONS_PER_STAGE < max_iterations:
        _, g, _ = iterate(problem, stage, ITERATIONS_PER_STAGE, 0.0)
        problem = replace(problem, start=stage * g)
        stage, spent = max(epsilon, stage * DECAY), spent + ITERATIONS_PER_STAGE
    f, g, n_iterations = iterate(problem, stage, max_iterations - spent, tolerance)
    plan = torch.exp(f[:, :, None] + g[:, None, :] - problem.cost / stage)
    return certify(
        problem, plan, (stage * f, stage * g), tolerance=tolerance, n_iterations=n_iterations + spent
    )
