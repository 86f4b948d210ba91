"""Spread independent problems over as many threads as torch uses.

Numba's own parallel loops are not used: one of its layers aborts the process when two threads enter it at
once, another kills children forked after its first use. These kernels release the interpreter's lock, so
plain threads do.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

_PIECES_PER_THREAD = 4
"""More pieces than threads, so that a thread with quick problems takes over from one with slow ones."""

_LEAST_WORK = 200_000
"""Matrix entries below which a second thread costs more than it brings: about 0.1 ms."""


def in_parallel(work: NDArray[np.int64], run: Callable[[int, int], None]) -> None:
    """Call `run(first, last)` on consecutive ranges that together cover all problems.

    Args:
        work: (problems,) what each problem costs, in matrix entries.
        run: must release the interpreter's lock to gain from it, and must not share scratch memory.
    """
    n_threads = torch.get_num_threads()
    if n_threads == 1 or work.sum() < _LEAST_WORK:
        run(0, len(work))
        return
    bounds = _equal_pieces(work, n_threads * _PIECES_PER_THREAD)
    # list() waits for all and raises what one has raised
    list(_pool(n_threads).map(run, bounds[:-1], bounds[1:]))


def _equal_pieces(work: NDArray[np.int64], n_pieces: int) -> list[int]:
    """Boundaries of pieces of about the same work, from 0 to the number of problems."""
    done = np.cumsum(work)
    cuts = np.searchsorted(done, np.arange(1, n_pieces) * (done[-1] / n_pieces))
    return [int(bound) for bound in np.unique((0, *cuts, len(work)))]


@lru_cache(maxsize=1)
def _pool(n_threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(n_threads, thread_name_prefix="opticlir-transport")


# a forked child has the pool's queue but none of its threads
os.register_at_fork(after_in_child=_pool.cache_clear)
