"""The kernel matrix as diagonals of 8 x 8 blocks, and its product with a vector.

Row-major matrices make one of the two products of a Sinkhorn iteration slow: either sums run across
lanes, or each entry of x has to be loaded by itself. With a block kept as its eight diagonals,

    y[i] = sum over d of K[i, i + d] * x[i + d]      (indices modulo 8)

each diagonal is one load and one multiply-add, and x[i + d] is x turned by d lanes within its register.
Blocks on top of each other share the turned x: they are kept in groups of 4, 2 or 1.

Legend: C cost; f, g potentials; I, J a block's row and column; M, N numbers of blocks.
"""

from typing import Any

import numpy as np

from opticlir.transport.kernels.blocks import (
    fold1,
    fold2,
    fold4,
    multiply1,
    multiply2,
    multiply4,
    skew,
    transpose_skewed,
    zeros,
)
from opticlir.transport.kernels.compilation import compiled, inlined
from opticlir.transport.kernels.lanes import LOG2_E, exp2, fma, maximum, minimum, splat
from opticlir.transport.kernels.limits import FORBIDDEN
from opticlir.transport.kernels.memory import load, load_first, peek, store

_TINY = np.float32(1e-30)


@compiled
def rescale(matrix: int, x: int, wanted: int, y: int, n_x: int, n_y: int) -> None:
    """Set y = wanted / (matrix x), for n_y blocks of rows and n_x blocks of columns."""
    tiny = splat(_TINY)
    block = offset = 0
    while block + 4 <= n_y:
        sums = zeros()
        for j in range(n_x):
            sums = multiply4(sums, matrix, offset, load(x, 8 * j))
            offset += 256
        p, q, r, s = fold4(sums)
        lane = 8 * block
        store(y, lane, load(wanted, lane) / maximum(p, tiny))
        store(y, lane + 8, load(wanted, lane + 8) / maximum(q, tiny))
        store(y, lane + 16, load(wanted, lane + 16) / maximum(r, tiny))
        store(y, lane + 24, load(wanted, lane + 24) / maximum(s, tiny))
        block += 4
    if block + 2 <= n_y:
        sums = zeros()
        for j in range(n_x):
            sums = multiply2(sums, matrix, offset, load(x, 8 * j))
            offset += 128
        p, q = fold2(sums)
        lane = 8 * block
        store(y, lane, load(wanted, lane) / maximum(p, tiny))
        store(y, lane + 8, load(wanted, lane + 8) / maximum(q, tiny))
        block += 2
    if block < n_y:
        sums = zeros()
        for j in range(n_x):
            sums = multiply1(sums, matrix, offset, load(x, 8 * j))
            offset += 64
        (p,) = fold1(sums)
        store(y, 8 * block, load(wanted, 8 * block) / maximum(p, tiny))


@inlined
def place(block: int, n_blocks: int, n_inner: int) -> tuple[int, int]:
    """Position of the first diagonal of a block row in its group, and the step between diagonals."""
    rest = n_blocks & 3
    first_of_rest = n_blocks - rest
    if block < first_of_rest:
        first, width = block & ~3, 4
    elif block < first_of_rest + (rest & 2):
        first, width = first_of_rest, 2
    else:
        first, width = n_blocks - 1, 1
    return first * n_inner * 64 + (block - first) * 8, width * 8


@inlined
def store_diagonals(matrix: int, offset: int, step: int, diagonals: Any) -> None:
    """Write the eight diagonals of a block, `step` apart."""
    store(matrix, offset, diagonals[0])
    store(matrix, offset + step, diagonals[1])
    store(matrix, offset + 2 * step, diagonals[2])
    store(matrix, offset + 3 * step, diagonals[3])
    store(matrix, offset + 4 * step, diagonals[4])
    store(matrix, offset + 5 * step, diagonals[5])
    store(matrix, offset + 6 * step, diagonals[6])
    store(matrix, offset + 7 * step, diagonals[7])


@inlined
def load_diagonals(matrix: int, offset: int, step: int) -> Any:
    """The eight diagonals of a block, `step` apart."""
    return (
        load(matrix, offset),
        load(matrix, offset + step),
        load(matrix, offset + 2 * step),
        load(matrix, offset + 3 * step),
        load(matrix, offset + 4 * step),
        load(matrix, offset + 5 * step),
        load(matrix, offset + 6 * step),
        load(matrix, offset + 7 * step),
    )


