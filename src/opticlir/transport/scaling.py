"""Run the scaling kernels: what the entropic solvers and the proximal point method share."""

import torch
from torch import Tensor

from opticlir.transport.backends import raise_first
from opticlir.transport.kernels.slot import BAD_COST, BAD_MARGINAL, SOLVED, Settings
from opticlir.transport.plan import TransportPlan
from opticlir.transport.ragged import RaggedCost


def scale(
    cost: Tensor | RaggedCost,
    vectors: tuple[Tensor, Tensor, Tensor | None],
    settings: Settings,
    *,
    tolerance: float,
    backend: str,
) -> TransportPlan:
    """Solve with compiled kernels.

    Args:
        cost: padded or ragged, shapes checked.
        vectors: marginals of source and target, and target potentials to begin with or None.
        settings: what the kernel does.
        tolerance: largest marginal error that counts as converged.
        backend: "numba" or "triton".

    Raises:
        ValueError: on the CPU, numbers that make no sense.
    """
    if backend == "triton":
        from opticlir.transport.kernels import accelerator as kernels  # noqa: PLC0415  # needs CUDA
    else:
        from opticlir.transport.kernels import launch as kernels  # noqa: PLC0415  # compiles on first import
    solution = kernels.scale(cost, *vectors, settings)
    value, error, gap = solution.measures.unbind(1)
    statuses, n_iterations = solution.outcome.unbind(1)
    if statuses.device.type == "cpu":
        raise_first(statuses, BAD_MARGINAL, BAD_COST)
    return TransportPlan(
        plan=solution.plan,
        source_potential=solution.source_potential,
        target_potential=solution.target_potential,
        value=value,
        marginal_error=error,
        duality_gap=gap,
        converged=(statuses == SOLVED) & (error <= tolerance),
        n_iterations=n_iterations.to(torch.int32),
    )
