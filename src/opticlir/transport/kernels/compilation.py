"""How kernels are compiled, and how a compiled one is found again without trusting a stale one."""

import inspect
import logging
from collections.abc import Callable
from typing import Any

from numba import njit

from opticlir.storage import sources

_LOGGER = logging.getLogger(__name__)


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function that other kernels call.

    Without the interpreter's lock; division by zero gives infinity, as everywhere outside Python.
    """
    return njit(nogil=True, error_model="numpy")(inspect.unwrap(function))


def inlined(function: Callable[..., Any]) -> Any:
    """Compile a function into those that call it: for what runs in each iteration.

    Handing a slot on costs as much as the work that such a function does.
    """
    return njit(nogil=True, error_model="numpy", forceinline=True)(inspect.unwrap(function))


def entry_point(function: Callable[..., Any]) -> Any:
    """Compile a kernel that Python calls, once per machine: it takes some ten seconds.

    The compiled form is kept beside the source, where that can be written, else in the user's cache folder,
    or wherever `NUMBA_CACHE_DIR` says. Where none of them can be written, every process compiles anew.
    """
    plain = inspect.unwrap(function)
    try:
        return njit(nogil=True, error_model="numpy", cache=True)(plain)
    except RuntimeError as error:  # what numba raises when it finds no such place
        _LOGGER.warning(
            "%s; compiling in every process: set NUMBA_CACHE_DIR to a folder to keep it in", error
        )
        return njit(nogil=True, error_model="numpy")(plain)


def source_fingerprint() -> int:
    """A number that changes with any kernel's source.

    Numba notices changes in the file of the function it caches, but not in the functions that one calls.
    It does count what a function closes over, so an entry point closes over this.
    """
    return int(sources.source_fingerprint(__package__)[:14], 16)
