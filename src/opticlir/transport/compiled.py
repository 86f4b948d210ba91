"""Runs compiled kernels and reads their results."""

from dataclasses import replace

import torch
from torch import Tensor

from opticlir.transport.kernels.problems import BAD_COST, BAD_MARGINAL, SOLVED, Settings, Solution
from opticlir.transport.plan import TransportPlan
from opticlir.transport.problem import refuse, rounding


def scale(
    cost: Tensor, source_marginal: Tensor, target_marginal: Tensor, start: Tensor | None, settings: Settings
) -> TransportPlan:
    """Run the scaling kernels of the entropic solvers and the proximal point method.

    Args:
        cost: (batch, m, n), shapes checked.
        source_marginal: (batch, m).
        target_marginal: (batch, n).
        start: (batch, n) target potentials to begin with, or None.
        settings: settings of the kernel. Its tolerance is the largest marginal error that counts as converged;
            for unbalanced transport, the largest change.

    Raises:
        ValueError: a cost or a marginal has invalid numbers.
    """
    from opticlir.transport.kernels.launch import scale as run  # noqa: PLC0415  # loads the compiler

    solution = run(cost, source_marginal, target_marginal, start, settings)
    answer = _read(solution, settings.tolerance)
    if settings.power < 1:
        change = solution.measures[:, 3]
        return replace(
            answer,
            converged=(solution.outcome[:, 0] == SOLVED)
            & (change <= settings.tolerance + rounding(change.dtype)),
        )
    return answer


def solve_exactly(
    cost: Tensor, source_marginal: Tensor, target_marginal: Tensor, *, tolerance: float
) -> TransportPlan:
    """Run the kernel of shortest augmenting paths. Arguments and errors as in `scale`."""
    from opticlir.transport.kernels.launch import solve_exactly as run  # noqa: PLC0415  # loads the compiler

    return _read(run(cost, source_marginal, target_marginal), tolerance)


def _read(solution: Solution, tolerance: float) -> TransportPlan:
    value, error, gap, _ = solution.measures.unbind(1)
    statuses, n_iterations = solution.outcome.unbind(1)
    if statuses.device.type == "cpu":
        for status in (BAD_MARGINAL, BAD_COST):
            if (bad := statuses == status).any():
                raise refuse(int(bad.nonzero()[0]), is_cost=status == BAD_COST)
    return TransportPlan(
        plan=solution.plan,
        source_potential=solution.source_potential,
        target_potential=solution.target_potential,
        value=value,
        marginal_error=error,
        duality_gap=gap,
        converged=(statuses == SOLVED) & (error <= tolerance + rounding(error.dtype)),
        n_iterations=n_iterations.to(torch.int32),
    )
