"""Arithmetic of eight numbers, against numpy in float64 and by hand."""

import numpy as np
import pytest
from kernel_runs import run
from numba import njit

from opticlir.transport.kernels import lanes, memory


def vector(*values):
    return np.array(values, dtype=np.float32)


@njit
def _map_exp2(x, n, y):
    for start in range(0, n, 8):
        memory.store(y, start, lanes.exp2(memory.load(x, start)))


@njit
def _map_log(x, n, y):
    for start in range(0, n, 8):
        memory.store(y, start, lanes.log(memory.load(x, start)))


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
    a, b = memory.load(x, 0), memory.load(x, 8)
    memory.store(y, 0, lanes.maximum(a, b))
    memory.store(y, 8, lanes.minimum(a, b))
    memory.store(y, 16, lanes.keep_positive(b, a))
    memory.store(y, 24, lanes.choose_positive(a, b, a))
    memory.store(y, 32, lanes.choose_less(a, b, a, b))
    memory.store(y, 40, lanes.absolute(a))
    memory.store(y, 48, lanes.fma(a, b, b))


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
    a = memory.load(x, 0)
    memory.poke(y, 0, lanes.total(a))
    memory.poke(y, 1, lanes.smallest(a))
    memory.poke(y, 2, lanes.largest(a))


def test_folds_by_hand():
    assert run(_fold, vector(3, 1, 4, 1, -5, 9, 2, 6), np.empty(3, np.float32)).tolist() == [21, -5, 9]
