"""Exact transport between small bags of tokens, by shortest augmenting paths.

Mass is shipped along paths whose reduced cost C - u - v is 0. The first prices make some paths free
(`initial_flow`). While a row has stock left, searches find the cheapest paths to columns with capacity. They move the
prices u and v until these paths are free too (`augmenting_path`). No reduced cost ever becomes negative, which
proves the optimum at the end (`flow_answer`).

Legend: C cost; u, v prices of rows and columns; m, n rows and columns.
"""

from typing import Any

import numpy as np

from opticlir.transport.kernels.augmenting_path import search
from opticlir.transport.kernels.compilation import compiled, entry_point, source_fingerprint
from opticlir.transport.kernels.depot import Depot
from opticlir.transport.kernels.flow_answer import refuse, write_answer
from opticlir.transport.kernels.initial_flow import ship_for_free, take_costs, take_marginal
from opticlir.transport.kernels.lanes import choose_less, maximum, splat, total
from opticlir.transport.kernels.memory import load, peek, peek_integer, poke_integer
from opticlir.transport.kernels.problems import (
    N_COLUMNS,
    N_ROWS,
    OFFSET,
    SOLVED,
    SOURCE,
    STRIDE,
    TARGET,
    UNREACHABLE,
    Answers,
    Problems,
)

_ZERO, _ONE = np.float32(0), np.float32(1)
_DUST = np.float32(1e-7)
"""Share of the mass, over all tokens, that rounding may leave where it is."""


@compiled
def _solve(depot: Depot, problems: Problems, problem: int) -> tuple[int, int]:
    """Fill the depot's flow and prices. Returns the status and the number of searches."""
    row = 6 * problem
    m, n = peek_integer(problems.layout, row + N_ROWS), peek_integer(problems.layout, row + N_COLUMNS)
    source, target = peek_integer(problems.layout, row + SOURCE), peek_integer(problems.layout, row + TARGET)
    status = max(
        take_marginal(problems.source_marginal, source, m, depot.a, depot.stock),
        take_marginal(problems.target_marginal, target, n, depot.b, depot.capacity),
    )
    if status != SOLVED:
        return status, 0
    offset, stride = peek_integer(problems.layout, row + OFFSET), peek_integer(problems.layout, row + STRIDE)
    status = take_costs(depot, problems.cost, offset, stride, m, n)
    if status != SOLVED:
        return status, 0
    for word in range(n * ((m + 63) >> 6)):
        poke_integer(depot.shippers, word, 0)
    mass = splat(_ZERO)
    for i in range(0, m, 8):
        mass = mass + load(depot.a, i)
    dust = _DUST * total(mass) / np.float32(m + n)
    ship_for_free(depot, m, n, dust)
    n_searches = 0
    for i in range(m):
        while peek(depot.stock, i) > dust:
            n_searches += 1
            if not search(depot, i, m, n, dust):
                # without capacity the target simply has less mass than the source
                return UNREACHABLE if _has_capacity(depot, n, dust) else SOLVED, n_searches
    return SOLVED, n_searches


@compiled
def _has_capacity(depot: Depot, n: int, dust: float) -> bool:
    capacity = splat(_ZERO)
    for j in range(0, n, 8):
        capacity = maximum(load(depot.capacity, j), capacity)
    return total(choose_less(splat(dust), capacity, splat(_ONE), splat(_ZERO))) > 0


def _entry_point(fingerprint: int) -> Any:
    @entry_point
    def solve_flows(problems: Problems, answers: Answers, first: int, last: int, depot: Depot) -> None:
        """Solve problems `first` to `last` - 1 exactly."""
        if fingerprint < 0:  # never: it is here to be part of the key under which this is cached
            return
        for problem in range(first, last):
            status, n_searches = _solve(depot, problems, problem)
            if status == SOLVED:
                write_answer(depot, problems, answers, problem)
            else:
                refuse(problems, answers, problem)
            poke_integer(answers.outcome, 2 * problem, status)
            poke_integer(answers.outcome, 2 * problem + 1, n_searches)

    return solve_flows


solve_flows = _entry_point(source_fingerprint())
