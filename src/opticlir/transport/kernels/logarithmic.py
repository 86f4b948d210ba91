"""Sinkhorn's iterations in the log domain, for the few problems the linear domain cannot hold.

Legend: C cost; a, b marginals; f, g dual potentials in units of cost; u, v scalings, 1 at the end.
"""

import numpy as np

from opticlir.transport.kernels.compilation import compiled
from opticlir.transport.kernels.lanes import (
    absolute,
    choose_positive,
    exp2,
    fma,
    keep_positive,
    largest,
    log,
    maximum,
    splat,
    total,
)
from opticlir.transport.kernels.memory import load, load_first, peek, poke, store
from opticlir.transport.kernels.slot import (
    DONE,
    ENDED,
    OFFSET,
    PHASE,
    STRIDE,
    M,
    N,
    Settings,
    Slot,
    epsilon_of,
    get,
    put,
    set_epsilon,
    set_pace,
    times_of,
)

_MARGIN = 0.9
_ZERO, _ONE = np.float32(0), np.float32(1)
_LOG2_E = np.float32(1.4426950408889634)
_LOWEST = np.float32(-3e38)


@compiled
def log_updates(slot: Slot, cost: int, settings: Settings, n_updates: int) -> None:
    """Take up to `n_updates` iterations. A problem that is done ends with u = v = 1."""
    if get(slot, DONE) == 0:
        _start(slot)
    for _ in range(n_updates):
        if settings.is_proximal and get(slot, DONE) > 0:
            set_epsilon(slot, epsilon_of(slot), times_of(slot) + _ONE)
        change = _update_f(slot, cost, np.float32(settings.power))
        is_last_epsilon = epsilon_of(slot) <= settings.epsilon and not settings.is_proximal
        is_settled = get(slot, DONE) > 0 and is_last_epsilon and change <= _MARGIN * settings.tolerance
        if get(slot, DONE) > 0:
            set_pace(slot, _ONE, change)
        if not is_settled:
            _update_g(slot, cost, np.float32(settings.power))
            put(slot, DONE, get(slot, DONE) + 1)
        if is_settled or get(slot, DONE) >= settings.max_iterations:
            _set_scalings(slot)
            put(slot, PHASE, ENDED)
            return
    lower = max(np.float32(settings.epsilon), epsilon_of(slot) * np.float32(settings.decay))
    set_epsilon(slot, lower, times_of(slot))


@compiled
def _start(slot: Slot) -> None:
    """Set g to where the linear domain would have begun, which is all the first update needs."""
    epsilon = splat(epsilon_of(slot))
    for j in range(0, get(slot, N), 8):
        v = load(slot.v, j)
        store(slot.g, j, load(slot.g, j) + keep_positive(log(v) * epsilon, v))


@compiled
def _set_scalings(slot: Slot) -> None:
    for i in range(0, get(slot, M), 8):
        store(slot.u, i, keep_positive(splat(_ONE), load(slot.a, i)))
    for j in range(0, get(slot, N), 8):
        store(slot.v, j, keep_positive(splat(_ONE), load(slot.b, j)))


@compiled
def _update_f(slot: Slot, cost: int, power: float) -> float:
    """Make the rows sum to a, or come closer. Returns the mass this moved, if the columns were exact."""
    m, n = get(slot, M), get(slot, N)
    epsilon, scale = splat(epsilon_of(slot)), splat(_LOG2_E / epsilon_of(slot))
    times, lowest = splat(-times_of(slot)), splat(_LOWEST)
    keep, soften = splat(_ONE - power), splat(power)
    for i in range(0, m, 8):
        store(slot.u_old, i, load(slot.f, i))
    for i in range(m):
        if peek(slot.a, i) > 0:
            offset = get(slot, OFFSET) + i * get(slot, STRIDE)
            top, mass = lowest, splat(_ZERO)
            for j in range(0, n, 8):
                z = fma(load_first(cost, offset + j, n - j), times, load(slot.g, j))
                top = maximum(choose_positive(load(slot.b, j), z, lowest), top)
            top = splat(largest(top))
            for j in range(0, n, 8):
                z = fma(load_first(cost, offset + j, n - j), times, load(slot.g, j))
                mass = mass + keep_positive(exp2((z - top) * scale), load(slot.b, j))
            log_a = log(splat(peek(slot.a, i))) * epsilon
            f = log_a - log(splat(total(mass))) * epsilon - top
            poke(slot.f, i, largest(fma(soften, f, keep * log_a)))
    change = splat(_ZERO)
    for i in range(0, m, 8):
        ratio = exp2((load(slot.u_old, i) - load(slot.f, i)) * scale)
        change = fma(load(slot.a, i), absolute(ratio - splat(_ONE)), change)
    return total(change)


@compiled
def _update_g(slot: Slot, cost: int, power: float) -> None:
    """Make the columns sum to b, or come closer to it."""
    m, n, stride = get(slot, M), get(slot, N), get(slot, STRIDE)
    epsilon, scale = splat(epsilon_of(slot)), splat(_LOG2_E / epsilon_of(slot))
    times = splat(-times_of(slot))
    keep, soften = splat(_ONE - power), splat(power)
    for j in range(0, n, 8):
        top, mass = splat(_LOWEST), splat(_ZERO)
        for i in range(m):
            if peek(slot.a, i) > 0:
                c = load_first(cost, get(slot, OFFSET) + i * stride + j, n - j)
                top = maximum(fma(c, times, splat(peek(slot.f, i))), top)
        for i in range(m):
            if peek(slot.a, i) > 0:
                c = load_first(cost, get(slot, OFFSET) + i * stride + j, n - j)
                mass = mass + exp2((fma(c, times, splat(peek(slot.f, i))) - top) * scale)
        b = load(slot.b, j)
        log_b = log(b) * epsilon
        g = log_b - log(mass) * epsilon - top
        store(slot.g, j, keep_positive(fma(soften, g, keep * log_b), b))
