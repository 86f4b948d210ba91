"""Sinkhorn's iterations, over-relaxed, for many small problems; also with marginals at a price.

Legend: C cost; K kernel; a, b marginals; u, v scalings; f, g potentials in units of cost, the part of the
duals that K holds.
"""

from typing import Any

import numpy as np

from opticlir.transport.kernels.compilation import compiled, entry_point, inlined, source_fingerprint
from opticlir.transport.kernels.lanes import (
    LOG2_E,
    absolute,
    exp2,
    fma,
    keep_positive,
    log,
    maximum,
    splat,
    total,
)
from opticlir.transport.kernels.limits import MARGIN
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
    CHANGE,
    DONE,
    ENDED,
    EPSILON,
    LINEAR,
    OMEGA,
    PHASE,
    M,
    N,
    Slot,
    get,
    number,
    put,
    set_number,
)

_FLUSHED = np.float32(1e-28)
_RESOLUTION = 2.4e-7
"""Marginal errors below two units in the last place of 1 are rounding: iterating on changes nothing."""

_WORTHWHILE = np.float32(1.3)
"""Over-relaxation below this saves less than its logarithms and powers cost."""

_SLOWEST = np.float32(0.9999)
_ZERO, _ONE, _INFINITE = np.float32(0), np.float32(1), np.float32(np.inf)


@inlined
def _advance(left: Slot, right: Slot, settings: Settings) -> None:
    """Take up to `CHUNK` iterations of both problems.

    The first row update and the last column update are never over-relaxed: between them the columns are
    exact, and the change of u is the marginal error.
    """
    on_left, on_right = _prepare(left), _prepare(right)
    for turn in range(CHUNK):
        if on_left:
            _rows(left, settings, turn)
        if on_right:
            _rows(right, settings, turn)
        if turn == 0:
            on_left = on_left and not _is_settled(left, settings)
            on_right = on_right and not _is_settled(right, settings)
        if on_left:
            on_left = _columns(left, settings, turn)
        if on_right:
            on_right = _columns(right, settings, turn)


@inlined
def _prepare(slot: Slot) -> bool:
    """Whether the slot holds a problem in the linear domain; remember its u to measure the change."""
    if get(slot, PHASE) != LINEAR:
        return False
    for i in range(0, get(slot, M), 8):
        store(slot.u_old, i, load(slot.u, i))
    return True


@inlined
def _rows(slot: Slot, settings: Settings, turn: int) -> None:
    update_rows(slot, slot.v)
    if settings.power < 1:
        _soften(slot.u, slot.a, slot.f, get(slot, M), number(slot, EPSILON), np.float32(settings.power))
    if turn > 0 and number(slot, OMEGA) > 1:
        _over_relax(slot.u, slot.u_old, get(slot, M), number(slot, OMEGA))


@inlined
def _columns(slot: Slot, settings: Settings, turn: int) -> bool:
    """Returns whether the problem goes on."""
    update_columns(slot)
    if settings.power < 1:
        _soften(slot.v, slot.b, slot.g, get(slot, N), number(slot, EPSILON), np.float32(settings.power))
    is_on = goes_on(slot, settings)
    if turn < CHUNK - 1 and is_on and number(slot, OMEGA) > 1:
        _over_relax(slot.v, slot.v_old, get(slot, N), number(slot, OMEGA))
    return is_on


@compiled
def _soften(y: int, marginal: int, potential: int, size: int, epsilon: float, power: float) -> None:
    """Move only partly towards the marginal: raise total scalings, with their potentials, to the given power.

    Chizat et al. 2018, algorithm 2, stabilised: the potential is part of the scaling.
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
    if get(slot, DONE) == 0 or number(slot, EPSILON) > np.float32(settings.epsilon):
        return False
    one, moved = splat(_ONE), splat(_ZERO)
    for i in range(0, get(slot, M), 8):
        u = load(slot.u, i)
        ratio = load(slot.u_old, i) / maximum(u, splat(_FLUSHED))
        moved = fma(load(slot.a, i), absolute(ratio - one), moved)
    change = total(moved)
    if change > max(MARGIN * settings.tolerance, _RESOLUTION):
        _set_pace(slot, settings, change)
        return False
    for i in range(0, get(slot, M), 8):
        store(slot.u, i, load(slot.u_old, i))
    set_number(slot, OMEGA, _ONE)
    set_number(slot, CHANGE, change)
    put(slot, PHASE, ENDED)
    return True


@compiled
def _set_pace(slot: Slot, settings: Settings, change: float) -> None:
    """Choose how far the next updates go, from how fast the change has shrunk since the last check.

    Each plain iteration shrinks it by a factor rho. The best omega is 2 / (1 + sqrt(1 - rho)). Theorem 1 of
    Lehmann, von Renesse, Sambale and Uschmajew 2022 gives it, and also rho from the rate at another omega.
    Without a tolerance, omega stays 1, so that the iterates are those of the textbook.
    """
    omega, before = number(slot, OMEGA), number(slot, CHANGE)
    if settings.tolerance == 0 or settings.power < 1 or not change < before or before == _INFINITE:
        set_number(slot, OMEGA, _ONE)
        set_number(slot, CHANGE, change)
        return
    rate = min((change / before) ** np.float32(1 / CHUNK), _SLOWEST)
    rho = rate
    if omega > 1:
        rho = min((rate + omega - _ONE) ** 2 / (rate * omega * omega), _SLOWEST)
        if rate <= omega - _ONE:  # as fast as this omega goes: no news about rho
            set_number(slot, CHANGE, change)
            return
    best = np.float32(2) / (_ONE + np.sqrt(_ONE - rho))
    set_number(slot, OMEGA, best if best > _WORTHWHILE else _ONE)
    set_number(slot, CHANGE, change)
    for i in range(0, get(slot, M), 8):
        store(slot.u_old, i, load(slot.u, i))
    for j in range(0, get(slot, N), 8):
        store(slot.v_old, j, load(slot.v, j))


def _entry_point(fingerprint: int) -> Any:
    @entry_point
    def iterate_problems(
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

    return iterate_problems


iterate_problems = _entry_point(source_fingerprint())
