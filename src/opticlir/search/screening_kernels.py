"""Compiled loops of screening: integer products of query tokens with all document tokens, and their maxima.

A processor with AVX2 multiplies 32 pairs of 8-bit integers in one instruction and adds neighbours to 16 bits
(`vpmaddubsw`): four times as many products as its float32 instructions. After sixteen values the sums are widened to
32 bits. All sums are exact, so that their order changes nothing; `screening` sees to it that none overflows.

Legend: R document tokens and V vectors of eight query tokens are multiplied at a time. A panel holds query tokens as
(width / 4, tokens, 4) int8: four neighbouring values of each token side by side.
"""

from collections.abc import Callable
from typing import Any, no_type_check

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from opticlir.machine_code import compiled_once

BLOCK = 16
"""Values that are summed in 16 bits; a row is padded to a multiple of them."""
CENTRE = 63
"""Document codes are between 0 and twice this; it stands for 0."""
PANEL = 32
"""Query tokens of a full panel: with 384 values each it stays in the first-level cache."""
_GROUP_TOKENS = 256
"""Document tokens that meet one panel after the other: with 384 values each they take 98 KB."""
_TINY = np.float32(2.0**-100)
"""A row without a larger value counts as zeros, since its scale could not be inverted; its residual says so."""

_FLOAT, _INT, _SIZE = ir.FloatType(), ir.IntType(32), ir.IntType(64)
_BYTES, _SHORTS = ir.VectorType(ir.IntType(8), 32), ir.VectorType(ir.IntType(16), 16)
_INTS, _FLOATS = ir.VectorType(_INT, 8), ir.VectorType(_FLOAT, 8)


def _place(builder: ir.IRBuilder, base: ir.Value, n_bytes: ir.Value | int, kind: ir.Type) -> ir.Value:
    """The address `n_bytes` behind a base."""
    offset = ir.Constant(_SIZE, n_bytes) if isinstance(n_bytes, int) else n_bytes
    return builder.inttoptr(builder.add(base, offset), kind.as_pointer())


def _load(builder: ir.IRBuilder, place: ir.Value, align: int) -> ir.Value:
    value = builder.load(place)
    value.align = align
    return value


def _splat(builder: ir.IRBuilder, scalar: ir.Value, kind: ir.VectorType) -> ir.Value:
    """A scalar in all eight places."""
    undefined = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(_INT, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(_INTS, [0] * 8))


def _call(builder: ir.IRBuilder, name: str, kind: ir.Type, arguments: list[ir.Value]) -> ir.Value:
    """An instruction of the processor."""
    signature = ir.FunctionType(kind, [argument.type for argument in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, signature, name), arguments)


