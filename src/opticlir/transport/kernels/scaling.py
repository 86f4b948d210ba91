"""Matrix scaling for many small transport problems, shared by Sinkhorn and the proximal point method.

A problem stays in the first-level cache from its cost to its plan. Two problems advance in turn: one computes while
the other waits for its last additions and divisions.

Scaling runs in the linear domain. When the scalings u and v leave [1e-8, 1e8], they are moved into the potentials
f and g. So K = exp((f + g - C) / epsilon) stays in the range of float32. If this still fails, the problem is
`OUT_OF_RANGE`, and `logarithmic` solves it from the start in the log domain.

Legend: C cost; K kernel; a, b marginals; u, v scalings; f, g potentials in units of cost, the part of the
duals that K holds. The plan is diag(u) K diag(v).
"""

import numpy as np

from opticlir.transport.kernels.closing import close_problem, refuse_problem
from opticlir.transport.kernels.compilation import compiled, inlined
from opticlir.transport.kernels.diagonals import rescale
from opticlir.transport.kernels.lanes import (
    choose_positive,
    keep_positive,
    largest,
    log,
    maximum,
    minimum,
    smallest,
    splat,
)
from opticlir.transport.kernels.memory import load, store
from opticlir.transport.kernels.opening import begin_problem, compute_kernel
from opticlir.transport.kernels.problems import OUT_OF_RANGE, SOLVED, Answers, Problems, Settings
from opticlir.transport.kernels.slot import (
    DONE,
    ENDED,
    EPSILON,
    LINEAR,
    PHASE,
    VACANT,
    M,
    N,
    Slot,
    get,
    number,
    put,
    set_number,
)

CHUNK = 5
"""Iterations after which a problem is checked: its marginal error, and the range of u and v."""

_LEAST, _MOST = np.float32(1e-8), np.float32(1e8)
_LOST, _BURST = np.float32(1e-25), np.float32(1e25)
_ONE = np.float32(1)


@inlined
def begin_range(left: Slot, right: Slot) -> None:
    """Make both slots free."""
    put(left, PHASE, VACANT)
    put(right, PHASE, VACANT)


@compiled
def refill(
    left: Slot,
    right: Slot,
    problems: Problems,
    answers: Answers,
    settings: Settings,
    upcoming: int,
    last: int,
) -> int:
    """Write out what has ended and begin the next problems. Returns the one to begin after them."""
    if get(left, PHASE) != LINEAR:
        upcoming = _attend(left, problems, answers, settings, upcoming, last)
    if get(right, PHASE) != LINEAR:
        upcoming = _attend(right, problems, answers, settings, upcoming, last)
    return upcoming


@inlined
def is_busy(left: Slot, right: Slot) -> bool:
    """Whether a slot holds a problem."""
    return get(left, PHASE) != VACANT or get(right, PHASE) != VACANT


@compiled
def _attend(
    slot: Slot, problems: Problems, answers: Answers, settings: Settings, upcoming: int, last: int
) -> int:
    """See to a slot that is not iterating; returns the number of the problem to begin after it."""
    if get(slot, PHASE) == ENDED:
        close_problem(slot, problems.cost, answers, SOLVED)
        put(slot, PHASE, VACANT)
    while get(slot, PHASE) == VACANT and upcoming < last:
        status = begin_problem(slot, problems, settings, upcoming)
        upcoming += 1
        if status != SOLVED:
            refuse_problem(slot, answers, status)
            continue
        put(slot, PHASE, LINEAR)
        compute_kernel(slot, problems.cost)
    return upcoming


@inlined
def update_rows(slot: Slot, x: int) -> None:
    """Set u = a / (K x): rows sum to a."""
    rescale(slot.rows, x, slot.a, slot.u, (get(slot, N) + 7) >> 3, (get(slot, M) + 7) >> 3)


@inlined
def update_columns(slot: Slot) -> None:
    """Set v = b / (K' u): columns sum to b."""
    rescale(slot.columns, slot.u, slot.b, slot.v, (get(slot, M) + 7) >> 3, (get(slot, N) + 7) >> 3)


@inlined
def goes_on(slot: Slot, settings: Settings) -> bool:
    """Count an iteration. Returns whether there may be another."""
    done = get(slot, DONE) + 1
    put(slot, DONE, done)
    if done < settings.max_iterations:
        return True
    put(slot, PHASE, ENDED)
    return False


@compiled
def keep_in_range(slot: Slot, problems: Problems, answers: Answers, settings: Settings) -> None:
    """Keep a problem in range after a chunk: absorb large scalings, or leave it to the log domain."""
    if get(slot, PHASE) == VACANT:
        return
    least, most = splat(_ONE), splat(_ONE)
    for i in range(0, get(slot, M), 8):
        u = choose_positive(load(slot.a, i), load(slot.u, i), splat(_ONE))
        least, most = minimum(u, least), maximum(u, most)
    for j in range(0, get(slot, N), 8):
        v = choose_positive(load(slot.b, j), load(slot.v, j), splat(_ONE))
        least, most = minimum(v, least), maximum(v, most)
    if smallest(least) < _LOST or largest(most) > _BURST:  # a row or a column of K fell to 0
        refuse_problem(slot, answers, OUT_OF_RANGE)
        put(slot, PHASE, VACANT)
    elif get(slot, PHASE) == LINEAR and (
        smallest(least) < _LEAST
        or largest(most) > _MOST
        or number(slot, EPSILON) > np.float32(settings.epsilon)
    ):
        _absorb(slot, problems.cost, settings)


@compiled
def _absorb(slot: Slot, cost: int, settings: Settings) -> None:
    """Move u and v into f and g: the plan stays, the scalings start again from 1. Lower epsilon if due."""
    epsilon, one = splat(number(slot, EPSILON)), splat(_ONE)
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
    lower = max(np.float32(settings.epsilon), number(slot, EPSILON) * np.float32(settings.decay))
    set_number(slot, EPSILON, lower)
    compute_kernel(slot, cost)
