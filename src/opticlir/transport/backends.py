"""Chooses the form of a solver: compiled for the processor, or plain torch."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from opticlir.transport.plan import TransportPlan
from opticlir.transport.problem import transport_value

Backend = Literal["auto", "numba", "torch"]
"""Names of the forms. Both give the same answer to float32 rounding; plain torch is the easy one to read.

`auto` takes `numba` for float32 and half precision on the CPU, unless `backend_for` says that compiling does not pay.
Plain torch does the rest: float64 and accelerators.
"""

BREAK_EVEN = 440
"""From this number of batches on, compiled solvers save more time than a fresh installation needs to compile them
(docs/performance.md)."""

_compiling_pays: ContextVar[bool] = ContextVar("compiling_pays", default=True)


@contextmanager
def backend_for(n_batches: int) -> Iterator[None]:
    """Choose the form of `auto` for a piece of work, while the block runs.

    The choice depends on the number alone, not on what was compiled before. So a training that resumes, or runs
    again, computes the same plans to the bit.

    Args:
        n_batches: batches of problems that will be solved.
    """
    token = _compiling_pays.set(n_batches >= BREAK_EVEN)
    try:
        yield
    finally:
        _compiling_pays.reset(token)


def is_compiled(cost: Tensor, backend: str) -> bool:
    """Whether the compiled form runs. Raises ValueError if it is requested but cannot take this cost."""
    fits = cost.dtype != torch.float64 and cost.device.type == "cpu"
    if backend not in ("auto", "torch", *(["numba"] if fits else [])):
        raise ValueError(
            f"backend is {backend!r} but cost is {cost.dtype} on {cost.device.type}: expected 'auto', 'torch'"
            + (" or 'numba'" if fits else "")
        )
    return fits and (backend == "numba" or (backend == "auto" and _compiling_pays.get()))


@contextmanager
def solving(cost: Tensor) -> Iterator[None]:
    """Solve in full precision, and record no gradients."""
    with torch.no_grad(), torch.autocast(cost.device.type, enabled=False):
        yield


def finish(answer: TransportPlan, cost: Tensor) -> TransportPlan:
    """Convert a solution to the dtype of the cost. If the cost has a gradient, the value gets one."""
    m, n = cost.shape[1:]
    plan, value = answer.plan[:, :m, :n], answer.value
    if cost.requires_grad and torch.is_grad_enabled():
        value = transport_value(plan, cost)
    return replace(
        answer,
        plan=plan.to(cost.dtype),
        source_potential=answer.source_potential[:, :m],
        target_potential=answer.target_potential[:, :n],
        value=value,
    )
