"""Blocks of 8 x 8 float32 numbers inside a numba kernel: as rows, as diagonals, and times a vector."""

# ruff: noqa: ARG001 - numba calls typing functions and code generators with arguments most do not need
from collections.abc import Sequence
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from opticlir.transport.kernels import llvm
from opticlir.transport.kernels.lanes import LANES

EIGHT = types.UniTuple(LANES, 8)
"""A block of 8 x 8 numbers, or eight running sums."""


@intrinsic
def zeros(typing_context: Any) -> Any:
    """Eight vectors of zeros."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.make_tuple(builder, EIGHT, [llvm.constant(0.0)] * 8)

    return EIGHT(), generate


@intrinsic
def smallest_of_each(typing_context: Any, rows: Any) -> Any:
    """Lane i of the answer is the least lane of vector i."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        columns = _transpose(builder, cgutils.unpack_tuple(builder, args[0], 8))
        while len(columns) > 1:
            half = len(columns) // 2
            columns = [
                llvm.where(builder, "<", x, y, x, y)
                for x, y in zip(columns[:half], columns[half:], strict=True)
            ]
        return columns[0]

    return LANES(EIGHT), generate


def _transpose(builder: ir.IRBuilder, rows: Sequence[ir.Value]) -> list[ir.Value]:
    """8 x 8 transposition in three rounds of eight two-way shuffles."""
    answer = list(rows)
    for distance in (4, 2, 1):
        swapped = list(answer)
        low = [
            lane if not lane & distance else lane - distance + llvm.N_LANES for lane in range(llvm.N_LANES)
        ]
        high = [
            lane + distance if not lane & distance else lane + llvm.N_LANES for lane in range(llvm.N_LANES)
        ]
        for row in range(8):
            if not row & distance:
                pair = answer[row], answer[row + distance]
                swapped[row] = llvm.shuffle(builder, *pair, low)
                swapped[row + distance] = llvm.shuffle(builder, *pair, high)
        answer = swapped
    return answer


@intrinsic
def skew(typing_context: Any, rows: Any) -> Any:
    """Diagonals of an 8 x 8 block: lane i of answer d is entry (i, (i + d) mod 8)."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rows = cgutils.unpack_tuple(builder, args[0], 8)
        turned = [llvm.rotate(builder, row, i) for i, row in enumerate(rows)]
        return context.make_tuple(builder, EIGHT, _transpose(builder, turned))

    return EIGHT(EIGHT), generate


@intrinsic
def unskew(typing_context: Any, diagonals: Any) -> Any:
    """Rows of the block whose diagonals are given: the inverse of `skew`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        turned = _transpose(builder, cgutils.unpack_tuple(builder, args[0], 8))
        rows = [llvm.rotate(builder, row, -i % llvm.N_LANES) for i, row in enumerate(turned)]
        return context.make_tuple(builder, EIGHT, rows)

    return EIGHT(EIGHT), generate


@intrinsic
def transpose_skewed(typing_context: Any, diagonals: Any) -> Any:
    """Diagonals of the transposed block: lane j of answer d is entry ((j + d) mod 8, j)."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        given = cgutils.unpack_tuple(builder, args[0], 8)
        turned = [llvm.rotate(builder, given[-d % 8], d) for d in range(8)]
        return context.make_tuple(builder, EIGHT, turned)

    return EIGHT(EIGHT), generate


@intrinsic
def rotations(typing_context: Any, x: Any) -> Any:
    """Vectors of x turned by 0 to 7 lanes: what the diagonals of a block are multiplied with."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.make_tuple(builder, EIGHT, [llvm.rotate(builder, args[0], by) for by in range(8)])

    return EIGHT(LANES), generate


def _block_product(width: int) -> Any:
    """Make the inner loop's body for `width` blocks on top of each other."""

    def function(typing_context: Any, sums: Any, matrix: Any, offset: Any, x: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            sums = cgutils.unpack_tuple(builder, args[0], 8)
            for turn in range(8):
                turned = llvm.rotate(builder, args[3], turn) if turn else args[3]
                for block in range(width):
                    position = turn * width + block
                    offset = builder.add(args[2], ir.Constant(args[2].type, position * llvm.N_LANES))
                    entries = llvm.load(builder, args[1], offset)
                    # eight sums in turn: a sum waits four cycles for its last addition
                    sums[position % 8] = llvm.fma(builder, entries, turned, sums[position % 8])
            return context.make_tuple(builder, EIGHT, sums)

        return EIGHT(EIGHT, types.intp, types.intp, LANES), generate

    function.__doc__ = f"""Add to `sums` the product of {width} stacked 8 x 8 blocks with x.

    The blocks lie as diagonals from `offset` on: diagonal 0 of each block, diagonal 1 of each,
    and so on. `fold{width}` turns the eight running sums into the {width} parts of the product.
    """
    return intrinsic(function)


def _folding(width: int) -> Any:
    def function(typing_context: Any, sums: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            parts = cgutils.unpack_tuple(builder, args[0], 8)
            while len(parts) > width:
                half = len(parts) // 2
                parts = [builder.fadd(x, y) for x, y in zip(parts[:half], parts[half:], strict=True)]
            return context.make_tuple(builder, types.UniTuple(LANES, width), parts)

        return types.UniTuple(LANES, width)(EIGHT), generate

    function.__doc__ = f"The {width} parts of a product out of the eight running sums of `multiply{width}`."
    return intrinsic(function)


multiply1, multiply2, multiply4 = (_block_product(width) for width in (1, 2, 4))
fold1, fold2, fold4 = (_folding(width) for width in (1, 2, 4))
