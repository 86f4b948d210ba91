"""Matrix scaling for many small transport problems: Sinkhorn's iterations and the proximal point method.

A problem stays in the first-level cache from its cost to its plan, and no problem waits for another: two
advance in turn, so that one computes while the other waits for its last additions and divisions.

Scaling runs in the linear domain. The scalings u and v are moved into the potentials f and g when they
leave [1e-8, 1e8], so that K = exp((f + g - C) / epsilon) never leaves the range of float32. A problem for
which this fails all the same begins anew in the log domain.

Legend: C cost; K kernel; a, b marginals; u, v scalings; f, g potentials in units of cost, the part of the
duals that K holds. The plan is diag(u) K diag(v).
"""

from typing import Any

import numpy as np

from opticlir.transport.kernels.closing import close_problem, refuse_problem
from opticlir.transport.kernels.compilation import compiled, entry_point, inlined, source_fingerprint
from opticlir.transport.kernels.diagonals import LOG2_E, exponentiate, rescale
from opticlir.transport.kernels.lanes import (
    absolute,
    choose_positive,
    exp2,
    fma,
    keep_positive,
    largest,
    log,
    maximum,
    minimum,
    smallest,
    splat,
    total,
)
from opticlir.transport.kernels.logarithmic import log_updates
from opticlir.transport.kernels.memory import load, peek_integer, store
from opticlir.transport.kernels.opening import open_problem
from opticlir.transport.kernels.slot import (
    BURST,
    DONE,
    ENDED,
    LINEAR,
    LOGARITHMIC,
    OFFSET,
    PHASE,
    PROBLEM,
    SOLVED,
    STRIDE,
    VACANT,
    Answers,
    M,
    N,
    Problems,
    Settings,
    Slot,
    change_of,
    epsilon_of,
    get,
    omega_of,
    put,
    set_epsilon,
    set_pace,
    times_of,
)

_CHUNK = 5
"""Iterations between looks at a problem: at its marginal error and at the range of u and v."""

_LEAST, _MOST = np.float32(1e-8), np.float32(1e8)
_LOST, _BURST = np.float32(1e-25), np.float32(1e25)
_FLUSHED = np.float32(1e-28)
"""Entries of K below this become 0: denormal numbers cost a hundred times as much as others."""

_RESOLUTION = 2.4e-7
"""Marginal errors below two units in the last place of 1 are rounding: iterating on changes nothing."""

_MARGIN = 0.9
"""Share of the tolerance to aim for: the error measured at the end is that of the rounded plan."""

_WORTHWHILE = np.float32(1.3)
"""Over-relaxation below this saves less than its logarithms and powers cost."""

_SLOWEST = np.float32(0.9999)
_ZERO, _ONE, _INFINITE = np.float32(0), np.float32(1), np.float32(np.inf)


@compiled
def _attend(
    slot: Slot, problems: Problems, answers: Answers, settings: Settings, upcoming: int, last: int
) -> int:
    """See to a slot that is not iterating; returns the number of the problem to begin after it."""
    if get(slot, PHASE) == BURST:
        put(slot, PHASE, LOGARITHMIC)
        _begin(slot, problems, settings)
    if get(slot, PHASE) == LOGARITHMIC:
        log_updates(slot, problems.cost, settings, _CHUNK)
        if get(slot, PHASE) == ENDED:
            _compute_kernel(slot, problems.cost)
    if get(slot, PHASE) == ENDED:
        close_problem(slot, problems.cost, answers, SOLVED)
        put(slot, PHASE, VACANT)
    while get(slot, PHASE) == VACANT and upcoming < last:
        for field in range(6):
            put(slot, field, peek_integer(problems.layout, 6 * upcoming + field))
        put(slot, PROBLEM, upcoming)
        upcoming += 1
        status = _begin(slot, problems, settings)
        if status != SOLVED:
            refuse_problem(slot, answers, status)
            continue
        put(slot, PHASE, LINEAR)
        _compute_kernel(slot, problems.cost)
        if settings.is_proximal:
            _remember_step(slot)
    return upcoming


