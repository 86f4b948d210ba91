"""The scaling kernel for accelerators: one program per problem, its matrix in registers, one launch.

Follows `scaling` in everything but over-relaxation and the order of sums. Imported only where Triton is.

Legend: C cost; K kernel; a, b marginals; u, v scalings; f, g potentials in units of cost, the part of the
duals that K holds; M, N tile sizes, powers of 2. The plan is diag(u) K diag(v).
"""

# mypy: disable-error-code="no-untyped-def"
# Triton reads annotations as types of its own, so kernels have none but tl.constexpr
import triton  # type: ignore[import-not-found, unused-ignore]
import triton.language as tl  # type: ignore[import-not-found, unused-ignore]

# Triton takes only globals that are declared constant into a kernel
_FORBIDDEN = tl.constexpr(1e37)
_ABSENT = tl.constexpr(-3e38)
_FAR = tl.constexpr(3e38)
_TINY = tl.constexpr(1e-30)
_FLUSHED = tl.constexpr(1e-28)
_LEAST = tl.constexpr(1e-8)
_MOST = tl.constexpr(1e8)
_LOST = tl.constexpr(1e-25)
_BURST = tl.constexpr(1e25)
_RESOLUTION = tl.constexpr(2.4e-7)
_MARGIN = tl.constexpr(0.9)
_LOG2_E = tl.constexpr(1.4426950408889634)
_LN_2 = tl.constexpr(0.6931471805599453)
_CHUNK = tl.constexpr(5)

_SOLVED = tl.constexpr(0)
_NO_MASS = tl.constexpr(1)
_UNREACHABLE = tl.constexpr(2)
_BAD_MARGINAL = tl.constexpr(3)
_BAD_COST = tl.constexpr(4)
_OVERFLOWN = tl.constexpr(5)


@triton.jit
def _exp(x):
    """Raise e to the x; exactly 0 below -60, so that products of two stay normal numbers."""
    return tl.where(x > -60.0, tl.exp2(tl.minimum(x, 80.0) * _LOG2_E), 0.0)


@triton.jit
def _log(x):
    return tl.log2(tl.maximum(x, 1e-37)) * _LN_2


@triton.jit
def _soften(y, marginal, potential, epsilon, power):
    """Go only part of the way to the marginal; see `scaling`."""
    held = _log(marginal) - potential / epsilon
    return tl.where(marginal > 0, _exp(power * _log(y) + (1 - power) * held), 0.0)


@triton.jit
def _in_log_domain(
    C,
    a,
    b,
    g,
    epsilon,
    epsilon_end,
    decay,
    tolerance,
    max_iterations,
    power,
    IS_PROXIMAL: tl.constexpr,
):
    """Every iteration in the log domain, for a problem whose K float32 cannot hold."""
    has_a, has_b = a > 0, b > 0
    f = tl.where(has_a, a * 0, _ABSENT)
    log_a, log_b = _log(a), _log(b)
    done = tl.full((), 0, tl.int32)
    times, change = tl.full((), 1.0, tl.float32), tl.full((), float("inf"), tl.float32)
    running = done < max_iterations
    while running:
        z = tl.where(has_b[None, :], g[None, :] - times * C, _ABSENT)
        top = tl.max(z, axis=1)
        mass = tl.sum(_exp((z - top[:, None]) / epsilon), axis=1)
        f_next = tl.where(has_a, epsilon * log_a - power * (epsilon * _log(mass) + top), _ABSENT)
        moved = tl.sum(tl.where(has_a, a * tl.abs(_exp((f - f_next) / epsilon) - 1), 0.0), axis=0)
        change = tl.where(done > 0, moved, change)
        settled = (done > 0) & (epsilon <= epsilon_end) & (change <= _MARGIN * tolerance)
        if IS_PROXIMAL:
            settled = done < 0
        z = tl.where(has_a[:, None], f_next[:, None] - times * C, _ABSENT)
        top_b = tl.max(z, axis=0)
        mass_b = tl.sum(_exp((z - top_b[None, :]) / epsilon), axis=0)
        g_next = tl.where(has_b, epsilon * log_b - power * (epsilon * _log(mass_b) + top_b), _ABSENT)
        f, g = tl.where(settled, f, f_next), tl.where(settled, g, g_next)
        done = tl.where(settled, done, done + 1)
        running = (done < max_iterations) & (settled == 0)
        if IS_PROXIMAL:
            times = tl.where(running, times + 1, times)
        is_due = running & (done % _CHUNK == 0)
        epsilon = tl.where(is_due, tl.maximum(epsilon_end, epsilon * decay), epsilon)
    return f, g, epsilon, times, change, done


