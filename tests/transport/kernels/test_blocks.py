import numpy as np
from kernel_runs import run
from numba import njit

from opticlir.transport.kernels import blocks, memory


@njit
def _block(x, y):
    rows = (
        memory.load(x, 0), memory.load(x, 8), memory.load(x, 16), memory.load(x, 24),
        memory.load(x, 32), memory.load(x, 40), memory.load(x, 48), memory.load(x, 56),
    )  # fmt: skip
    diagonals = blocks.skew(rows)
    for number, block in enumerate((diagonals, blocks.transpose_skewed(diagonals), blocks.unskew(diagonals))):
        at = 64 * number
        memory.store(y, at, block[0])
        memory.store(y, at + 8, block[1])
        memory.store(y, at + 16, block[2])
        memory.store(y, at + 24, block[3])
        memory.store(y, at + 32, block[4])
        memory.store(y, at + 40, block[5])
        memory.store(y, at + 48, block[6])
        memory.store(y, at + 56, block[7])
    memory.store(y, 192, blocks.smallest_of_each(rows))


def test_blocks_as_diagonals():
    matrix = np.random.default_rng(0).random((8, 8), dtype=np.float32)
    y = run(_block, matrix, np.empty(200, np.float32))
    diagonals, transposed, again = y[:192].reshape(3, 8, 8)
    for d in range(8):
        np.testing.assert_array_equal(diagonals[d], [matrix[i, (i + d) % 8] for i in range(8)])
        np.testing.assert_array_equal(transposed[d], [matrix[(j + d) % 8, j] for j in range(8)])
    np.testing.assert_array_equal(again, matrix)
    np.testing.assert_array_equal(y[192:], matrix.min(axis=1))


@njit
def _multiply(matrix, x, y):
    sums = blocks.multiply4(blocks.zeros(), matrix, 0, memory.load(x, 0))
    p, q, r, s = blocks.fold4(sums)
    memory.store(y, 0, p)
    memory.store(y, 8, q)
    memory.store(y, 16, r)
    memory.store(y, 24, s)
    p, q = blocks.fold2(blocks.multiply2(blocks.zeros(), matrix, 256, memory.load(x, 0)))
    memory.store(y, 32, p)
    memory.store(y, 40, q)
    (p,) = blocks.fold1(blocks.multiply1(blocks.zeros(), matrix, 384, memory.load(x, 0)))
    memory.store(y, 48, p)


def test_products_of_stacked_blocks():
    rng = np.random.default_rng(0)
    stacked, x = rng.random((7, 8, 8), dtype=np.float32), rng.random(8, dtype=np.float32)
    lane = np.arange(8)
    diagonals = np.stack([[block[lane, (lane + d) % 8] for block in stacked] for d in range(8)])
    groups = [diagonals[:, first:last].reshape(-1) for first, last in ((0, 4), (4, 6), (6, 7))]
    y = run(_multiply, np.concatenate(groups), x, np.empty(56, np.float32)).reshape(7, 8)
    np.testing.assert_allclose(y, stacked @ x, rtol=1e-6)
