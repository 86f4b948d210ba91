"""Inputs and outputs of the kernels: addresses and numbers; see `memory`. Imports no compiler."""

from typing import NamedTuple

from torch import Tensor

SOLVED, NO_MASS, UNREACHABLE, BAD_MARGINAL, BAD_COST, OVERFLOWN, OUT_OF_RANGE = range(7)
"""Status of a problem. UNREACHABLE: all pairs of a token with mass are forbidden. BAD: a NaN, a negative mass, or
an infinity that does not forbid a pair. OVERFLOWN: its plan exceeds float32. OUT_OF_RANGE: it exceeds the linear
domain; another kernel solves it in the log domain."""

N_ROWS, N_COLUMNS, OFFSET, STRIDE, SOURCE, TARGET = range(6)
"""Columns of `Problems.layout`: rows, columns, where the cost begins and its row stride, where the
problem's source and target vectors begin."""


class Problems(NamedTuple):
    """Addresses of consecutive problems. All are float32 except `layout`."""

    cost: int
    source_marginal: int
    target_marginal: int
    start: int
    """Target potentials to start from, laid out like `target_marginal`; 0 for none."""

    layout: int
    """(problems, 6) int64: see the column numbers above."""


class Settings(NamedTuple):
    """Settings for all problems."""

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
    """1, or penalty / (penalty + epsilon) for unbalanced transport."""


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
    """(problems, 4) float32: value, marginal error, duality gap, and how much mass the last checked
    iteration moved."""

    outcome: int
    """(problems, 2) int64: status, iterations."""


class Solution(NamedTuple):
    """Results of a kernel, as tensors on the device of the cost, in the layout of the inputs."""

    plan: Tensor
    source_potential: Tensor
    target_potential: Tensor
    measures: Tensor
    """(problems, 4) float32: see `Answers`."""

    outcome: Tensor
    """(problems, 2) int64: status, iterations."""