@compiled
def _begin(slot: Slot, problems: Problems, settings: Settings) -> int:
    put(slot, DONE, 0)
    set_epsilon(slot, np.float32(settings.epsilon_start), _ONE)
    set_pace(slot, _ONE, _INFINITE)
    return open_problem(slot, problems, settings.epsilon_start, settings.is_proximal)


@compiled
def _compute_kernel(slot: Slot, cost: int) -> None:
    """Set K = exp((f + g - C) / epsilon), with as many times C as there were proximal steps."""
    where = (get(slot, M), get(slot, N), get(slot, OFFSET), get(slot, STRIDE))
    exponentiate(cost, where, (slot.f, slot.g), (slot.rows, slot.columns), epsilon_of(slot), times_of(slot))


@compiled
def _matrix_size(slot: Slot) -> int:
    return ((get(slot, M) + 7) >> 3) * ((get(slot, N) + 7) >> 3) * 64


@compiled
def _remember_step(slot: Slot) -> None:
    for k in range(0, _matrix_size(slot), 8):
        store(slot.row_step, k, load(slot.rows, k))
        store(slot.column_step, k, load(slot.columns, k))
    for i in range(0, get(slot, M), 8):
        store(slot.f_step, i, load(slot.f, i))
    for j in range(0, get(slot, N), 8):
        store(slot.g_step, j, load(slot.g, j))


@inlined
def _advance(left: Slot, right: Slot, settings: Settings) -> None:
    """Take up to `_CHUNK` iterations of the problems in the linear domain.

    The first row update and the last column update are never over-relaxed: between them the columns are
    exact, and the change of u is the marginal error.
    """
    on_left, on_right = _prepare(left), _prepare(right)
    for turn in range(_CHUNK):
        if settings.is_proximal:
            if on_left:
                _step(left)
            if on_right:
                _step(right)
        if on_left:
            _update_rows(left, settings)
            if turn > 0 and omega_of(left) > 1:
                _over_relax(left.u, left.u_old, get(left, M), omega_of(left))
        if on_right:
            _update_rows(right, settings)
            if turn > 0 and omega_of(right) > 1:
                _over_relax(right.u, right.u_old, get(right, M), omega_of(right))
        if turn == 0 and not settings.is_proximal:
            on_left = on_left and not _is_settled(left, settings)
            on_right = on_right and not _is_settled(right, settings)
        if on_left:
            on_left = _update_columns(left, settings)
            if turn < _CHUNK - 1 and on_left and omega_of(left) > 1:
                _over_relax(left.v, left.v_old, get(left, N), omega_of(left))
        if on_right:
            on_right = _update_columns(right, settings)
            if turn < _CHUNK - 1 and on_right and omega_of(right) > 1:
                _over_relax(right.v, right.v_old, get(right, N), omega_of(right))


@inlined
def _prepare(slot: Slot) -> bool:
    """Whether the slot holds a problem in the linear domain; remember its u to measure the change."""
    if get(slot, PHASE) != LINEAR:
        return False
    for i in range(0, get(slot, M), 8):
        store(slot.u_old, i, load(slot.u, i))
    return True


@inlined
def _update_rows(slot: Slot, settings: Settings) -> None:
    """Set u = a / (K v): rows sum to a."""
    x = slot.x if settings.is_proximal else slot.v
    rescale(slot.rows, x, slot.a, slot.u, (get(slot, N) + 7) >> 3, (get(slot, M) + 7) >> 3)
    if settings.power < 1:
        _soften(slot.u, slot.a, slot.f, get(slot, M), epsilon_of(slot), np.float32(settings.power))


