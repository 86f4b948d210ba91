"""Hand torch tensors on the CPU to the compiled kernels, and their answers back."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from opticlir.transport.kernels.depot import make_depot
from opticlir.transport.kernels.flow import solve_flows
from opticlir.transport.kernels.scaling import scale_problems
from opticlir.transport.kernels.slot import Answers, Problems, Settings, Solution, make_slot
from opticlir.transport.kernels.threads import in_parallel
from opticlir.transport.ragged import RaggedCost

_LARGER_THAN_CACHES = 8 * 2**20
"""Bytes of plans from which on they are written past the caches."""


def scale(
    cost: Tensor | RaggedCost,
    source_marginal: Tensor,
    target_marginal: Tensor,
    start: Tensor | None,
    settings: Settings,
) -> Solution:
    """Run the scaling kernel on problems whose shapes have been checked."""

    def run(job: _Job, first: int, last: int) -> None:
        m, n = job.largest(first, last)
        left, left_memory = make_slot(m, n, proximal=bool(settings.is_proximal))
        right, right_memory = make_slot(m, n, proximal=bool(settings.is_proximal))
        scale_problems(job.problems, job.answers, settings, first, last, left, right)
        del left_memory, right_memory  # needed until here: the kernel knows only their addresses

    return _launch(cost, source_marginal, target_marginal, start, run)


def solve_exactly(cost: Tensor | RaggedCost, source_marginal: Tensor, target_marginal: Tensor) -> Solution:
    """Run the kernel of shortest augmenting paths on problems whose shapes have been checked."""

    def run(job: _Job, first: int, last: int) -> None:
        depot, memory = make_depot(*job.largest(first, last))
        solve_flows(job.problems, job.answers, first, last, depot)
        del memory  # needed until here: the kernel knows only its addresses

    return _launch(cost, source_marginal, target_marginal, None, run)


class _Job(NamedTuple):
    """Addresses for the kernels, and where each problem lies."""

    problems: Problems
    answers: Answers
    layout: NDArray[np.int64]

    def largest(self, first: int, last: int) -> tuple[int, int]:
        """Most rows and most columns of some problems."""
        m, n = self.layout[first:last, :2].max(axis=0)
        return int(m), int(n)


def _launch(
    cost: Tensor | RaggedCost,
    source_marginal: Tensor,
    target_marginal: Tensor,
    start: Tensor | None,
    run: Callable[[_Job, int, int], None],
) -> Solution:
    """Call `run(job, first, last)` on ranges of problems, in threads; answer on the device of the cost."""
    values = cost.values if isinstance(cost, RaggedCost) else cost
    layout = problem_layout(cost)
    given, source, target = _float32(values), _float32(source_marginal), _float32(target_marginal)
    initial = None if start is None else _float32(start)
    solution = Solution(
        torch.empty_like(given),
        torch.empty_like(source),
        torch.empty_like(target),
        torch.empty(len(layout), 4),
        torch.empty(len(layout), 2, dtype=torch.int64),
    )
    if len(layout):
        is_aligned = solution.plan.data_ptr() % 32 == 0 and not (layout[:, 1:4] % 8).any()
        is_streamed = is_aligned and solution.plan.numel() * 4 >= _LARGER_THAN_CACHES
        problems = Problems(
            given.data_ptr(),
            source.data_ptr(),
            target.data_ptr(),
            0 if initial is None else initial.data_ptr(),
            layout.ctypes.data,
        )
        answers = Answers(
            solution.plan.data_ptr(),
            solution.source_potential.data_ptr(),
            solution.target_potential.data_ptr(),
            int(is_streamed),
            solution.measures.data_ptr(),
            solution.outcome.data_ptr(),
        )
        in_parallel(layout[:, 0] * layout[:, 1], partial(run, _Job(problems, answers, layout)))
    return solution if values.device.type == "cpu" else Solution._make(t.to(values.device) for t in solution)


def _float32(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", torch.float32).contiguous()


def problem_layout(cost: Tensor | RaggedCost) -> NDArray[np.int64]:
    """Where each problem lies: see `slot` for the columns."""
    if isinstance(cost, RaggedCost):
        m, n = cost.n_source.numpy().astype(np.int64), cost.n_target.numpy().astype(np.int64)
    else:
        m, n = (np.full(cost.shape[0], size, dtype=np.int64) for size in cost.shape[1:])
    return np.stack((m, n, _starts(m * n), n, _starts(m), _starts(n)), axis=1)


def _starts(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.cumsum(sizes) - sizes
