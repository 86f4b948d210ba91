"""Spread independent problems over as many threads as torch uses.

Numba's own parallel loops are not used: one of its layers aborts the process when two threads enter it at
once, another kills children forked after its first use. These kernels release the interpreter's lock, so
plain threads do.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import torch

_PIECES_PER_THREAD = 4
"""More pieces than threads, so that a thread with quick problems takes over from one with slow ones."""

_LEAST_WORK = 200_000
"""Matrix entries below which a second thread costs more than it brings: about 0.1 ms."""


def in_parallel(n_problems: int, entries: int, run: Callable[[int, int], None]) -> None:
    """Call `run(first, last)` on consecutive ranges that together cover all problems.

    Args:
        n_problems: how many there are.
        entries: size of each, in matrix entries.
        run: must release the interpreter's lock to gain from it, and must not share scratch memory.
    """
    n_threads = torch.get_num_threads()
    if n_threads == 1 or n_problems * entries < _LEAST_WORK:
        run(0, n_problems)
        return
    n_pieces = min(n_problems, n_threads * _PIECES_PER_THREAD)
    bounds = [n_problems * piece // n_pieces for piece in range(n_pieces + 1)]
    # list() waits for all and raises what one has raised
    list(_pool(n_threads).map(run, bounds[:-1], bounds[1:]))


@lru_cache(maxsize=1)
def _pool(n_threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(n_threads, thread_name_prefix="opticlir-transport")


# a forked child has the pool's queue but none of its threads
os.register_at_fork(after_in_child=_pool.cache_clear)
