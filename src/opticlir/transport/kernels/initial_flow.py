"""Take an exact transport problem in: its mass, its costs, the first prices, and the flow that these make free.

Legend: C cost; u, v prices of rows and columns; a, b marginals; m, n rows and columns; `width` as in `Depot`.
"""

import numpy as np

from opticlir.transport.kernels.compilation import compiled
from opticlir.transport.kernels.depot import FAR, OUT_OF_REACH, Depot, ship
from opticlir.transport.kernels.lanes import (
    choose_less,
    choose_positive,
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
from opticlir.transport.kernels.memory import load, load_first, peek, poke, store
from opticlir.transport.kernels.problems import BAD_COST, SOLVED, UNREACHABLE

_ZERO, _ONE = np.float32(0), np.float32(1)


@compiled
def take_marginal(marginal: int, offset: int, size: int, into: int, stock: int) -> int:
    """Copy a marginal, and once more as what is left of it to ship. Returns the status."""
    status = copy_marginal(marginal, offset, size, into)
    for start in range(0, size, 8):
        store(stock, start, load(into, start))
    return status


@compiled
def take_costs(depot: Depot, cost: int, offset: int, stride: int, m: int, n: int) -> int:
    """Copy the costs; u is the least cost of each row, v the least of C - u of each column with mass."""
    forbidden, zero, one = splat(FORBIDDEN), splat(_ZERO), splat(_ONE)
    width = ((n + 7) >> 3) * 8
    sick = zero
    for j in range(0, n, 8):
        store(depot.v, j, forbidden)
    for i in range(m):
        least, has_mass = forbidden, splat(peek(depot.a, i))
        for j in range(0, n, 8):
            c, b = load_first(cost, offset + i * stride + j, n - j), load(depot.b, j)
            # neither a NaN nor minus infinity passes this test
            bad = keep_positive(choose_positive(c + forbidden, zero, one), b)
            sick = sick + keep_positive(bad, has_mass)
            c = choose_positive(b, maximum(minimum(c, forbidden), splat(-FORBIDDEN)), forbidden)
            store(depot.cost, i * width + j, c)
            store(depot.flow, i * width + j, zero)
            least = minimum(c, least)
        poke(depot.u, i, smallest(least))
        if peek(depot.a, i) > 0:
            for j in range(0, n, 8):
                c = load(depot.cost, i * width + j)
                store(depot.v, j, minimum(c - splat(peek(depot.u, i)), load(depot.v, j)))
    if total(sick) > 0:
        return BAD_COST
    worst = splat(_ZERO)
    for i in range(0, m, 8):
        worst = maximum(keep_positive(load(depot.u, i), load(depot.a, i)), worst)
    for j in range(0, n, 8):
        b, v = load(depot.b, j), load(depot.v, j)
        worst = maximum(keep_positive(v, b), worst)
        # no search must come to a column without mass, nor to the lanes past the last column
        store(depot.v, j, choose_positive(b, v, splat(-FORBIDDEN)))
    return UNREACHABLE if largest(worst) > OUT_OF_REACH else SOLVED


@compiled
def ship_for_free(depot: Depot, m: int, n: int, dust: float) -> None:
    """Ship what ways of reduced cost 0 take, row by row."""
    width = ((n + 7) >> 3) * 8
    zero, far = splat(_ZERO), splat(FAR)
    for i in range(m):
        while peek(depot.stock, i) > dust:
            u = splat(peek(depot.u, i))
            first = far
            for j in range(0, n, 8):
                reduced = load(depot.cost, i * width + j) - u - load(depot.v, j)
                index = choose_less(splat(dust), load(depot.capacity, j), load(depot.numbers, j), far)
                first = minimum(choose_less(zero, reduced, far, index), first)
            if smallest(first) >= FAR:
                break
            j = int(smallest(first))
            mass = min(peek(depot.stock, i), peek(depot.capacity, j))
            poke(depot.stock, i, peek(depot.stock, i) - mass)
            poke(depot.capacity, j, peek(depot.capacity, j) - mass)
            ship(depot, i, j, mass, m, n)
