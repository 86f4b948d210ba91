"""Write the answer of an exact transport problem: plan, prices, and the measures that certify them.

Legend: a, b marginals; u, v prices of rows and columns; m, n rows and columns; `width` as in `Depot`.
"""

import numpy as np

from opticlir.transport.kernels.compilation import compiled
from opticlir.transport.kernels.depot import FAR, Depot
from opticlir.transport.kernels.lanes import absolute, fma, keep_positive, minimum, splat, total
from opticlir.transport.kernels.memory import load, peek, peek_integer, poke, store, store_first
from opticlir.transport.kernels.problems import (
    N_COLUMNS,
    N_ROWS,
    OFFSET,
    SOURCE,
    STRIDE,
    TARGET,
    Answers,
    Problems,
)

_ZERO = np.float32(0)


@compiled
def write_answer(depot: Depot, problems: Problems, answers: Answers, problem: int) -> None:
    """Write plan, prices and measures. The key vector holds sums over columns, v what the prices prove."""
    row = 6 * problem
    m, n = peek_integer(problems.layout, row + N_ROWS), peek_integer(problems.layout, row + N_COLUMNS)
    source, target = peek_integer(problems.layout, row + SOURCE), peek_integer(problems.layout, row + TARGET)
    offset, stride = peek_integer(problems.layout, row + OFFSET), peek_integer(problems.layout, row + STRIDE)
    width = ((n + 7) >> 3) * 8
    zero, value = splat(_ZERO), splat(_ZERO)
    bound = error = _ZERO
    for j in range(0, n, 8):
        store(depot.key, j, zero)
        store(depot.v, j, splat(FAR))
    for i in range(m):
        a, u, mass = peek(depot.a, i), splat(peek(depot.u, i)), zero
        for j in range(0, n, 8):
            flow, c = load(depot.flow, i * width + j), load(depot.cost, i * width + j)
            if answers.plan != 0:
                store_first(answers.plan, offset + i * stride + j, n - j, flow)
            value, mass = fma(flow, c, value), mass + flow
            store(depot.key, j, load(depot.key, j) + flow)
            if a > 0:
                # prices are right to rounding; the bound uses none that is too high
                store(depot.v, j, minimum(c - u, load(depot.v, j)))
        price = peek(depot.u, i) if a > 0 else _ZERO
        poke(answers.source_potential, source + i, price)
        bound += a * price
        error += abs(total(mass) - a)
    for j in range(0, n, 8):
        b = load(depot.b, j)
        v = keep_positive(load(depot.v, j), b)
        store_first(answers.target_potential, target + j, n - j, v)
        bound += total(b * v)
        error += total(absolute(load(depot.key, j) - b))
    _write_measures(answers, problem, total(value), error, total(value) - bound)


@compiled
def _write_measures(answers: Answers, problem: int, value: float, error: float, gap: float) -> None:
    poke(answers.measures, 4 * problem, value)
    poke(answers.measures, 4 * problem + 1, error)
    poke(answers.measures, 4 * problem + 2, gap)
    poke(answers.measures, 4 * problem + 3, _ZERO)


@compiled
def refuse(problems: Problems, answers: Answers, problem: int) -> None:
    """Answer a problem that has none: plan 0, error and gap infinite."""
    row = 6 * problem
    m, n = peek_integer(problems.layout, row + N_ROWS), peek_integer(problems.layout, row + N_COLUMNS)
    source, target = peek_integer(problems.layout, row + SOURCE), peek_integer(problems.layout, row + TARGET)
    offset, stride = peek_integer(problems.layout, row + OFFSET), peek_integer(problems.layout, row + STRIDE)
    for i in range(m):
        poke(answers.source_potential, source + i, _ZERO)
        for j in range(n):
            if answers.plan != 0:
                poke(answers.plan, offset + i * stride + j, _ZERO)
    for j in range(n):
        poke(answers.target_potential, target + j, _ZERO)
    _write_measures(answers, problem, _ZERO, np.float32(np.inf), np.float32(np.inf))
