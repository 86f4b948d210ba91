"""The memory of one problem that a scaling kernel works on.

All of it is addresses and numbers; see `memory`.
"""

# ruff: noqa: ARG001 - numba calls typing functions and code generators with arguments most do not need
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from opticlir.transport.kernels import llvm

PROBLEM, DONE, PHASE, M, N = range(6, 11)
"""Further entries of `Slot.state`: the problem's number, its iterations done, what to do next, and its rows
and columns up to the last that carries mass."""

EPSILON, TIMES, OMEGA, CHANGE = range(4)
"""Entries of `Slot.numbers`. EPSILON: the current epsilon. TIMES: how many times K contains the cost, which is the
number of proximal steps, otherwise 1. OMEGA: step size of an update; 1 is a plain one, more over-relaxes. CHANGE: the
mass that the last checked iteration moved; infinite before the first check."""

VACANT, LINEAR, ENDED = range(3)
"""Phases: no problem; iterating; to be written out."""


class Slot(NamedTuple):
    """Addresses of the scratch memory of one problem in progress. Vectors are 0 past the last token."""

    rows: int
    """K as diagonals of 8 x 8 blocks, for products K v."""

    columns: int
    """K transposed, likewise, for products K' u; at the end, the plan row by row."""

    row_step: int
    """What a proximal step multiplies `rows` with; no memory without proximal steps."""

    column_step: int
    a: int
    b: int
    u: int
    v: int
    f: int
    g: int
    f_step: int
    """What a proximal step adds to `f`."""

    g_step: int
    u_old: int
    """`u` some iterations ago; at the end, sums over the plan's rows."""

    v_old: int
    x: int
    """`v` carried one proximal step ahead."""

    numbers: int
    """float32: see `EPSILON` and its like."""

    state: int
    """int64: the problem's row of `layout`, then what the names above say."""


def make_slot(m: int, n: int, *, proximal: bool) -> tuple[Slot, NDArray[np.float32]]:
    """Scratch for problems of up to m x n: addresses, and the memory to keep alive while they are used."""
    m, n = -(-m // 16) * 16, -(-n // 16) * 16  # whole cache lines
    step = m * n if proximal else 0
    sizes = (m * n, m * n, step, step, m, n, m, n, m, n, m, n, m, n, n, 16, 32)
    starts = np.cumsum((0, *sizes[:-1]))
    memory = np.zeros(sum(sizes) + 16, np.float32)
    base = -(-memory.ctypes.data // 64) * 64  # a vector that straddles two lines takes twice as long
    return Slot(*(base + 4 * int(start) for start in starts)), memory


def _entries(vector: str, numba_type: Any, kind: ir.Type) -> tuple[Any, Any]:
    """Intrinsics that read and write one entry of a vector of a slot."""
    position = Slot._fields.index(vector)

    def address(builder: Any, slot: Any, entry: Any) -> Any:
        return llvm.address_of(builder, builder.extract_value(slot, position), entry, kind)

    def read(typing_context: Any, slot: Any, entry: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.load(address(builder, *args))

        return numba_type(slot, types.intp), generate

    def write(typing_context: Any, slot: Any, entry: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            builder.store(args[2], address(builder, *args[:2]))
            return context.get_dummy_value()

        return types.void(slot, types.intp, numba_type), generate

    return intrinsic(read), intrinsic(write)


get, put = _entries("state", types.int64, ir.IntType(64))
"""Read and write an entry of a slot's state."""

number, set_number = _entries("numbers", types.float32, llvm.FLOAT)
"""Read and write one of a slot's numbers."""
