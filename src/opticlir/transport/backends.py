"""Which form of a solver runs: compiled for the processor, for an accelerator, or plain torch."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from opticlir.transport.plan import TransportPlan
from opticlir.transport.problem import Problem, check_shapes, prepare, refuse, transport_value
from opticlir.transport.ragged import RaggedCost, pad

Backend = Literal["auto", "numba", "torch", "triton"]
"""Names of the forms. All give the same answer to float32 rounding; plain torch is the one to read.

`auto` takes `numba` on the CPU and `triton` on CUDA devices that have it. Plain torch does the rest, float64
above all.
"""


def solve(
    cost: Tensor | RaggedCost,
    vectors: tuple[Tensor, Tensor, Tensor | None],
    *,
    compiled: Callable[[str], TransportPlan],
    plain: Callable[[Problem], TransportPlan],
    backend: Backend,
) -> TransportPlan:
    """Run one form of a solver and bring its answer into the caller's form.

    Args:
        cost: padded or ragged.
        vectors: marginals of source and target, and the start or None, laid out like the cost.
        compiled: solves with the kernels of the backend it is given.
        plain: the reference form, on padded problems made safe.
        backend: see `Backend`.

    Raises:
        ValueError: the shapes do not fit, or the backend cannot take these tensors.
    """
    check_shapes(cost, *vectors)
    values = cost.values if isinstance(cost, RaggedCost) else cost
    with torch.no_grad(), torch.autocast(values.device.type, enabled=False):
        chosen = _choose(values, backend)
        if chosen != "torch":
            answer = compiled(chosen)
        elif isinstance(cost, RaggedCost):
            answer = _flatten(plain(prepare(*_padded(cost, vectors))), cost)
        else:
            answer = plain(prepare(cost, *vectors))
    value = answer.value
    if torch.is_grad_enabled() and values.requires_grad:
        value = _differentiable_value(answer.plan, cost)
    return replace(answer, plan=answer.plan.to(values.dtype), value=value)


def raise_first(statuses: Tensor, bad_marginal: int, bad_cost: int) -> None:
    """Raise about the first problem whose status says that its numbers make no sense."""
    for status in (bad_marginal, bad_cost):
        if (bad := statuses == status).any():
            raise refuse(int(bad.nonzero()[0]), is_cost=status == bad_cost)


def _choose(values: Tensor, backend: Backend) -> Backend:
    kind = values.device.type
    fitting: Backend = "torch"
    if values.dtype != torch.float64 and kind == "cpu":
        fitting = "numba"
    elif values.dtype != torch.float64 and kind == "cuda" and _has_triton():
        fitting = "triton"
    if backend not in ("auto", "torch", fitting):
        raise ValueError(
            f"backend is {backend!r} but cost is {values.dtype} on {kind}: expected 'auto', 'torch'"
            + ("" if fitting == "torch" else f" or {fitting!r}")
        )
    return fitting if backend == "auto" else backend


def _has_triton() -> bool:
    try:
        import triton  # noqa: F401, PLC0415  # never on a machine without CUDA
    except ImportError:
        return False
    return True


def _padded(
    cost: RaggedCost, vectors: tuple[Tensor, Tensor, Tensor | None]
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    source, target, start = vectors
    return (
        pad(cost.values, cost.mask),
        pad(source, cost.source_mask),
        pad(target, cost.target_mask),
        None if start is None else pad(start, cost.target_mask),
    )


def _flatten(answer: TransportPlan, cost: RaggedCost) -> TransportPlan:
    return replace(
        answer,
        plan=answer.plan[cost.mask],
        source_potential=answer.source_potential[cost.source_mask],
        target_potential=answer.target_potential[cost.target_mask],
    )


def _differentiable_value(plan: Tensor, cost: Tensor | RaggedCost) -> Tensor:
    """The value once more, with the plan as its gradient."""
    if not isinstance(cost, RaggedCost):
        return transport_value(plan, cost)
    entries = plan * cost.values.to(plan.dtype).masked_fill(plan == 0, 0.0)
    problem = torch.repeat_interleave(torch.arange(len(cost.n_source)), cost.n_source * cost.n_target)
    return entries.new_zeros(len(cost.n_source)).index_add(0, problem.to(entries.device), entries)
