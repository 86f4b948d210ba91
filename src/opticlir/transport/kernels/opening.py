"""Take a transport problem in: its marginals, whether it has an answer, and where to start from.

Legend: C cost; a, b marginals; v scaling; f, g potentials; m, n rows and columns.
"""

import numpy as np

from opticlir.transport.kernels.blocks import smallest_of_each
from opticlir.transport.kernels.compilation import compiled
from opticlir.transport.kernels.diagonals import bounded, exponentiate, read_tile, smallest_difference
from opticlir.transport.kernels.lanes import (
    LOG2_E,
    choose_positive,
    exp2,
    fma,
    keep_positive,
    largest,
    maximum,
    minimum,
    smallest,
    splat,
    total,
)
from opticlir.transport.kernels.limits import FORBIDDEN
from opticlir.transport.kernels.marginals import copy_marginal
from opticlir.transport.kernels.memory import load, load_first, peek, peek_integer, poke, store
from opticlir.transport.kernels.problems import (
    BAD_COST,
    N_COLUMNS,
    N_ROWS,
    OFFSET,
    SOLVED,
    SOURCE,
    STRIDE,
    TARGET,
    UNREACHABLE,
    Problems,
    Settings,
)
from opticlir.transport.kernels.slot import (
    CHANGE,
    DONE,
    EPSILON,
    OMEGA,
    PROBLEM,
    TIMES,
    M,
    N,
    Slot,
    get,
    number,
    put,
    set_number,
)

_ABSENT = np.float32(-3e38)
"""Potential of a token without mass."""

_ZERO, _ONE, _INFINITE = np.float32(0), np.float32(1), np.float32(np.inf)


@compiled
def begin_problem(slot: Slot, problems: Problems, settings: Settings, problem: int) -> int:
    """Put a problem into a slot, with no iteration done. Returns what became of it."""
    for field in range(6):
        put(slot, field, peek_integer(problems.layout, 6 * problem + field))
    put(slot, PROBLEM, problem)
    put(slot, DONE, 0)
    set_number(slot, EPSILON, np.float32(settings.epsilon_start))
    set_number(slot, TIMES, _ONE)
    set_number(slot, OMEGA, _ONE)
    set_number(slot, CHANGE, _INFINITE)
    return _open(slot, problems, settings.epsilon_start, settings.is_proximal)


@compiled
def compute_kernel(slot: Slot, cost: int) -> None:
    """Set K = exp((f + g - C) / epsilon), with as many times C as there were proximal steps."""
    where = (get(slot, M), get(slot, N), get(slot, OFFSET), get(slot, STRIDE))
    exponentiate(
        cost, where, (slot.f, slot.g), (slot.rows, slot.columns), number(slot, EPSILON), number(slot, TIMES)
    )


@compiled
def _open(slot: Slot, problems: Problems, epsilon: float, is_proximal: int) -> int:
    """Fill the slot's vectors for the problem its state names. Returns what became of it.

    f and g become the largest potentials with which no entry of C - f - g is negative. So the largest entry of
    K is 1 in each row and column, and no product with K can vanish. Where there is no mass they are -3e38.
    This makes K vanish there, and leaves these tokens out of every minimum.
    """
    target = get(slot, TARGET)
    status = max(
        copy_marginal(problems.source_marginal, get(slot, SOURCE), get(slot, N_ROWS), slot.a),
        copy_marginal(problems.target_marginal, target, get(slot, N_COLUMNS), slot.b),
    )
    if status != SOLVED:
        return status
    put(slot, M, _count(slot.a, get(slot, N_ROWS)))
    put(slot, N, _count(slot.b, get(slot, N_COLUMNS)))
    n = get(slot, N)
    is_warm = problems.start != 0
    for j in range(0, n, 8):
        g = load_first(problems.start, target + j, n - j) if is_warm else splat(_ZERO)
        store(slot.g, j, choose_positive(load(slot.b, j), g, splat(_ABSENT)))
    if not _reduce_rows(slot, problems.cost):
        status = _examine(slot, problems.cost)
        if status != SOLVED:
            return status
    status = _reduce_columns(slot, problems.cost)
    for j in range(0, n, 8):
        b = load(slot.b, j)
        v = keep_positive(splat(_ONE), b) if is_warm else b
        if is_proximal == 0:
            # the iteration starts from the potentials it was given, or 0, not from the reduced ones
            v = v * exp2(load(slot.v, j) * splat(np.float32(-LOG2_E / epsilon)))
        store(slot.v, j, v)
    return status


