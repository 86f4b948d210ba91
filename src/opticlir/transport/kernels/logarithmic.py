"""Sinkhorn iterations and proximal steps in the log domain, for the few problems out of range of the linear domain.

This separate kernel is compiled with the first such problem; most runs have none.

Legend: C cost; a, b marginals; f, g dual potentials in units of cost; u, v scalings, 1 at the end.
"""

from typing import Any

import numpy as np

from opticlir.transport.kernels.closing import close_problem
from opticlir.transport.kernels.compilation import compiled, entry_point, source_fingerprint
from opticlir.transport.kernels.lanes import (
    LOG2_E,
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
from opticlir.transport.kernels.limits import MARGIN
from opticlir.transport.kernels.memory import load, load_first, peek, peek_integer, poke, store
from opticlir.transport.kernels.opening import begin_problem, compute_kernel
from opticlir.transport.kernels.problems import OFFSET, SOLVED, STRIDE, Answers, Problems, Settings
from opticlir.transport.kernels.scaling import CHUNK
from opticlir.transport.kernels.slot import (
    CHANGE,
    DONE,
    ENDED,
    EPSILON,
    LINEAR,
    OMEGA,
    PHASE,
    TIMES,
    M,
    N,
    Slot,
    get,
    number,
    put,
    set_number,
)

_ZERO, _ONE = np.float32(0), np.float32(1)
_LOWEST = np.float32(-3e38)


@compiled
def _update(slot: Slot, cost: int, settings: Settings) -> None:
    """Take up to `CHUNK` iterations, then lower epsilon if due. A problem that is done ends with u = v = 1."""
    if get(slot, DONE) == 0:
        _start(slot)
    for _ in range(CHUNK):
        if settings.is_proximal and get(slot, DONE) > 0:
            set_number(slot, TIMES, number(slot, TIMES) + _ONE)
        change = _update_f(slot, cost, np.float32(settings.power))
        is_last_epsilon = number(slot, EPSILON) <= settings.epsilon and not settings.is_proximal
        is_settled = get(slot, DONE) > 0 and is_last_epsilon and change <= MARGIN * settings.tolerance
        if get(slot, DONE) > 0:
            set_number(slot, OMEGA, _ONE)
            set_number(slot, CHANGE, change)
        if not is_settled:
            _update_g(slot, cost, np.float32(settings.power))
            put(slot, DONE, get(slot, DONE) + 1)
        if is_settled or get(slot, DONE) >= settings.max_iterations:
            _set_scalings(slot)
            put(slot, PHASE, ENDED)
            return
    lower = max(np.float32(settings.epsilon), number(slot, EPSILON) * np.float32(settings.decay))
    set_number(slot, EPSILON, lower)


@compiled
def _start(slot: Slot) -> None:
    """Set g to where the linear domain would have begun, which is all the first update needs."""
    epsilon = splat(number(slot, EPSILON))
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
    epsilon, scale = splat(number(slot, EPSILON)), splat(LOG2_E / number(slot, EPSILON))
    times, lowest = splat(-number(slot, TIMES)), splat(_LOWEST)
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
    epsilon, scale = splat(number(slot, EPSILON)), splat(LOG2_E / number(slot, EPSILON))
    times = splat(-number(slot, TIMES))
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


def _entry_point(fingerprint: int) -> Any:
    @entry_point
    def rescue_problems(
        problems: Problems,
        answers: Answers,
        settings: Settings,
        numbers: int,
        first: int,
        last: int,
        slot: Slot,
    ) -> None:
        """Solve the problems whose numbers lie from `first` to `last` - 1 at an address, one at a time."""
        if fingerprint < 0:  # never: it is here to be part of the key under which this is cached
            return
        for position in range(first, last):
            begin_problem(slot, problems, settings, peek_integer(numbers, position))
            put(slot, PHASE, LINEAR)
            while get(slot, PHASE) == LINEAR:
                _update(slot, problems.cost, settings)
            compute_kernel(slot, problems.cost)
            close_problem(slot, problems.cost, answers, SOLVED)

    return rescue_problems


rescue_problems = _entry_point(source_fingerprint())
