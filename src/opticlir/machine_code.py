"""Functions that are compiled to machine code, once per machine where it can be kept."""

import logging
from collections.abc import Callable
from typing import Any

from numba import njit

logger = logging.getLogger(__name__)


def compiled_once(function: Callable[..., Any], **options: Any) -> Any:
    """Compile a function with numba, and keep the machine code for the next process.

    It is kept next to the source if that folder is writable, else in the user's cache folder, or in
    `NUMBA_CACHE_DIR`. If none of them is writable, every process compiles again.

    Args:
        function: in the part of Python that numba knows.
        options: of `numba.njit`.
    """
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError as error:  # what numba raises when it finds no such place
        logger.warning("%s; compiling in every process: set NUMBA_CACHE_DIR to a folder to keep it in", error)
        return njit(**options)(function)
