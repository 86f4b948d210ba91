import numpy as np
from kernel_runs import run
from numba import njit

from opticlir.transport.kernels import memory


@njit
def _partial(x, y):
    for count in range(9):
        memory.store_first(y, 8 * count, count, memory.load_first(x, 0, 8))
        memory.store(y, 72 + 8 * count, memory.load_first(x, 0, count))


def test_parts_of_a_vector_touch_nothing_else():
    y = run(_partial, np.arange(1, 9, dtype=np.float32), np.full(144, -1, np.float32)).reshape(2, 9, 8)
    for count in range(9):
        lane = np.arange(8)
        np.testing.assert_array_equal(y[0, count], np.where(lane < count, lane + 1, -1))
        np.testing.assert_array_equal(y[1, count], np.where(lane < count, lane + 1, 0))
