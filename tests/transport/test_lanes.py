"""What kernels are made of, against numpy in float64."""

import numpy as np
import pytest
from numba import njit

from opticlir.transport.kernels import lanes


def run(kernel, *arrays):
    kernel(*(array.ctypes.data for array in arrays))
    return arrays[-1]


def vector(*values):
    return np.array(values, dtype=np.float32)


@njit
def _map_exp2(x, n, y):
    for start in range(0, n, 8):
        lanes.store(y, start, lanes.exp2(lanes.load(x, start)))


@njit
def _map_log(x, n, y):
    for start in range(0, n, 8):
        lanes.store(y, start, lanes.log(lanes.load(x, start)))


@pytest.mark.parametrize(
    ("kernel", "reference", "x"),
    [
        (_map_exp2, np.exp2, np.linspace(-86.9, 119.9, 80_000)),
        (_map_exp2, np.exp2, np.linspace(-1, 1, 80_000)),
        (_map_log, np.log, np.exp(np.linspace(-80, 80, 80_000))),
        (_map_log, np.log, np.linspace(0.5, 2, 80_000)),
    ],
)
def test_functions_are_right_to_two_units_in_the_last_place(kernel, reference, x):
    x = x.astype(np.float32)
    y = np.empty_like(x)
    kernel(x.ctypes.data, x.size, y.ctypes.data)
    expected = reference(x.astype(np.float64))
    units = np.abs(y - expected) / np.spacing(np.maximum(np.abs(expected), 1e-3).astype(np.float32))
    assert units.max() < 2


def test_exp2_at_its_ends():
    x = vector(-87.1, -1e30, -np.inf, np.nan, -87.0, 0.0, 3.0, 500.0)
    y = np.empty_like(x)
    _map_exp2(x.ctypes.data, 8, y.ctypes.data)
    assert y[:5].tolist() == [0, 0, 0, 0, 0]
    assert y[5:7].tolist() == [1, 8]
    assert np.isfinite(y[7])


@njit
def _choose(x, y):
    a, b = lanes.load(x, 0), lanes.load(x, 8)
    lanes.store(y, 0, lanes.maximum(a, b))
    lanes.store(y, 8, lanes.minimum(a, b))
    lanes.store(y, 16, lanes.keep_positive(b, a))
    lanes.store(y, 24, lanes.choose_positive(a, b, a))
    lanes.store(y, 32, lanes.choose_less(a, b, a, b))
    lanes.store(y, 40, lanes.absolute(a))
    lanes.store(y, 48, lanes.fma(a, b, b))


def test_choices_by_hand():
    a = vector(1, -1, np.nan, 2, 0, -3, 5, np.inf)
    b = vector(2, -2, 7, 2, 1, 4, -5, 1)
    y = run(_choose, np.concatenate((a, b)), np.empty(56, np.float32)).reshape(7, 8)
    np.testing.assert_array_equal(y[0], [2, -1, 7, 2, 1, 4, 5, np.inf])
    np.testing.assert_array_equal(y[1], [1, -2, 7, 2, 0, -3, -5, 1])
    np.testing.assert_array_equal(y[2], [2, 0, 0, 2, 0, 0, -5, 1])
    np.testing.assert_array_equal(y[3], [2, -1, np.nan, 2, 0, -3, -5, 1])
    np.testing.assert_array_equal(y[4], [1, -2, 7, 2, 0, -3, -5, 1])
    np.testing.assert_array_equal(y[5], [1, 1, np.nan, 2, 0, 3, 5, np.inf])
    np.testing.assert_array_equal(y[6], [4, 0, np.nan, 6, 1, -8, -30, np.inf])


@njit
def _fold(x, y):
    a = lanes.load(x, 0)
    lanes.poke(y, 0, lanes.total(a))
    lanes.poke(y, 1, lanes.smallest(a))
    lanes.poke(y, 2, lanes.largest(a))


def test_folds_by_hand():
    assert run(_fold, vector(3, 1, 4, 1, -5, 9, 2, 6), np.empty(3, np.float32)).tolist() == [21, -5, 9]


@njit
def _partial(x, y):
    for count in range(9):
        lanes.store_first(y, 8 * count, count, lanes.load_first(x, 0, 8))
        lanes.store(y, 72 + 8 * count, lanes.load_first(x, 0, count))


def test_parts_of_a_vector_touch_nothing_else():
    y = run(_partial, np.arange(1, 9, dtype=np.float32), np.full(144, -1, np.float32)).reshape(2, 9, 8)
    for count in range(9):
        lane = np.arange(8)
        np.testing.assert_array_equal(y[0, count], np.where(lane < count, lane + 1, -1))
        np.testing.assert_array_equal(y[1, count], np.where(lane < count, lane + 1, 0))


@njit
def _block(x, y):
    rows = (
        lanes.load(x, 0), lanes.load(x, 8), lanes.load(x, 16), lanes.load(x, 24),
        lanes.load(x, 32), lanes.load(x, 40), lanes.load(x, 48), lanes.load(x, 56),
    )  # fmt: skip
    diagonals = lanes.skew(rows)
    for number, block in enumerate((diagonals, lanes.transpose_skewed(diagonals), lanes.unskew(diagonals))):
        at = 64 * number
        lanes.store(y, at, block[0])
        lanes.store(y, at + 8, block[1])
        lanes.store(y, at + 16, block[2])
        lanes.store(y, at + 24, block[3])
        lanes.store(y, at + 32, block[4])
        lanes.store(y, at + 40, block[5])
        lanes.store(y, at + 48, block[6])
        lanes.store(y, at + 56, block[7])
    lanes.store(y, 192, lanes.smallest_of_each(rows))


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
    sums = lanes.multiply4(lanes.zeros(), matrix, 0, lanes.load(x, 0))
    p, q, r, s = lanes.fold4(sums)
    lanes.store(y, 0, p)
    lanes.store(y, 8, q)
    lanes.store(y, 16, r)
    lanes.store(y, 24, s)
    p, q = lanes.fold2(lanes.multiply2(lanes.zeros(), matrix, 256, lanes.load(x, 0)))
    lanes.store(y, 32, p)
    lanes.store(y, 40, q)
    (p,) = lanes.fold1(lanes.multiply1(lanes.zeros(), matrix, 384, lanes.load(x, 0)))
    lanes.store(y, 48, p)


def test_products_of_stacked_blocks():
    rng = np.random.default_rng(0)
    blocks, x = rng.random((7, 8, 8), dtype=np.float32), rng.random(8, dtype=np.float32)
    lane = np.arange(8)
    diagonals = np.stack([[block[lane, (lane + d) % 8] for block in blocks] for d in range(8)])
    groups = [diagonals[:, first:last].reshape(-1) for first, last in ((0, 4), (4, 6), (6, 7))]
    y = run(_multiply, np.concatenate(groups), x, np.empty(56, np.float32)).reshape(7, 8)
    np.testing.assert_allclose(y, blocks @ x, rtol=1e-6)