@inlined
def _update_columns(slot: Slot, settings: Settings) -> bool:
    """Set v = b / (K' u): columns sum to b. Returns whether the problem goes on."""
    rescale(slot.columns, slot.u, slot.b, slot.v, (get(slot, M) + 7) >> 3, (get(slot, N) + 7) >> 3)
    if settings.power < 1:
        _soften(slot.v, slot.b, slot.g, get(slot, N), epsilon_of(slot), np.float32(settings.power))
    done = get(slot, DONE) + 1
    put(slot, DONE, done)
    if done < settings.max_iterations:
        return True
    put(slot, PHASE, ENDED)
    return False


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
    if is_first:
        return
    size = _matrix_size(slot)
    _multiply(slot.rows, slot.row_step, size)
    _multiply(slot.columns, slot.column_step, size)
    for i in range(0, get(slot, M), 8):
        store(slot.f, i, load(slot.f, i) + load(slot.f_step, i))
    for j in range(0, get(slot, N), 8):
        store(slot.g, j, load(slot.g, j) + load(slot.g_step, j))
    set_epsilon(slot, epsilon_of(slot), times_of(slot) + _ONE)


@inlined
def _multiply(matrix: int, factor: int, size: int) -> None:
    flushed = splat(_FLUSHED)
    for k in range(0, size, 8):
        product = load(matrix, k) * load(factor, k)
        store(matrix, k, keep_positive(product, product - flushed))


@compiled
def _soften(y: int, marginal: int, potential: int, size: int, epsilon: float, power: float) -> None:
    """Go only part of the way to the marginal: total scalings, potential included, to the given power.

    Chizat et al. 2018, algorithm 2, stabilised: what the potential holds counts as part of the scaling.
    """
    keep, power_lanes, to_two = splat(_ONE - power), splat(power), splat(LOG2_E)
    scale = splat(_ONE / epsilon)
    for start in range(0, size, 8):
        mass = load(marginal, start)
        held = log(mass) - load(potential, start) * scale
        exponent = fma(power_lanes, log(load(y, start)), keep * held)
        store(y, start, keep_positive(exp2(exponent * to_two), mass))


@compiled
def _over_relax(y: int, old: int, size: int, omega: float) -> None:
    """Go beyond an update: y = old * (y / old) ** omega, and remember it as the next old.

    Thibault, Chizat, Dossal and Papadakis 2021.
    """
    exponent, flushed = splat(omega * LOG2_E), splat(_FLUSHED)
    for start in range(0, size, 8):
        before = load(old, start)
        beyond = before * exp2(log(load(y, start) / maximum(before, flushed)) * exponent)
        store(y, start, beyond)
        store(old, start, beyond)


@inlined
def _is_settled(slot: Slot, settings: Settings) -> bool:
    """Whether the plan before this row update is good enough; if so, go back to it.

    The column update left its columns exact and row i at a[i] * u_old[i] / u[i].
    """
    if get(slot, DONE) == 0 or epsilon_of(slot) > np.float32(settings.epsilon):
        return False
    one, moved = splat(_ONE), splat(_ZERO)
    for i in range(0, get(slot, M), 8):
        u = load(slot.u, i)
        ratio = load(slot.u_old, i) / maximum(u, splat(_FLUSHED))
        moved = fma(load(slot.a, i), absolute(ratio - one), moved)
    change = total(moved)
    if change > max(_MARGIN * settings.tolerance, _RESOLUTION):
        _set_pace(slot, settings, change)
        return False
    for i in range(0, get(slot, M), 8):
        store(slot.u, i, load(slot.u_old, i))
    set_pace(slot, _ONE, change)
    put(slot, PHASE, ENDED)
    return True