@triton.jit
def _in_linear_domain(
    C,
    a,
    b,
    f,
    g,
    v,
    epsilon,
    epsilon_end,
    decay,
    tolerance,
    max_iterations,
    power,
    IS_PROXIMAL: tl.constexpr,
    IS_SOFT: tl.constexpr,
):
    """Iterate on u and v; returns them with what K holds, and the range they ended in."""
    K = _exp((f[:, None] - C + g[None, :]) / epsilon)
    step, f_step, g_step = K, f, g
    u, v_old = tl.where(a > 0, a * 0 + 1, 0.0), v
    done = tl.full((), 0, tl.int32)
    times, change = tl.full((), 1.0, tl.float32), tl.full((), float("inf"), tl.float32)
    least, most = tl.full((), 1.0, tl.float32), tl.full((), 1.0, tl.float32)
    running = done < max_iterations
    while running:
        x = v
        if IS_PROXIMAL:
            is_later = done > 0
            x = tl.where(is_later, v * (v / tl.maximum(v_old, _FLUSHED)), v)
            v_old = v
            product = K * step
            K = tl.where(is_later, tl.where(product > _FLUSHED, product, 0.0), K)
            f, g = tl.where(is_later, f + f_step, f), tl.where(is_later, g + g_step, g)
            times = tl.where(is_later, times + 1, times)
        u_next = a / tl.maximum(tl.sum(K * x[None, :], axis=1), _TINY)
        if IS_SOFT:
            u_next = _soften(u_next, a, f, epsilon, power)
        is_look = (done > 0) & (done % _CHUNK == 0)
        moved = tl.sum(a * tl.abs(u / tl.maximum(u_next, _FLUSHED) - 1), axis=0)
        change = tl.where(is_look, moved, change)
        enough = tl.maximum(_MARGIN * tolerance, _RESOLUTION)
        settled = is_look & (epsilon <= epsilon_end) & (change <= enough)
        if IS_PROXIMAL:
            settled = done < 0
        u = tl.where(settled, u, u_next)
        v_next = b / tl.maximum(tl.sum(K * u[:, None], axis=0), _TINY)
        if IS_SOFT:
            v_next = _soften(v_next, b, g, epsilon, power)
        v = tl.where(settled, v, v_next)
        done = tl.where(settled, done, done + 1)
        least = tl.minimum(tl.min(tl.where(a > 0, u, 1.0), axis=0), tl.min(tl.where(b > 0, v, 1.0), axis=0))
        most = tl.maximum(tl.max(u, axis=0), tl.max(v, axis=0))
        has_burst = (least < _LOST) | (most > _BURST)
        running = (done < max_iterations) & (settled == 0) & (has_burst == 0)
        is_due = (done % _CHUNK == 0) & ((least < _LEAST) | (most > _MOST) | (epsilon > epsilon_end))
        if running & is_due:
            f = f + tl.where(a > 0, epsilon * _log(u), 0.0)
            g = g + tl.where(b > 0, epsilon * _log(v), 0.0)
            v_old = v_old / tl.where(b > 0, v, 1.0)
            u, v = tl.where(a > 0, a * 0 + 1, 0.0), tl.where(b > 0, b * 0 + 1, 0.0)
            epsilon = tl.maximum(epsilon_end, epsilon * decay)
            K = _exp((f[:, None] - times * C + g[None, :]) / epsilon)
    return K, u, v, f, g, epsilon, times, change, done, least, most


