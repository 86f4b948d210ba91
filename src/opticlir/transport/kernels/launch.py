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
from opticlir.transport.kernels.iterations import iterate_problems
from opticlir.transport.kernels.logarithmic import rescue_problems
from opticlir.transport.kernels.problems import OUT_OF_RANGE, Answers, Problems, Settings, Solution
from opticlir.transport.kernels.proximal_steps import step_problems
from opticlir.transport.kernels.slot import make_slot
from opticlir.transport.kernels.threads import in_parallel

_LARGER_THAN_CACHES = 8 * 2**20
"""Bytes of plans from which on they are written past the caches."""


def scale(
    cost: Tensor, source_marginal: Tensor, target_marginal: Tensor, start: Tensor | None, settings: Settings
) -> Solution:
    """Run a scaling kernel on problems whose shapes have been checked."""
    solve = step_problems if settings.is_proximal else iterate_problems

    def run(job: _Job, first: int, last: int) -> None:
        left, left_memory = make_slot(*job.size, proximal=bool(settings.is_proximal))
        right, right_memory = make_slot(*job.size, proximal=bool(settings.is_proximal))
        solve(job.problems, job.answers, settings, first, last, left, right)
        lost = first + np.flatnonzero(job.outcome[first:last, 0] == OUT_OF_RANGE)
        if len(lost):
            rescue_problems(job.problems, job.answers, settings, lost.ctypes.data, 0, len(lost), left)
        del left_memory, right_memory  # needed until here: the kernel knows only their addresses

    return _launch(cost, source_marginal, target_marginal, start, run)


def solve_exactly(cost: Tensor, source_marginal: Tensor, target_marginal: Tensor) -> Solution:
    """Run the kernel of shortest augmenting paths on problems whose shapes have been checked."""

    def run(job: _Job, first: int, last: int) -> None:
        depot, memory = make_depot(*job.size)
        solve_flows(job.problems, job.answers, first, last, depot)
        del memory  # needed until here: the kernel knows only its addresses

    return _launch(cost, source_marginal, target_marginal, None, run)


class _Job(NamedTuple):
    """Addresses for the kernels, the size of each problem, and where the kernels write what became of it."""

    problems: Problems
    answers: Answers
    size: tuple[int, int]
    outcome: NDArray[np.int64]


def _launch(
    cost: Tensor,
    source_marginal: Tensor,
    target_marginal: Tensor,
    start: Tensor | None,
    run: Callable[[_Job, int, int], None],
) -> Solution:
    """Call `run(job, first, last)` on ranges of problems, in threads; answer on the device of the cost."""
    batch, m, n = cost.shape
    given, source, target = _float32(cost), _float32(source_marginal), _float32(target_marginal)
    initial = None if start is None else _float32(start)
    solution = Solution(
        torch.empty_like(given),
        torch.empty_like(source),
        torch.empty_like(target),
        torch.empty(batch, 4),
        torch.empty(batch, 2, dtype=torch.int64),
    )
    if batch:
        number = np.arange(batch)
        layout = np.stack(np.broadcast_arrays(m, n, number * (m * n), n, number * m, number * n), axis=1)
        is_aligned = solution.plan.data_ptr() % 32 == 0 and n % 8 == 0
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
        job = _Job(problems, answers, (m, n), solution.outcome.numpy())
        in_parallel(batch, m * n, partial(run, job))
    return solution if cost.device.type == "cpu" else Solution._make(t.to(cost.device) for t in solution)


def _float32(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", torch.float32).contiguous()
