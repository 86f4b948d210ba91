"""Write a problem's answer: plan, potentials, and the measures that certify them, in one pass.

Legend: C cost; a, b marginals; u, v scalings; f, g potentials; I, J a block's row and column.
"""

import numpy as np

from opticlir.transport.kernels.blocks import rotations, unskew
from opticlir.transport.kernels.compilation import compiled
from opticlir.transport.kernels.diagonals import (
    bounded,
    load_diagonals,
    place,
    read_tile,
    smallest_difference,
    store_diagonals,
)
from opticlir.transport.kernels.lanes import absolute, fma, keep_positive, log, minimum, splat, total
from opticlir.transport.kernels.memory import load, poke, poke_integer, store, store_first, stream
from opticlir.transport.kernels.problems import (
    N_COLUMNS,
    N_ROWS,
    OFFSET,
    OVERFLOWN,
    SOURCE,
    STRIDE,
    TARGET,
    Answers,
)
from opticlir.transport.kernels.slot import CHANGE, DONE, EPSILON, PROBLEM, TIMES, M, N, Slot, get, number

_ZERO, _ONE = np.float32(0), np.float32(1)
_FAR, _INFINITE = np.float32(3e38), np.float32(np.inf)


@compiled
def refuse_problem(slot: Slot, answers: Answers, status: int) -> None:
    """Answer a problem that has none: plan 0, error and gap infinite."""
    m, n = get(slot, N_ROWS), get(slot, N_COLUMNS)
    if answers.plan != 0:
        for i in range(m):
            _clear(answers.plan, get(slot, OFFSET) + i * get(slot, STRIDE), 0, n)
    _clear(answers.source_potential, get(slot, SOURCE), 0, m)
    _clear(answers.target_potential, get(slot, TARGET), 0, n)
    _write_measures(slot, answers, _ZERO, _INFINITE, _INFINITE)
    _write_outcome(slot, answers, status, 0)


@compiled
def _clear(address: int, offset: int, first: int, last: int) -> None:
    for start in range(first, last, 8):
        store_first(address, offset + start, last - start, splat(_ZERO))


@compiled
def _write_measures(slot: Slot, answers: Answers, value: float, error: float, gap: float) -> None:
    row = 4 * get(slot, PROBLEM)
    poke(answers.measures, row, value)
    poke(answers.measures, row + 1, error)
    poke(answers.measures, row + 2, gap)
    poke(answers.measures, row + 3, number(slot, CHANGE))


@compiled
def _write_outcome(slot: Slot, answers: Answers, status: int, n_iterations: int) -> None:
    poke_integer(answers.outcome, 2 * get(slot, PROBLEM), status)
    poke_integer(answers.outcome, 2 * get(slot, PROBLEM) + 1, n_iterations)


@compiled
def close_problem(slot: Slot, cost: int, answers: Answers, status: int) -> None:
    """Write the plan diag(u) K diag(v) with its potentials and measures."""
    bound = _write_source_potential(slot, answers.source_potential)
    _write_target_potential(slot, answers.target_potential)
    for i in range(0, get(slot, M), 8):
        store(slot.u_old, i, splat(_ZERO))  # sums over rows from here on
    value = error = _ZERO
    for J in range((get(slot, N) + 7) >> 3):
        column_value, column_error, column_bound = _close_columns(slot, cost, J)
        value += column_value
        error += column_error
        bound += column_bound
    for i in range(0, get(slot, M), 8):
        error += total(absolute(load(slot.u_old, i) - load(slot.a, i)))
    if not (abs(value) < _INFINITE and error < _INFINITE):
        refuse_problem(slot, answers, OVERFLOWN)
        return
    if answers.plan != 0:
        _write_plan(slot, answers)
    gap = value - bound
    _write_measures(slot, answers, value, error, gap if abs(gap) < _INFINITE else _INFINITE)
    _write_outcome(slot, answers, status, get(slot, DONE))