@inlined
def read_tile(cost: int, offset: int, stride: int, n_rows: int, n_columns: int) -> Any:
    """Eight rows of eight costs; 0 past the last row or column, and nothing there is read."""
    if n_rows >= 8 and n_columns >= 8:
        return load_diagonals(cost, offset, stride)  # rows lie as diagonals do: `stride` apart
    return (
        load_first(cost, offset, n_columns),
        load_first(cost, offset + stride, n_columns if n_rows > 1 else 0),
        load_first(cost, offset + 2 * stride, n_columns if n_rows > 2 else 0),
        load_first(cost, offset + 3 * stride, n_columns if n_rows > 3 else 0),
        load_first(cost, offset + 4 * stride, n_columns if n_rows > 4 else 0),
        load_first(cost, offset + 5 * stride, n_columns if n_rows > 5 else 0),
        load_first(cost, offset + 6 * stride, n_columns if n_rows > 6 else 0),
        load_first(cost, offset + 7 * stride, n_columns if n_rows > 7 else 0),
    )


@inlined
def bounded(tile: Any) -> Any:
    """Replace infinities and NaNs, which are allowed where there is no mass, by 1e37."""
    most, least = splat(FORBIDDEN), splat(-FORBIDDEN)
    return (
        maximum(minimum(tile[0], most), least),
        maximum(minimum(tile[1], most), least),
        maximum(minimum(tile[2], most), least),
        maximum(minimum(tile[3], most), least),
        maximum(minimum(tile[4], most), least),
        maximum(minimum(tile[5], most), least),
        maximum(minimum(tile[6], most), least),
        maximum(minimum(tile[7], most), least),
    )


@inlined
def smallest_difference(tile: Any, f: int, i: int) -> Any:
    """The least of C - f in each column of a tile whose first row is i. C must not be minus infinity."""
    p = minimum(tile[0] - splat(peek(f, i)), tile[1] - splat(peek(f, i + 1)))
    q = minimum(tile[2] - splat(peek(f, i + 2)), tile[3] - splat(peek(f, i + 3)))
    r = minimum(tile[4] - splat(peek(f, i + 4)), tile[5] - splat(peek(f, i + 5)))
    s = minimum(tile[6] - splat(peek(f, i + 6)), tile[7] - splat(peek(f, i + 7)))
    return minimum(minimum(p, q), minimum(r, s))


@inlined
def _entry(f: float, g: Any, c: Any, c_scale: Any, scale: Any) -> Any:
    return exp2((fma(c, c_scale, splat(f)) + g) * scale)


@compiled
def exponentiate(
    cost: int,
    place_of_cost: tuple[int, int, int, int],
    potentials: tuple[int, int],
    into: tuple[int, int],
    epsilon: float,
    times: float,
) -> None:
    """Compute exp((f + g - times * C) / epsilon) as diagonals, by rows and transposed.

    Args:
        cost: flat costs of all problems.
        place_of_cost: rows m, columns n, offset of the first entry, row stride.
        potentials: f and g.
        into: the matrix for K v and the one for K' u.
        epsilon: entropy strength.
        times: how many times the cost counts.
    """
    m, n, start, stride = place_of_cost
    f, g = potentials
    rows, columns = into
    M, N = (m + 7) >> 3, (n + 7) >> 3
    scale, c_scale = splat(np.float32(LOG2_E / epsilon)), splat(np.float32(-times))
    for I in range(M):  # noqa: E741
        row_start, row_step = place(I, M, N)
        i = 8 * I
        for J in range(N):
            column_start, column_step = place(J, N, M)
            tile = read_tile(cost, start + i * stride + 8 * J, stride, m - i, n - 8 * J)
            gJ = load(g, 8 * J)
            diagonals = skew(
                (
                    _entry(peek(f, i), gJ, tile[0], c_scale, scale),
                    _entry(peek(f, i + 1), gJ, tile[1], c_scale, scale),
                    _entry(peek(f, i + 2), gJ, tile[2], c_scale, scale),
                    _entry(peek(f, i + 3), gJ, tile[3], c_scale, scale),
                    _entry(peek(f, i + 4), gJ, tile[4], c_scale, scale),
                    _entry(peek(f, i + 5), gJ, tile[5], c_scale, scale),
                    _entry(peek(f, i + 6), gJ, tile[6], c_scale, scale),
                    _entry(peek(f, i + 7), gJ, tile[7], c_scale, scale),
                )
            )
            store_diagonals(rows, row_start + J * row_step * 8, row_step, diagonals)
            transposed = transpose_skewed(diagonals)
            store_diagonals(columns, column_start + I * column_step * 8, column_step, transposed)
