"""Hand torch tensors on the CPU to the compiled kernels, and their answers back."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from opticlir.transport.kernels.scaling import scale_problems
from opticlir.transport.kernels.slot import Answers, Problems, Settings, make_slot
from opticlir.transport.kernels.threads import in_parallel
from opticlir.transport.ragged import RaggedCost

_LARGER_THAN_CACHES = 8 * 2**20
"""Bytes of plans from which on they are written past the caches."""


class Solution(NamedTuple):
    """Answers of a kernel as float32 tensors laid out like what was given."""

    plan: Tensor
    source_potential: Tensor
    target_potential: Tensor
    measures: Tensor
    """(problems, 3): value, marginal error, duality gap."""

    outcome: Tensor
    """(problems, 2) int64: status (see `slot`), iterations."""


def scale(
    cost: Tensor | RaggedCost,
    source_marginal: Tensor,
    target_marginal: Tensor,
    start: Tensor | None,
    settings: Settings,
) -> Solution:
    """Run the scaling kernel on problems on the CPU, whose shapes have been checked."""
    layout = _layout(cost)
    values = _float32(cost.values if isinstance(cost, RaggedCost) else cost)
    source, target = _float32(source_marginal), _float32(target_marginal)
    initial = None if start is None else _float32(start)
    n_problems = len(layout)
    solution = Solution(
        torch.empty_like(values),
        torch.empty_like(source),
        torch.empty_like(target),
        torch.empty(n_problems, 3),
        torch.empty(n_problems, 2, dtype=torch.int64),
    )
    if n_problems == 0:
        return solution
    problems = Problems(
        values.data_ptr(),
        source.data_ptr(),
        target.data_ptr(),
        0 if initial is None else initial.data_ptr(),
        layout.ctypes.data,
    )
    is_aligned = solution.plan.data_ptr() % 32 == 0 and not (layout[:, 1:4] % 8).any()
    answers = Answers(
        solution.plan.data_ptr(),
        solution.source_potential.data_ptr(),
        solution.target_potential.data_ptr(),
        int(is_aligned and values.numel() * 4 >= _LARGER_THAN_CACHES),
        solution.measures.data_ptr(),
        solution.outcome.data_ptr(),
    )

    def run(first: int, last: int) -> None:
        m, n = layout[first:last, :2].max(axis=0)
        (left, left_memory), (right, right_memory) = (
            make_slot(int(m), int(n), proximal=bool(settings.is_proximal)) for _ in range(2)
        )
        scale_problems(problems, answers, settings, first, last, left, right)
        del left_memory, right_memory  # needed until here: the kernel knows only their addresses

    in_parallel(layout[:, 0] * layout[:, 1], run)
    return solution


def _float32(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", torch.float32).contiguous()


def _layout(cost: Tensor | RaggedCost) -> NDArray[np.int64]:
    """Where each problem lies: see `slot` for the columns."""
    if isinstance(cost, RaggedCost):
        m, n = cost.n_source.numpy().astype(np.int64), cost.n_target.numpy().astype(np.int64)
    else:
        m, n = (np.full(cost.shape[0], size, dtype=np.int64) for size in cost.shape[1:])
    return np.stack((m, n, _starts(m * n), n, _starts(m), _starts(n)), axis=1)


def _starts(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.cumsum(sizes) - sizes
