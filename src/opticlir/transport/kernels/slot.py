"""What the scaling kernels pass around: problems, settings, answers, and the memory of one in progress.

All of it is addresses and numbers; see `memory`.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from opticlir.transport.kernels.compilation import inlined
from opticlir.transport.kernels.memory import peek, peek_integer, poke, poke_integer

SOLVED, NO_MASS, UNREACHABLE, BAD_MARGINAL, BAD_COST, OVERFLOWN = range(6)
"""What became of a problem. UNREACHABLE: a token with mass has no way to go. BAD: a NaN, a negative mass or
an infinity other than the plus that forbids a way. OVERFLOWN: its plan is past what float32 holds."""

N_ROWS, N_COLUMNS, OFFSET, STRIDE, SOURCE, TARGET = range(6)
"""Columns of `Problems.layout`: rows, columns, where the cost begins and its row stride, where the
problem's source and target vectors begin."""

PROBLEM, DONE, PHASE, M, N = range(6, 11)
"""Further entries of `Slot.state`: the problem's number, its iterations done, what to do next, and its rows
and columns up to the last that carries mass."""

VACANT, LINEAR, LOGARITHMIC, BURST, ENDED = range(5)
"""Phases: no problem; iterating in the linear or the log domain; to be begun anew in the log domain; to be
written out."""


class Problems(NamedTuple):
    """Addresses of problems that lie one after the other, padded or ragged. All float32 but `layout`."""

    cost: int
    source_marginal: int
    target_marginal: int
    start: int
    """Target potentials to start from, laid out like `target_marginal`; 0 for none."""

    layout: int
    """(problems, 6) int64: see the column numbers above."""


class Settings(NamedTuple):
    """What to do with every problem."""

    epsilon: float
    epsilon_start: float
    """Where epsilon scaling begins; equal to `epsilon` for none."""

    decay: float
    """Factor from one epsilon to the next, between 0 and 1."""

    tolerance: float
    max_iterations: int
    is_proximal: int
    """1: take proximal point steps of strength `epsilon` instead."""

    power: float
    """1, or penalty / (penalty + epsilon) where marginals are only asked for at a price."""


class Answers(NamedTuple):
    """Addresses to write to. The first three are float32, laid out like the problems."""

    plan: int
    """0 when only potentials are wanted."""

    source_potential: int
    target_potential: int
    is_streamed: int
    """1: write the plan past the caches, because it is larger than they are. Its address and all offsets
    and row strides must be multiples of 32 bytes then."""

    measures: int
    """(problems, 4) float32: value, marginal error, duality gap, and how much mass the last iteration that
    was looked at moved."""

    outcome: int
    """(problems, 2) int64: status, iterations."""


class Solution(NamedTuple):
    """What a kernel has written, as tensors on the device of the cost, laid out like what was given."""

    plan: Tensor
    source_potential: Tensor
    target_potential: Tensor
    measures: Tensor
    """(problems, 4) float32: see `Answers`."""

    outcome: Tensor
    """(problems, 2) int64: status, iterations."""


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

    epsilon: int
    """The epsilon in force, how many times the cost K holds, the over-relaxation, the last change."""

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


@inlined
def get(slot: Slot, field: int) -> int:
    """Entry of a slot's state."""
    return peek_integer(slot.state, field)


@inlined
def put(slot: Slot, field: int, value: int) -> None:
    """Set an entry of a slot's state."""
    poke_integer(slot.state, field, value)


@inlined
def epsilon_of(slot: Slot) -> np.float32:
    """The epsilon in force."""
    return peek(slot.epsilon, 0)


@inlined
def times_of(slot: Slot) -> np.float32:
    """How many times the cost K holds: the proximal steps taken, otherwise 1."""
    return peek(slot.epsilon, 1)


@inlined
def omega_of(slot: Slot) -> np.float32:
    """How far an update goes: 1 all the way, more beyond."""
    return peek(slot.epsilon, 2)


@inlined
def change_of(slot: Slot) -> np.float32:
    """Mass that the last iteration that was looked at moved; infinite before the first look."""
    return peek(slot.epsilon, 3)


@inlined
def set_epsilon(slot: Slot, epsilon: np.float32, times: np.float32) -> None:
    """Set both."""
    poke(slot.epsilon, 0, epsilon)
    poke(slot.epsilon, 1, times)


@inlined
def set_pace(slot: Slot, omega: np.float32, change: np.float32) -> None:
    """Set both."""
    poke(slot.epsilon, 2, omega)
    poke(slot.epsilon, 3, change)
