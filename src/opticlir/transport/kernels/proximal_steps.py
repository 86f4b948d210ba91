"""Steps of the inexact proximal point method, IPOT (Xie, Wang, Wang and Zha, UAI 2019), for many small problems.

Legend: C cost; K kernel; u, v scalings; f, g potentials in units of cost, the part of the duals that K holds.
"""

from typing import Any

import numpy as np

from opticlir.transport.kernels.compilation import compiled, entry_point, inlined, source_fingerprint
from opticlir.transport.kernels.lanes import keep_positive, maximum, splat
from opticlir.transport.kernels.memory import load, store
from opticlir.transport.kernels.problems import Answers, Problems, Settings
from opticlir.transport.kernels.scaling import (
    CHUNK,
    begin_range,
    goes_on,
    is_busy,
    keep_in_range,
    refill,
    update_columns,
    update_rows,
)
from opticlir.transport.kernels.slot import (
    DONE,
    LINEAR,
    PHASE,
    TIMES,
    M,
    N,
    Slot,
    get,
    number,
    set_number,
)

_FLUSHED = np.float32(1e-28)
"""Entries of K below this become 0: denormal numbers cost a hundred times as much as others."""

_ONE = np.float32(1)


@inlined
def _advance(left: Slot, right: Slot, settings: Settings) -> None:
    """Take up to `CHUNK` steps of both problems."""
    on_left, on_right = get(left, PHASE) == LINEAR, get(right, PHASE) == LINEAR
    for _ in range(CHUNK):
        if on_left:
            _step(left)
        if on_right:
            _step(right)
        if on_left:
            update_rows(left, left.x)
        if on_right:
            update_rows(right, right.x)
        if on_left:
            update_columns(left)
            on_left = goes_on(left, settings)
        if on_right:
            update_columns(right)
            on_right = goes_on(right, settings)


@compiled
def _step(slot: Slot) -> None:
    """Go one proximal step on: K *= exp(-C / beta), and x = v * (v / v_old), as algorithm 1 of IPOT has it.

    The paper scales the plan itself and starts each step from the last column scaling, v / v_old here.
    """
    is_first = get(slot, DONE) == 0
    for j in range(0, get(slot, N), 8):
        v = load(slot.v, j)
        store(slot.x, j, v if is_first else v * (v / maximum(load(slot.v_old, j), splat(_FLUSHED))))
        store(slot.v_old, j, v)
    size = ((get(slot, M) + 7) >> 3) * ((get(slot, N) + 7) >> 3) * 64
    if is_first:
        _remember(slot, size)
        return
    _multiply(slot.rows, slot.row_step, size)
    _multiply(slot.columns, slot.column_step, size)
    for i in range(0, get(slot, M), 8):
        store(slot.f, i, load(slot.f, i) + load(slot.f_step, i))
    for j in range(0, get(slot, N), 8):
        store(slot.g, j, load(slot.g, j) + load(slot.g_step, j))
    set_number(slot, TIMES, number(slot, TIMES) + _ONE)


@inlined
def _multiply(matrix: int, factor: int, size: int) -> None:
    flushed = splat(_FLUSHED)
    for k in range(0, size, 8):
        product = load(matrix, k) * load(factor, k)
        store(matrix, k, keep_positive(product, product - flushed))


@compiled
def _remember(slot: Slot, size: int) -> None:
    """Keep the kernel and the potentials of the start: what each step adds."""
    for k in range(0, size, 8):
        store(slot.row_step, k, load(slot.rows, k))
        store(slot.column_step, k, load(slot.columns, k))
    for i in range(0, get(slot, M), 8):
        store(slot.f_step, i, load(slot.f, i))
    for j in range(0, get(slot, N), 8):
        store(slot.g_step, j, load(slot.g, j))


def _entry_point(fingerprint: int) -> Any:
    @entry_point
    def step_problems(
        problems: Problems,
        answers: Answers,
        settings: Settings,
        first: int,
        last: int,
        left: Slot,
        right: Slot,
    ) -> None:
        """Solve problems `first` to `last` - 1, two at a time."""
        if fingerprint < 0:  # never: it is here to be part of the key under which this is cached
            return
        begin_range(left, right)
        upcoming = refill(left, right, problems, answers, settings, first, last)
        while is_busy(left, right):
            _advance(left, right, settings)
            keep_in_range(left, problems, answers, settings)
            keep_in_range(right, problems, answers, settings)
            upcoming = refill(left, right, problems, answers, settings, upcoming, last)

    return step_problems


step_problems = _entry_point(source_fingerprint())