@compiled
def _set_pace(slot: Slot, settings: Settings, change: float) -> None:
    """Choose how far the next updates go, from how fast the change has shrunk since the last look.

    Plain iterations shrink it by a factor rho each; the best omega is 2 / (1 + sqrt(1 - rho)) (Lehmann, von
    Renesse, Sambale and Uschmajew 2022, theorem 1, which also gives rho from the rate at another omega).
    Without a tolerance there is nothing to hurry for, and the iterates stay those of the textbook.
    """
    omega, before = omega_of(slot), change_of(slot)
    if settings.tolerance == 0 or settings.power < 1 or not change < before or before == _INFINITE:
        set_pace(slot, _ONE, change)
        return
    rate = min((change / before) ** np.float32(1 / _CHUNK), _SLOWEST)
    rho = rate
    if omega > 1:
        rho = min((rate + omega - _ONE) ** 2 / (rate * omega * omega), _SLOWEST)
        if rate <= omega - _ONE:  # as fast as this omega goes: no news about rho
            set_pace(slot, omega, change)
            return
    best = np.float32(2) / (_ONE + np.sqrt(_ONE - rho))
    set_pace(slot, best if best > _WORTHWHILE else _ONE, change)
    for i in range(0, get(slot, M), 8):
        store(slot.u_old, i, load(slot.u, i))
    for j in range(0, get(slot, N), 8):
        store(slot.v_old, j, load(slot.v, j))


@inlined
def _look(slot: Slot, cost: int, settings: Settings) -> None:
    """Keep a problem in range after a chunk."""
    if get(slot, PHASE) != LINEAR and get(slot, PHASE) != ENDED:
        return
    least, most = splat(_ONE), splat(_ONE)
    for i in range(0, get(slot, M), 8):
        u = choose_positive(load(slot.a, i), load(slot.u, i), splat(_ONE))
        least, most = minimum(u, least), maximum(u, most)
    for j in range(0, get(slot, N), 8):
        v = choose_positive(load(slot.b, j), load(slot.v, j), splat(_ONE))
        least, most = minimum(v, least), maximum(v, most)
    if smallest(least) < _LOST or largest(most) > _BURST:  # a row or a column of K fell to 0
        put(slot, PHASE, BURST)
    elif get(slot, PHASE) == LINEAR and (
        smallest(least) < _LEAST or largest(most) > _MOST or epsilon_of(slot) > np.float32(settings.epsilon)
    ):
        _absorb(slot, cost, settings)


@compiled
def _absorb(slot: Slot, cost: int, settings: Settings) -> None:
    """Move u and v into f and g: the plan stays, the scalings start again from 1. Lower epsilon if due."""
    epsilon, one = splat(epsilon_of(slot)), splat(_ONE)
    for i in range(0, get(slot, M), 8):
        u = load(slot.u, i)
        store(slot.f, i, load(slot.f, i) + keep_positive(log(u) * epsilon, u))
        store(slot.u, i, keep_positive(one, u))
    for j in range(0, get(slot, N), 8):
        v = load(slot.v, j)
        store(slot.g, j, load(slot.g, j) + keep_positive(log(v) * epsilon, v))
        # a proximal step goes on from the last change of v
        store(slot.v_old, j, load(slot.v_old, j) / choose_positive(v, v, one))
        store(slot.v, j, keep_positive(one, v))
    lower = max(np.float32(settings.epsilon), epsilon_of(slot) * np.float32(settings.decay))
    set_epsilon(slot, lower, times_of(slot))
    _compute_kernel(slot, cost)


def _entry_point(fingerprint: int) -> Any:
    @entry_point
    def scale_problems(
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
        put(left, PHASE, VACANT)
        put(right, PHASE, VACANT)
        upcoming = first
        while True:
            if get(left, PHASE) != LINEAR:
                upcoming = _attend(left, problems, answers, settings, upcoming, last)
            if get(right, PHASE) != LINEAR:
                upcoming = _attend(right, problems, answers, settings, upcoming, last)
            if get(left, PHASE) == VACANT and get(right, PHASE) == VACANT:
                return
            _advance(left, right, settings)
            _look(left, problems.cost, settings)
            _look(right, problems.cost, settings)

    return scale_problems


scale_problems = _entry_point(source_fingerprint())
