"""Which form of a solver runs: compiled for the processor, for an accelerator, or plain torch."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from opticlir.transport.compiled import Vectors
from opticlir.transport.plan import TransportPlan
from opticlir.transport.problem import Problem, check_shapes, prepare, transport_value, without_tokens
from opticlir.transport.ragged import RaggedCost, pad, segment_sum

Backend = Literal["auto", "numba", "torch", "triton"]
"""Names of the forms. All give the same answer to float32 rounding; plain torch is the one to read.

`auto` takes `numba` on the CPU and `triton` on CUDA devices that have it. Plain torch does the rest, float64
above all.
"""


def solve(
    cost: Tensor | RaggedCost,
    vectors: Vectors,
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
        chosen = _choose(cost, values, backend)
        answer = solve_plainly(cost, vectors, plain) if chosen == "torch" else compiled(chosen)
    return (
        finish(answer, cost)
        if torch.is_grad_enabled()
        else replace(answer, plan=answer.plan.to(values.dtype))
    )


def solve_plainly(
    cost: Tensor | RaggedCost, vectors: Vectors, plain: Callable[[Problem], TransportPlan]
) -> TransportPlan:
    """Run a form that wants padded problems, whatever the form of the cost."""
    if not isinstance(cost, RaggedCost):
        return without_tokens(cost) if 0 in cost.shape[1:] else plain(prepare(cost, *vectors))
    source, target, start = vectors
    answer = plain(
        prepare(
            pad(cost.values, cost.mask),
            pad(source, cost.source_mask),
            pad(target, cost.target_mask),
            None if start is None else pad(start, cost.target_mask),
        )
    )
    return replace(
        answer,
        plan=answer.plan[cost.mask],
        source_potential=answer.source_potential[cost.source_mask],
        target_potential=answer.target_potential[cost.target_mask],
    )


def finish(answer: TransportPlan, cost: Tensor | RaggedCost) -> TransportPlan:
    """Bring an answer to the dtype of the cost, and let the value carry a gradient if the cost does."""
    values = cost.values if isinstance(cost, RaggedCost) else cost
    value = answer.value
    if values.requires_grad and torch.is_grad_enabled():
        value = _differentiable_value(answer.plan, cost)
    return replace(answer, plan=answer.plan.to(values.dtype), value=value)


def _choose(cost: Tensor | RaggedCost, values: Tensor, backend: Backend) -> Backend:
    kind = values.device.type
    fitting: Backend = "torch"
    if values.dtype != torch.float64 and kind == "cpu":
        fitting = "numba"
    elif values.dtype != torch.float64 and kind == "cuda" and _fits_triton(cost):
        fitting = "triton"
    if backend not in ("auto", "torch", fitting):
        raise ValueError(
            f"backend is {backend!r} but cost is {values.dtype} on {kind}: expected 'auto', 'torch'"
            + ("" if fitting == "torch" else f" or {fitting!r}")
        )
    return fitting if backend == "auto" else backend


def _fits_triton(cost: Tensor | RaggedCost) -> bool:
    """Whether Triton is there and has room for the largest problem."""
    try:
        from opticlir.transport.kernels.accelerator import fits  # noqa: PLC0415  # only where CUDA is
    except ImportError:
        return False
    return fits(cost)


def _differentiable_value(plan: Tensor, cost: Tensor | RaggedCost) -> Tensor:
    """The value once more, with the plan as its gradient."""
    if not isinstance(cost, RaggedCost):
        return transport_value(plan, cost)
    entries = plan * cost.values.to(plan.dtype).masked_fill(plan == 0, 0.0)
    return segment_sum(entries, cost.n_source * cost.n_target)