def _block_sums(
    builder: ir.IRBuilder, rows: list[ir.Value], panel: ir.Value, n_vectors: int
) -> list[list[ir.Value]]:
    """The sums of a block in 16 bits, two for each pair of tokens; `rows` and `panel` are its addresses."""
    sums: list[list[Any]] = [[None] * n_vectors for _ in rows]
    for step in range(BLOCK // 4):
        query = [
            _load(builder, _place(builder, panel, 32 * (step * n_vectors + vector), _BYTES), 1)
            for vector in range(n_vectors)
        ]
        for each, start in zip(sums, rows, strict=True):
            four = _load(builder, _place(builder, start, 4 * step, _INT), 1)
            token = builder.bitcast(_splat(builder, four, _INTS), _BYTES)
            for vector, part in enumerate(query):
                products = _call(builder, "llvm.x86.avx2.pmadd.ub.sw", _SHORTS, [token, part])
                each[vector] = products if step == 0 else builder.add(each[vector], products)
    return sums


def _tile(n_rows: int, n_vectors: int) -> Callable[..., None]:
    """An instruction that raises the maxima of `n_vectors` * 8 query tokens by those of `n_rows` document tokens."""

    @intrinsic
    @no_type_check  # numba must compile the function itself, not a wrapper of a type checker
    def tile(_context, rows, width, panel, corrections, scales, best):  # noqa: ARG001
        signature = types.void(types.uintp, types.intp, types.uintp, types.uintp, types.uintp, types.uintp)

        def code(context, builder, _signature, arguments):
            rows, width, panel, corrections, scales, best = arguments
            ones = ir.Constant(_SHORTS, [1] * 16)
            sums = [[cgutils.alloca_once(builder, _INTS) for _ in range(n_vectors)] for _ in range(n_rows)]
            for vector in range(n_vectors):
                correction = _load(builder, _place(builder, corrections, 32 * vector, _INTS), 4)
                for each in sums:
                    builder.store(correction, each[vector])
            starts = [builder.add(rows, builder.mul(width, ir.Constant(_SIZE, row))) for row in range(n_rows)]
            with cgutils.for_range(builder, builder.udiv(width, ir.Constant(_SIZE, BLOCK))) as loop:
                row_step = builder.mul(loop.index, ir.Constant(_SIZE, BLOCK))
                panel_step = builder.mul(loop.index, ir.Constant(_SIZE, BLOCK * 8 * n_vectors))
                here = [builder.add(start, row_step) for start in starts]
                found = _block_sums(builder, here, builder.add(panel, panel_step), n_vectors)
                for each, shorts in zip(sums, found, strict=True):
                    for place, part in zip(each, shorts, strict=True):
                        wide = _call(builder, "llvm.x86.avx2.pmadd.wd", _INTS, [part, ones])
                        builder.store(builder.add(builder.load(place), wide), place)
            for vector in range(n_vectors):
                place = _place(builder, best, 32 * vector, _FLOATS)
                highest = _load(builder, place, 4)
                for row in range(n_rows):
                    scale = _load(builder, _place(builder, scales, 4 * row, _FLOAT), 4)
                    similarity = builder.sitofp(builder.load(sums[row][vector]), _FLOATS)
                    score = builder.fmul(similarity, _splat(builder, scale, _FLOATS))
                    highest = builder.select(builder.fcmp_ordered(">", score, highest), score, highest)
                builder.store(highest, place).align = 4
            return context.get_dummy_value()

        return signature, code

    return tile


# the sums of a block and a panel's values fit into the sixteen registers
_tile_8_1, _tile_6_2, _tile_4_3, _tile_3_4 = _tile(8, 1), _tile(6, 2), _tile(4, 3), _tile(3, 4)
_tile_1_1, _tile_1_2, _tile_1_3, _tile_1_4 = _tile(1, 1), _tile(1, 2), _tile(1, 3), _tile(1, 4)


@njit(nogil=True, error_model="numpy")
@no_type_check
def _raise_maxima(n_vectors, rows, n_rows, width, panel, corrections, scales, best):
    """Raise the maxima of a panel by those of some document tokens."""
    row = 0
    step = 8 if n_vectors == 1 else 12 // n_vectors
    while row < n_rows:
        tokens, factors = np.uintp(rows + row * width), np.uintp(scales + 4 * row)
        if row + step <= n_rows:
            if n_vectors == 4:
                _tile_3_4(tokens, width, panel, corrections, factors, best)
            elif n_vectors == 3:
                _tile_4_3(tokens, width, panel, corrections, factors, best)
            elif n_vectors == 2:
                _tile_6_2(tokens, width, panel, corrections, factors, best)
            else:
                _tile_8_1(tokens, width, panel, corrections, factors, best)
            row += step
        else:
            if n_vectors == 4:
                _tile_1_4(tokens, width, panel, corrections, factors, best)
            elif n_vectors == 3:
                _tile_1_3(tokens, width, panel, corrections, factors, best)
            elif n_vectors == 2:
                _tile_1_2(tokens, width, panel, corrections, factors, best)
            else:
                _tile_1_1(tokens, width, panel, corrections, factors, best)
            row += 1


@no_type_check
def _score_documents(codes, scales, bounds, panels, corrections, query_scales, owners, out, column):  # noqa: PLR0913, PLR0917
    """Fill `out` with the sums of the maxima of documents.

    Args:
        codes: (n, width) uint8.
        scales: (n,) float32.
        bounds: (documents + 1,) int64, the first token of each document; each has at least one.
        panels: int8, one after the other; all but the last hold `PANEL` query tokens.
        corrections: (lanes,) int32, what a sum of products begins with, since codes are around `CENTRE`.
        query_scales: (lanes,) float64, 0 where a panel is padded.
        owners: (lanes,) int64, the row of each query token in `out`.
        out: (queries, all documents) float32.
        column: that of the first document in `out`.
    """
    width, n_lanes, n_documents = codes.shape[1], len(owners), len(bounds) - 1
    best = np.empty((_GROUP_TOKENS, n_lanes), np.float32)
    totals = np.empty(out.shape[0])
    first = 0
    while first < n_documents:
        last = first + 1
        while last < n_documents and bounds[last + 1] - bounds[first] <= _GROUP_TOKENS:
            last += 1
        best[: last - first] = -np.inf
        for lane in range(0, n_lanes, PANEL):
            n_vectors = (min(PANEL, n_lanes - lane) + 7) // 8
            for document in range(first, last):
                start = bounds[document]
                _raise_maxima(
                    n_vectors,
                    codes.ctypes.data + start * width,
                    bounds[document + 1] - start,
                    width,
                    np.uintp(panels.ctypes.data + lane * width),
                    np.uintp(corrections.ctypes.data + 4 * lane),
                    scales.ctypes.data + 4 * start,
                    np.uintp(best.ctypes.data + 4 * ((document - first) * n_lanes + lane)),
                )
        for document in range(first, last):
            totals[:] = 0.0
            for lane in range(n_lanes):
                totals[owners[lane]] += best[document - first, lane] * query_scales[lane]
            for query in range(len(totals)):
                out[query, column + document] = totals[query]
        first = last


@no_type_check
def _encode(rows, codes, scales, residuals, norms):
    """Round the rows to 7 bits, and measure what is lost. A row with NaN gets a residual that is NaN.

    Args:
        rows: (n, dim) float32.
        codes: (n, width) uint8, filled.
        scales: (n,) float32, filled.
        residuals: (n,) float64, filled: the length of `row - scale * (code - CENTRE)`.
        norms: (n,) float64, filled: the length of `scale * (code - CENTRE)`.
    """
    for row in range(len(rows)):
        highest = np.float32(0.0)
        for place in range(rows.shape[1]):
            highest = max(highest, abs(rows[row, place]))
        inverse = np.float32(0.0)
        scales[row] = 0.0
        if not highest < _TINY:  # also of NaN
            scales[row], inverse = highest / np.float32(CENTRE), np.float32(CENTRE) / highest
        lost = kept = 0.0
        for place in range(rows.shape[1]):
            code = np.rint(rows[row, place] * inverse)
            code = min(max(code, np.float32(-CENTRE)), np.float32(CENTRE))
            codes[row, place] = np.uint8(code + np.float32(CENTRE))
            value = np.float64(scales[row]) * np.float64(code)
            lost += (np.float64(rows[row, place]) - value) ** 2
            kept += value**2
        residuals[row] = np.sqrt(lost)
        norms[row] = np.sqrt(kept)


_OPTIONS = {"nogil": True, "error_model": "numpy"}
score_documents = compiled_once(_score_documents, **_OPTIONS)
encode = compiled_once(_encode, fastmath={"reassoc", "contract"}, **_OPTIONS)
