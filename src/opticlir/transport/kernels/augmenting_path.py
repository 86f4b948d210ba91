"""Ships the remaining stock of a row along shortest augmenting paths.

Each search finds the cheapest path from a row with stock to a column with capacity left. The path may pass through full
columns and the rows that ship to them. It is Dijkstra's search on reduced costs (Jonker and Volgenant 1987 for
assignments, Edmonds and Karp 1972 for flows). It moves the prices u and v so that no reduced cost becomes negative.

Legend: u, v prices of rows and columns; m, n rows and columns; `width` as in `Depot`.
"""

import numpy as np

from opticlir.transport.kernels.bit_sets import lowest_bit, remove
from opticlir.transport.kernels.compilation import compiled, inlined
from opticlir.transport.kernels.depot import FAR, OUT_OF_REACH, Depot, ship
from opticlir.transport.kernels.lanes import choose_less, largest, maximum, minimum, smallest, splat
from opticlir.transport.kernels.memory import load, peek, peek_integer, poke, poke_integer, store

_ZERO, _ONE = np.float32(0), np.float32(1)


@inlined
def _relax(depot: Depot, i: int, distance: float, n: int) -> tuple[float, int]:
    """Shorten paths to columns by going through row i. Returns the nearest open column and its distance."""
    width = ((n + 7) >> 3) * 8
    far, zero = splat(FAR), splat(_ZERO)
    base, price, row = splat(distance), splat(peek(depot.u, i)), splat(np.float32(i))
    best, best_index = far, zero
    for j in range(0, n, 8):
        key = load(depot.key, j)
        way = base + maximum(load(depot.cost, i * width + j) - price - load(depot.v, j), zero)
        way = choose_less(load(depot.settled, j), zero, way, far)  # nothing is shorter to a settled column
        store(depot.row_before, j, choose_less(way, key, row, load(depot.row_before, j)))
        key = minimum(way, key)
        store(depot.key, j, key)
        best_index = choose_less(key, best, load(depot.numbers, j), best_index)
        best = minimum(key, best)
    nearest = smallest(best)
    return nearest, int(smallest(choose_less(splat(nearest), best, far, best_index)))


@inlined
def _nearest(depot: Depot, n: int) -> tuple[float, int]:
    """The nearest open column and its distance."""
    far = splat(FAR)
    best, best_index = far, splat(_ZERO)
    for j in range(0, n, 8):
        key = load(depot.key, j)
        best_index = choose_less(key, best, load(depot.numbers, j), best_index)
        best = minimum(key, best)
    nearest = smallest(best)
    return nearest, int(smallest(choose_less(splat(nearest), best, far, best_index)))


@compiled
def search(depot: Depot, source: int, m: int, n: int, dust: float) -> bool:
    """Ship from a row along cheapest paths, and move the prices. Returns whether there was any path.

    One search serves several columns: it continues through a column that it has filled. It ends when the row has
    no stock left, or when a path used up the flow of
    one of its edges. Other paths may need that edge.
    """
    n_words = (m + 63) >> 6
    for j in range(0, n, 8):
        store(depot.key, j, splat(FAR))
        store(depot.settled, j, splat(-_ONE))
    for word in range(n_words):
        poke_integer(depot.unreached, word, np.int64(-1))
    remove(depot.unreached, 0, source)
    poke(depot.queue, 0, np.float32(source))
    n_reached, has_shipped, has_broken = 1, False, False
    distance, column = _relax(depot, source, _ZERO, n)
    while distance < OUT_OF_REACH:
        if peek(depot.capacity, column) > dust:
            has_broken = _augment(depot, source, column, m, n)
            has_shipped = True
            if has_broken or peek(depot.stock, source) <= dust:
                break
        poke(depot.settled, column, distance)
        poke(depot.key, column, FAR)
        nearest, next_column = FAR, -1
        for word in range(n_words):
            unreached = peek_integer(depot.unreached, word)
            fresh = peek_integer(depot.shippers, column * n_words + word) & unreached
            poke_integer(depot.unreached, word, unreached & ~fresh)
            while fresh != 0:
                i = word * 64 + lowest_bit(fresh)
                fresh &= fresh - 1
                poke(depot.column_before, i, np.float32(column))
                poke(depot.queue, n_reached, np.float32(i))
                n_reached += 1
                nearest, next_column = _relax(depot, i, distance, n)
        if next_column < 0:  # every row that ships here had been reached
            nearest, next_column = _nearest(depot, n)
        distance, column = nearest, next_column
    if has_shipped:
        _move_prices(depot, _furthest(depot, n, distance), n_reached, n)
    return has_shipped


@inlined
def _furthest(depot: Depot, n: int, distance: float) -> float:
    """How far the search has come: the distance it stopped at, or of the last column when it ran dry."""
    if distance < OUT_OF_REACH:
        return distance
    far = splat(_ZERO)
    for j in range(0, n, 8):
        far = maximum(load(depot.settled, j), far)
    return largest(far)


@inlined
def _move_prices(depot: Depot, distance: float, n_reached: int, n: int) -> None:
    """Make the path that was found free. No other path gets a negative cost."""
    for position in range(n_reached):
        i = int(peek(depot.queue, position))
        since = peek(depot.settled, int(peek(depot.column_before, i))) if position > 0 else _ZERO
        poke(depot.u, i, peek(depot.u, i) + (distance - since))
    zero = splat(_ZERO)
    for j in range(0, n, 8):
        settled, v = load(depot.settled, j), load(depot.v, j)
        store(depot.v, j, choose_less(settled, zero, v, v - (splat(distance) - settled)))


@compiled
def _augment(depot: Depot, source: int, column: int, m: int, n: int) -> bool:
    """Ship along the path: as much as the stock, the capacity and the flow of each of its rows allow.

    Returns whether a row on the path has stopped shipping to a column on it.
    """
    width = ((n + 7) >> 3) * 8
    wanted = min(peek(depot.stock, source), peek(depot.capacity, column))
    spared = FAR
    i = int(peek(depot.row_before, column))
    while i != source:
        j = int(peek(depot.column_before, i))
        spared = min(spared, peek(depot.flow, i * width + j))
        i = int(peek(depot.row_before, j))
    mass = min(wanted, spared)
    poke(depot.stock, source, peek(depot.stock, source) - mass)
    poke(depot.capacity, column, peek(depot.capacity, column) - mass)
    i, j = int(peek(depot.row_before, column)), column
    while i != source:
        ship(depot, i, j, mass, m, n)
        j = int(peek(depot.column_before, i))
        ship(depot, i, j, -mass, m, n)
        i = int(peek(depot.row_before, j))
    ship(depot, source, j, mass, m, n)
    return spared <= wanted
