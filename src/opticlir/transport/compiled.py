"""Run compiled kernels and read what they write."""

from dataclasses import replace

import torch
from torch import Tensor

from opticlir.transport.kernels.slot import BAD_COST, BAD_MARGINAL, SOLVED, Settings, Solution
from opticlir.transport.plan import TransportPlan
from opticlir.transport.problem import refuse, rounding
from opticlir.transport.ragged import RaggedCost

Vectors = tuple[Tensor, Tensor, Tensor | None]
"""Marginals of source and target, and target potentials to begin with, laid out like the cost."""


def scale(
    cost: Tensor | RaggedCost, vectors: Vectors, settings: Settings, *, tolerance: float, backend: str
) -> TransportPlan:
    """Run the scaling kernels: what the entropic solvers and the proximal point method share.

    Args:
        cost: padded or ragged, shapes checked.
        vectors: what goes with it.
        settings: what the kernel does.
        tolerance: largest marginal error that counts as converged; for relaxed marginals, largest change.
        backend: "numba" or "triton".

    Raises:
        ValueError: on the CPU, numbers that make no sense.
    """
    if backend == "triton":
        from opticlir.transport.kernels.accelerator import scale as run  # noqa: PLC0415  # only where CUDA is
    else:
        from opticlir.transport.kernels.launch import scale as run  # noqa: PLC0415  # loads what is compiled
    solution = run(cost, *vectors, settings)
    answer = _read(solution, tolerance)
    if settings.power < 1:
        change = solution.measures[:, 3]
        return replace(
            answer,
            converged=(solution.outcome[:, 0] == SOLVED) & (change <= tolerance + rounding(change.dtype)),
        )
    return answer


def solve_exactly(cost: Tensor | RaggedCost, vectors: Vectors, *, tolerance: float) -> TransportPlan:
    """Run the kernel of shortest augmenting paths, on the CPU. Arguments and errors as in `scale`."""
    from opticlir.transport.kernels.launch import solve_exactly as run  # noqa: PLC0415  # loads what is compiled

    return _read(run(cost, *vectors[:2]), tolerance)


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
