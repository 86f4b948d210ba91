"""Exact transport between small bags of tokens, by shortest augmenting paths.

Mass is shipped along ways whose reduced cost C - u - v is 0, starting with those that open with it. A row
with stock left looks for the cheapest way to a column with room, through columns that are full and the rows
that ship to them (Dijkstra on reduced costs; Jonker and Volgenant 1987 for assignments, Edmonds and Karp
1972 for flows). Each search moves the prices u and v so that no reduced cost becomes negative, which is the
proof of optimality at the end.

Legend: C cost; u, v prices of rows and columns; m, n rows and columns; `width` is n rounded up to whole
vectors, the row stride of the depot's matrices.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from opticlir.transport.kernels.bit_sets import lowest_bit
from opticlir.transport.kernels.compilation import compiled, entry_point, inlined, source_fingerprint
from opticlir.transport.kernels.lanes import (
    absolute,
    choose_less,
    choose_positive,
    fma,
    keep_positive,
    largest,
    maximum,
    minimum,
    smallest,
    splat,
    total,
)
from opticlir.transport.kernels.memory import (
    load,
    load_first,
    peek,
    peek_integer,
    poke,
    poke_integer,
    store,
    store_first,
)
from opticlir.transport.kernels.slot import (
    BAD_COST,
    BAD_MARGINAL,
    N_COLUMNS,
    N_ROWS,
    NO_MASS,
    OFFSET,
    SOLVED,
    SOURCE,
    STRIDE,
    TARGET,
    UNREACHABLE,
    Answers,
    Problems,
)

_FORBIDDEN = np.float32(1e37)
"""A cost from here on forbids its way."""

_OUT_OF_REACH = np.float32(5e36)
"""What a forbidden cost still is after prices have been taken from it."""

_FAR = np.float32(3e38)
_ZERO, _ONE = np.float32(0), np.float32(1)
_DUST = np.float32(1e-7)
"""Share of the mass, over all tokens, that rounding may leave where it is."""


class Depot(NamedTuple):
    """Addresses of the scratch memory of one problem: matrices, vectors over columns, vectors over rows."""

    cost: int
    """`_FORBIDDEN` where the column has no mass."""

    flow: int
    b: int
    room: int
    """Mass that a column still takes."""

    v: int
    key: int
    """Length of the shortest way found to a column; `_FAR` once it is settled."""

    settled: int
    """Length of the shortest way to a settled column, otherwise -1."""

    row_before: int
    """Row from which the shortest way enters a column."""

    numbers: int
    """0, 1, 2 and so on."""

    a: int
    stock: int
    """Mass that a row still has."""

    u: int
    column_before: int
    """Column from which the search came to a row."""

    queue: int
    """Rows the search has reached, in order."""

    shippers: int
    """int64 words, `(m + 63) // 64` for each column: bit i is set where row i ships to it."""

    unreached: int
    """int64 words: bit i is set where the search has not reached row i."""


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


# --- taking a problem in ---------------------------------------------------------------------------


@compiled
def _take_marginal(marginal: int, offset: int, size: int, into: int, stock: int) -> int:
    mass, least, excess = splat(_ZERO), splat(_ZERO), splat(_ZERO)
    for start in range(0, size, 8):
        x = load_first(marginal, offset + start, size - start)
        store(into, start, x)
        store(stock, start, x)
        mass, least = mass + x, minimum(x, least)
        excess = excess + (x - x)  # NaN for a NaN or an infinity
    if not total(excess) <= 0 or smallest(least) < 0:
        return BAD_MARGINAL
    return SOLVED if total(mass) > 0 else NO_MASS


@compiled
def _take_costs(depot: Depot, cost: int, offset: int, stride: int, m: int, n: int) -> int:
    """Copy the costs; u is the least cost of each row, v the least of C - u of each column with mass."""
    forbidden, zero, one = splat(_FORBIDDEN), splat(_ZERO), splat(_ONE)
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
            c = choose_positive(b, maximum(minimum(c, forbidden), splat(-_FORBIDDEN)), forbidden)
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
        store(depot.v, j, choose_positive(b, v, splat(-_FORBIDDEN)))
    return UNREACHABLE if largest(worst) > _OUT_OF_REACH else SOLVED


@inlined
def _ship(depot: Depot, i: int, j: int, mass: float, m: int, n: int) -> None:
    """Ship more, or less, from row i to column j, and note whether it ships there at all."""
    at = i * (((n + 7) >> 3) * 8) + j
    flow = peek(depot.flow, at) + mass
    poke(depot.flow, at, flow)
    word, bit = j * ((m + 63) >> 6) + (i >> 6), np.int64(1) << (i & 63)
    if flow > 0:
        poke_integer(depot.shippers, word, peek_integer(depot.shippers, word) | bit)
    else:
        poke_integer(depot.shippers, word, peek_integer(depot.shippers, word) & ~bit)


@compiled
def _ship_for_free(depot: Depot, m: int, n: int, dust: float) -> None:
    """Ship what ways of reduced cost 0 take, row by row."""
    width = ((n + 7) >> 3) * 8
    zero, far = splat(_ZERO), splat(_FAR)
    for i in range(m):
        while peek(depot.stock, i) > dust:
            u = splat(peek(depot.u, i))
            first = far
            for j in range(0, n, 8):
                reduced = load(depot.cost, i * width + j) - u - load(depot.v, j)
                index = choose_less(splat(dust), load(depot.room, j), load(depot.numbers, j), far)
                first = minimum(choose_less(zero, reduced, far, index), first)
            if smallest(first) >= _FAR:
                break
            j = int(smallest(first))
            mass = min(peek(depot.stock, i), peek(depot.room, j))
            poke(depot.stock, i, peek(depot.stock, i) - mass)
            poke(depot.room, j, peek(depot.room, j) - mass)
            _ship(depot, i, j, mass, m, n)


# --- searching -------------------------------------------------------------------------------------


@inlined
def _relax(depot: Depot, i: int, distance: float, n: int) -> tuple[float, int]:
    """Shorten ways to columns by going through row i. Returns the nearest open column and its distance."""
    width = ((n + 7) >> 3) * 8
    far, zero = splat(_FAR), splat(_ZERO)
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
    far = splat(_FAR)
    best, best_index = far, splat(_ZERO)
    for j in range(0, n, 8):
        key = load(depot.key, j)
        best_index = choose_less(key, best, load(depot.numbers, j), best_index)
        best = minimum(key, best)
    nearest = smallest(best)
    return nearest, int(smallest(choose_less(splat(nearest), best, far, best_index)))


@compiled
def _search(depot: Depot, source: int, m: int, n: int, dust: float) -> bool:
    """Ship from a row along cheapest ways, and move the prices. Returns whether there was any.

    One search serves several columns: it goes on through a column that it has filled. It ends when the row
    has nothing left, or when a way used up what a row on it shipped: the ways found so far led over it.
    """
    n_words = (m + 63) >> 6
    for j in range(0, n, 8):
        store(depot.key, j, splat(_FAR))
        store(depot.settled, j, splat(-_ONE))
    for word in range(n_words):
        poke_integer(depot.unreached, word, np.int64(-1))
    poke_integer(depot.unreached, source >> 6, ~(np.int64(1) << (source & 63)))
    poke(depot.queue, 0, np.float32(source))
    n_reached, has_shipped, has_broken = 1, False, False
    distance, column = _relax(depot, source, _ZERO, n)
    while distance < _OUT_OF_REACH:
        if peek(depot.room, column) > dust:
            has_broken = _augment(depot, source, column, m, n)
            has_shipped = True
            if has_broken or peek(depot.stock, source) <= dust:
                break
        poke(depot.settled, column, distance)
        poke(depot.key, column, _FAR)
        nearest, next_column = _FAR, -1
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
    if distance < _OUT_OF_REACH:
        return distance
    far = splat(_ZERO)
    for j in range(0, n, 8):
        far = maximum(load(depot.settled, j), far)
    return largest(far)


@inlined
def _move_prices(depot: Depot, distance: float, n_reached: int, n: int) -> None:
    """Make the way found free, and keep every other from becoming cheaper than free."""
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
    """Ship as much as the way found takes: up to the stock, the room, and what each row on it can spare.

    Returns whether a row on the way has stopped shipping to a column on it.
    """
    width = ((n + 7) >> 3) * 8
    wanted = min(peek(depot.stock, source), peek(depot.room, column))
    spared = _FAR
    i = int(peek(depot.row_before, column))
    while i != source:
        j = int(peek(depot.column_before, i))
        spared = min(spared, peek(depot.flow, i * width + j))
        i = int(peek(depot.row_before, j))
    mass = min(wanted, spared)
    poke(depot.stock, source, peek(depot.stock, source) - mass)
    poke(depot.room, column, peek(depot.room, column) - mass)
    i, j = int(peek(depot.row_before, column)), column
    while i != source:
        _ship(depot, i, j, mass, m, n)
        j = int(peek(depot.column_before, i))
        _ship(depot, i, j, -mass, m, n)
        i = int(peek(depot.row_before, j))
    _ship(depot, source, j, mass, m, n)
    return spared <= wanted


# --- whole problems --------------------------------------------------------------------------------


@compiled
def _solve(depot: Depot, problems: Problems, problem: int) -> tuple[int, int]:
    """Fill the depot's flow and prices. Returns the status and the number of searches."""
    row = 6 * problem
    m, n = peek_integer(problems.layout, row + N_ROWS), peek_integer(problems.layout, row + N_COLUMNS)
    source, target = peek_integer(problems.layout, row + SOURCE), peek_integer(problems.layout, row + TARGET)
    status = max(
        _take_marginal(problems.source_marginal, source, m, depot.a, depot.stock),
        _take_marginal(problems.target_marginal, target, n, depot.b, depot.room),
    )
    if status != SOLVED:
        return status, 0
    offset, stride = peek_integer(problems.layout, row + OFFSET), peek_integer(problems.layout, row + STRIDE)
    status = _take_costs(depot, problems.cost, offset, stride, m, n)
    if status != SOLVED:
        return status, 0
    for word in range(n * ((m + 63) >> 6)):
        poke_integer(depot.shippers, word, 0)
    mass = splat(_ZERO)
    for i in range(0, m, 8):
        mass = mass + load(depot.a, i)
    dust = _DUST * total(mass) / np.float32(m + n)
    _ship_for_free(depot, m, n, dust)
    n_searches = 0
    for i in range(m):
        while peek(depot.stock, i) > dust:
            n_searches += 1
            if not _search(depot, i, m, n, dust):
                # without room the target simply has less mass than the source
                return UNREACHABLE if _has_room(depot, n, dust) else SOLVED, n_searches
    return SOLVED, n_searches


@compiled
def _has_room(depot: Depot, n: int, dust: float) -> bool:
    room = splat(_ZERO)
    for j in range(0, n, 8):
        room = maximum(load(depot.room, j), room)
    return total(choose_less(splat(dust), room, splat(_ONE), splat(_ZERO))) > 0


@compiled
def _write(depot: Depot, problems: Problems, answers: Answers, problem: int) -> None:
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
        store(depot.v, j, splat(_FAR))
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
def _refuse(problems: Problems, answers: Answers, problem: int) -> None:
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


def _entry_point(fingerprint: int) -> Any:
    @entry_point
    def solve_flows(problems: Problems, answers: Answers, first: int, last: int, depot: Depot) -> None:
        """Solve problems `first` to `last` - 1 exactly."""
        if fingerprint < 0:  # never: it is here to be part of the key under which this is cached
            return
        for problem in range(first, last):
            status, n_searches = _solve(depot, problems, problem)
            if status == SOLVED:
                _write(depot, problems, answers, problem)
            else:
                _refuse(problems, answers, problem)
            poke_integer(answers.outcome, 2 * problem, status)
            poke_integer(answers.outcome, 2 * problem + 1, n_searches)

    return solve_flows


solve_flows = _entry_point(source_fingerprint())
