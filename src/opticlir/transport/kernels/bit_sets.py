"""Sets of small whole numbers as bits of int64 words: number k is bit k mod 64 of word k // 64."""

# ruff: noqa: ARG001 - numba calls typing functions and code generators with arguments most do not need
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

from opticlir.transport.kernels.compilation import inlined
from opticlir.transport.kernels.memory import peek_integer, poke_integer


@inlined
def insert(words: int, first: int, number: int) -> None:
    """Put a number into the set whose words begin with word `first` at an address."""
    word = first + (number >> 6)
    poke_integer(words, word, peek_integer(words, word) | np.int64(1) << (number & 63))


@inlined
def remove(words: int, first: int, number: int) -> None:
    """Take a number out of the set whose words begin with word `first` at an address."""
    word = first + (number >> 6)
    poke_integer(words, word, peek_integer(words, word) & ~(np.int64(1) << (number & 63)))


@intrinsic
def lowest_bit(typing_context: Any, bits: Any) -> Any:
    """Position of the lowest bit that is set in a word; the word must not be 0."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), generate