@triton.jit
def scale_problem(
    cost,
    source_marginal,
    target_marginal,
    start,
    layout,
    numbers,
    plan,
    source_potential,
    target_potential,
    measures,
    outcome,
    epsilon_end,
    epsilon_start,
    decay,
    tolerance,
    max_iterations,
    power,
    IS_PROXIMAL: tl.constexpr,
    IS_SOFT: tl.constexpr,
    IS_WARM: tl.constexpr,
    M: tl.constexpr,
    N: tl.constexpr,
):
    """Solve the problem whose number stands at this program's place in `numbers`."""
    problem = tl.load(numbers + tl.program_id(0))
    row = layout + 6 * problem
    m, n, offset = tl.load(row), tl.load(row + 1), tl.load(row + 2)
    stride, source, target = tl.load(row + 3), tl.load(row + 4), tl.load(row + 5)
    i, j = tl.arange(0, M), tl.arange(0, N)
    inside = (i < m)[:, None] & (j < n)[None, :]
    entries = offset + i[:, None] * stride + j[None, :]
    a = tl.load(source_marginal + source + i, mask=i < m, other=0.0)
    b = tl.load(target_marginal + target + j, mask=j < n, other=0.0)
    C = tl.load(cost + entries, mask=inside, other=0.0)

    # what is wrong with it, if anything; a NaN passes none of the tests
    is_active = (a > 0)[:, None] & (b > 0)[None, :]
    bad_a = tl.sum(tl.where((a >= 0) & (a < float("inf")), 0, 1), axis=0)
    bad_b = tl.sum(tl.where((b >= 0) & (b < float("inf")), 0, 1), axis=0)
    bad_c = tl.sum(tl.sum(tl.where(is_active & ((C > -_FORBIDDEN) == 0), 1, 0), axis=1), axis=0)
    C = tl.where(is_active & (C > -_FORBIDDEN), tl.minimum(C, _FORBIDDEN), _FORBIDDEN)
    a, b = tl.where((a > 0) & (a < float("inf")), a, 0.0), tl.where((b > 0) & (b < float("inf")), b, 0.0)
    g = tl.where(b > 0, b * 0, _ABSENT)
    if IS_WARM:
        g = tl.where(b > 0, tl.load(start + target + j, mask=j < n, other=0.0), _ABSENT)
    given = g
    f = tl.where(a > 0, tl.min(tl.where((b > 0)[None, :], C - g[None, :], _FORBIDDEN), axis=1), _ABSENT)
    reduced = tl.min(tl.where((a > 0)[:, None], C - f[:, None], _FORBIDDEN), axis=0)
    worst = tl.maximum(tl.max(f, axis=0), tl.max(tl.where(b > 0, reduced, 0.0), axis=0))
    slack = tl.where(b > 0, reduced - g, 0.0)
    g = g + slack
    status = tl.where(worst >= _FORBIDDEN, _UNREACHABLE, _SOLVED)
    has_no_mass = (tl.sum(a, axis=0) == 0) | (tl.sum(b, axis=0) == 0)
    status = tl.where(has_no_mass, _NO_MASS, tl.where(bad_c > 0, _BAD_COST, status))
    status = tl.where(bad_a + bad_b > 0, _BAD_MARGINAL, status)

    v = b
    if IS_WARM:
        v = tl.where(b > 0, b * 0 + 1, 0.0)
    if IS_PROXIMAL == 0:
        v = v * _exp(-slack / epsilon_start)
    epsilon = tl.full((), 0.0, tl.float32) + epsilon_start
    rounds = tl.where(status == _SOLVED, max_iterations, 0)
    K, u, v, F, G, epsilon, times, change, done, least, most = _in_linear_domain(
        C, a, b, f, g, v, epsilon, epsilon_end, decay, tolerance, rounds, power, IS_PROXIMAL, IS_SOFT
    )
    if (least < _LOST) | (most > _BURST):
        given = tl.where(b > 0, given + epsilon_start * _log(b), _ABSENT)
        if IS_WARM:
            given = tl.where(b > 0, tl.load(start + target + j, mask=j < n, other=0.0), _ABSENT)
        epsilon = tl.full((), 0.0, tl.float32) + epsilon_start
        F, G, epsilon, times, change, done = _in_log_domain(
            C, a, b, given, epsilon, epsilon_end, decay, tolerance, rounds, power, IS_PROXIMAL
        )
        u, v = tl.where(a > 0, a * 0 + 1, 0.0), tl.where(b > 0, b * 0 + 1, 0.0)
        K = _exp((F[:, None] - times * C + G[None, :]) / epsilon)

    is_solved = status == _SOLVED
    P = tl.where(is_solved & is_active, u[:, None] * K * v[None, :], 0.0)
    F = tl.where(is_solved & (a > 0), (F + epsilon * _log(u)) / times, 0.0)
    G = tl.where(is_solved & (b > 0), (G + epsilon * _log(v)) / times, 0.0)
    value = tl.sum(tl.sum(P * C, axis=1), axis=0)
    error = tl.sum(tl.abs(tl.sum(P, axis=1) - a), axis=0) + tl.sum(tl.abs(tl.sum(P, axis=0) - b), axis=0)
    best = tl.min(tl.where((a > 0)[:, None], C - F[:, None], _FAR), axis=0)
    gap = value - tl.sum(a * F, axis=0) - tl.sum(tl.where(b > 0, b * best, 0.0), axis=0)
    gap = tl.where(tl.abs(gap) < float("inf"), gap, float("inf"))
    is_finite = (tl.abs(value) < float("inf")) & (error < float("inf"))
    status = tl.where(is_solved & (is_finite == 0), _OVERFLOWN, status)
    is_solved = status == _SOLVED
    P, F, G = tl.where(is_solved, P, 0.0), tl.where(is_solved, F, 0.0), tl.where(is_solved, G, 0.0)
    tl.store(plan + entries, P, mask=inside)
    tl.store(source_potential + source + i, F, mask=i < m)
    tl.store(target_potential + target + j, G, mask=j < n)
    tl.store(measures + 4 * problem, tl.where(is_solved, value, 0.0))
    tl.store(measures + 4 * problem + 1, tl.where(is_solved, error, float("inf")))
    tl.store(measures + 4 * problem + 2, tl.where(is_solved, gap, float("inf")))
    tl.store(measures + 4 * problem + 3, change)
    tl.store(outcome + 2 * problem, status.to(tl.int64))
    tl.store(outcome + 2 * problem + 1, done.to(tl.int64))