@compiled
def _count(marginal: int, size: int) -> int:
    """Tokens up to the last with mass: padding at the end costs nothing."""
    while peek(marginal, size - 1) == 0:
        size -= 1
    return size


@compiled
def _reduce_rows(slot: Slot, cost: int) -> bool:
    """Set f = the least of C - g in each row. Returns whether every cost is finite; f is right only then."""
    m, n, stride = get(slot, M), get(slot, N), get(slot, STRIDE)
    far, zero = splat(FORBIDDEN), splat(_ZERO)
    excess = zero
    for i in range(0, m, 8):
        r0, r1, r2, r3, r4, r5, r6, r7 = far, far, far, far, far, far, far, far
        for j in range(0, n, 8):
            c = read_tile(cost, get(slot, OFFSET) + i * stride + j, stride, m - i, n - j)
            g = load(slot.g, j)
            r0, r1 = minimum(c[0] - g, r0), minimum(c[1] - g, r1)
            r2, r3 = minimum(c[2] - g, r2), minimum(c[3] - g, r3)
            r4, r5 = minimum(c[4] - g, r4), minimum(c[5] - g, r5)
            r6, r7 = minimum(c[6] - g, r6), minimum(c[7] - g, r7)
            # 0 times a NaN or an infinity is NaN
            excess = fma(c[0], zero, fma(c[1], zero, fma(c[2], zero, fma(c[3], zero, excess))))
            excess = fma(c[4], zero, fma(c[5], zero, fma(c[6], zero, fma(c[7], zero, excess))))
        least = smallest_of_each((r0, r1, r2, r3, r4, r5, r6, r7))
        store(slot.f, i, choose_positive(load(slot.a, i), least, splat(_ABSENT)))
    return total(excess) <= 0


@compiled
def _examine(slot: Slot, cost: int) -> int:
    """Reduce rows where costs may be NaN or infinite, among tokens with mass or elsewhere."""
    n, stride = get(slot, N), get(slot, STRIDE)
    zero, one, forbidden = splat(_ZERO), splat(_ONE), splat(FORBIDDEN)
    status, sick = SOLVED, zero
    for i in range(get(slot, M)):
        if peek(slot.a, i) > 0:
            least = forbidden
            for j in range(0, n, 8):
                c, b = load_first(cost, get(slot, OFFSET) + i * stride + j, n - j), load(slot.b, j)
                least = minimum(choose_positive(b, c - load(slot.g, j), forbidden), least)
                # neither a NaN nor minus infinity passes this test
                sick = sick + keep_positive(choose_positive(c + forbidden, zero, one), b)
            poke(slot.f, i, smallest(least))
            if smallest(least) >= FORBIDDEN:
                status = UNREACHABLE
    return BAD_COST if total(sick) > 0 else status


@compiled
def _reduce_columns(slot: Slot, cost: int) -> int:
    """Set v = the least of C - f - g in each column and add it to g. Finds the ways that are missing."""
    m, n, stride = get(slot, M), get(slot, N), get(slot, STRIDE)
    worst = splat(_ZERO)
    for i in range(0, m, 8):
        worst = maximum(load(slot.f, i), worst)
    for j in range(0, n, 8):
        least = splat(FORBIDDEN)
        for i in range(0, m, 8):
            c = read_tile(cost, get(slot, OFFSET) + i * stride + j, stride, m - i, n - j)
            least = minimum(smallest_difference(bounded(c), slot.f, i), least)
        b, g = load(slot.b, j), load(slot.g, j)
        worst = maximum(keep_positive(least, b), worst)
        slack = keep_positive(least - g, b)
        store(slot.v, j, slack)
        store(slot.g, j, g + slack)
    return UNREACHABLE if largest(worst) >= FORBIDDEN else SOLVED
