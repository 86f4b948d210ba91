"""What goes into the kernels and what comes out: addresses and numbers; see `memory`. Imports no compiler."""

from typing import NamedTuple

from torch import Tensor

SOLVED, NO_MASS, UNREACHABLE, BAD_MARGINAL, BAD_COST, OVERFLOWN, OUT_OF_RANGE = range(7)
"""What became of a problem. UNREACHABLE: a token with mass has no way to go. BAD: a NaN, a negative mass or
an infinity other than the plus that forbids a way. OVERFLOWN: its plan is past what float32 holds. OUT_OF_RANGE: the
linear domain cannot hold it; another kernel solves it in the log domain."""

N_ROWS, N_COLUMNS, OFFSET, STRIDE, SOURCE, TARGET = range(6)
"""Columns of `Problems.layout`: rows, columns, where the cost begins and its row stride, where the
problem's source and target vectors begin."""


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
