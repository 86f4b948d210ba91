"""The memory of one exact transport problem in progress: its costs and prices, its flow, and a search in it.

All of it is addresses and numbers; see `memory`.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from opticlir.transport.kernels.bit_sets import insert, remove
from opticlir.transport.kernels.compilation import inlined
from opticlir.transport.kernels.memory import peek, poke

OUT_OF_REACH = np.float32(5e36)
"""A forbidden cost is still above this after prices have been subtracted from it."""

FAR = np.float32(3e38)
"""Longer than any path."""


class Depot(NamedTuple):
    """Addresses of scratch memory: matrices, vectors over columns, vectors over rows, sets of rows.

    The rows of a matrix are `width` apart: n rounded up to whole vectors.
    """

    cost: int
    """`FORBIDDEN` where the column has no mass."""

    flow: int
    b: int
    """Target marginal."""

    capacity: int
    """Mass that a column still takes."""

    v: int
    """Prices of columns."""

    key: int
    """Length of the shortest path found to a column; `FAR` once it is settled."""

    settled: int
    """Length of the shortest path to a settled column, otherwise -1."""

    row_before: int
    """Row from which the shortest path enters a column."""

    numbers: int
    """0, 1, 2 and so on."""

    a: int
    """Source marginal."""

    stock: int
    """Mass that a row still has."""

    u: int
    """Prices of rows."""

    column_before: int
    """Column from which the search came to a row."""

    queue: int
    """Rows the search has reached, in order."""

    shippers: int
    """For each column the rows that ship to it, a bit set of `(m + 63) // 64` words."""

    unreached: int
    """Rows that the search has not reached, a bit set."""


def make_depot(m: int, n: int) -> tuple[Depot, NDArray[np.float32]]:
    """Scratch for problems of up to m x n: addresses, and the memory to keep alive while they are used."""
    m, n = -(-m // 16) * 16, -(-n // 16) * 16
    n_words = -(-m // 64)
    sizes = (m * n, m * n, n, n, n, n, n, n, n, m, m, m, m, m, 2 * n_words * n, 2 * n_words)
    starts = np.cumsum((0, *sizes[:-1]))
    memory = np.zeros(sum(sizes) + 16, np.float32)
    base = -(-memory.ctypes.data // 64) * 64
    depot = Depot(*(base + 4 * int(start) for start in starts))
    first = (depot.numbers - memory.ctypes.data) // 4
    memory[first : first + n] = np.arange(n)
    return depot, memory


@inlined
def ship(depot: Depot, i: int, j: int, mass: float, m: int, n: int) -> None:
    """Ship more, or less, from row i to column j, and note whether it still ships there."""
    at = i * (((n + 7) >> 3) * 8) + j
    flow = peek(depot.flow, at) + mass
    poke(depot.flow, at, flow)
    first = j * ((m + 63) >> 6)
    if flow > 0:
        insert(depot.shippers, first, i)
    else:
        remove(depot.shippers, first, i)