@compiled
def _write_source_potential(slot: Slot, potential: int) -> float:
    """Write f + epsilon log u per unit of cost, and keep it in f. Returns its part in the dual value."""
    m, start = get(slot, M), get(slot, SOURCE)
    epsilon, scale = splat(number(slot, EPSILON)), splat(_ONE / number(slot, TIMES))
    bound = splat(_ZERO)
    for i in range(0, m, 8):
        a = load(slot.a, i)
        f = fma(log(load(slot.u, i)), epsilon, load(slot.f, i)) * scale
        store(slot.f, i, f)  # still far below 0 without mass: out of every minimum
        f = keep_positive(f, a)
        store_first(potential, start + i, m - i, f)
        bound = fma(a, f, bound)
    _clear(potential, start, m, get(slot, N_ROWS))
    return total(bound)


@compiled
def _write_target_potential(slot: Slot, potential: int) -> None:
    n, start = get(slot, N), get(slot, TARGET)
    epsilon, scale = splat(number(slot, EPSILON)), splat(_ONE / number(slot, TIMES))
    for j in range(0, n, 8):
        g = fma(log(load(slot.v, j)), epsilon, load(slot.g, j)) * scale
        store_first(potential, start + j, n - j, keep_positive(g, load(slot.b, j)))
    _clear(potential, start, n, get(slot, N_COLUMNS))


@compiled
def _write_plan(slot: Slot, answers: Answers) -> None:
    """Copy the plan from where its columns were computed to where it is wanted, row by row."""
    n, n_columns = get(slot, N), get(slot, N_COLUMNS)
    width = ((n + 7) >> 3) * 8
    for i in range(get(slot, N_ROWS)):
        offset = get(slot, OFFSET) + i * get(slot, STRIDE)
        if i >= get(slot, M):
            _clear(answers.plan, offset, 0, n_columns)
        elif answers.is_streamed:
            for j in range(0, width, 8):
                stream(answers.plan, offset + j, load(slot.columns, i * width + j))
            _clear(answers.plan, offset, width, n_columns)
        else:
            for j in range(0, width, 8):
                store_first(answers.plan, offset + j, n_columns - j, load(slot.columns, i * width + j))
            _clear(answers.plan, offset, width, n_columns)


@compiled
def _close_columns(slot: Slot, cost: int, J: int) -> tuple[float, float, float]:
    """Compute eight columns of the plan; their value, misplaced mass and part in the dual value."""
    m, n, stride = get(slot, M), get(slot, N), get(slot, STRIDE)
    n_rows, width = (m + 7) >> 3, ((n + 7) >> 3) * 8
    v = rotations(load(slot.v, 8 * J))
    zero = splat(_ZERO)
    value, mass, least = zero, zero, splat(_FAR)
    for I in range(n_rows):  # noqa: E741
        start, step = place(I, n_rows, width >> 3)
        u, k = load(slot.u, 8 * I), load_diagonals(slot.rows, start + J * step * 8, step)
        p = (
            u * k[0] * v[0],
            u * k[1] * v[1],
            u * k[2] * v[2],
            u * k[3] * v[3],
            u * k[4] * v[4],
            u * k[5] * v[5],
            u * k[6] * v[6],
            u * k[7] * v[7],
        )
        row_sums = ((p[0] + p[1]) + (p[2] + p[3])) + ((p[4] + p[5]) + (p[6] + p[7]))
        store(slot.u_old, 8 * I, load(slot.u_old, 8 * I) + row_sums)
        offset = get(slot, OFFSET) + 8 * I * stride + 8 * J
        c = bounded(read_tile(cost, offset, stride, m - 8 * I, n - 8 * J))
        r, f = unskew(p), slot.f
        store_diagonals(slot.columns, 8 * I * width + 8 * J, width, r)
        mass = mass + (((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7])))
        even = fma(r[0], c[0], fma(r[2], c[2], value))
        even = fma(r[4], c[4], fma(r[6], c[6], even))
        odd = fma(r[1], c[1], r[3] * c[3])
        odd = fma(r[5], c[5], fma(r[7], c[7], odd))
        value = even + odd
        least = minimum(smallest_difference(c, f, 8 * I), least)
    b = load(slot.b, 8 * J)
    return total(value), total(absolute(mass - b)), total(b * keep_positive(least, b))
