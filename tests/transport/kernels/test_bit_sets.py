import numpy as np
import pytest
from kernel_runs import run
from numba import njit

from opticlir.transport.kernels import bit_sets


@njit
def _fill_two(words):
    """The first set has one word, the second begins with word 1."""
    for number in (5, 0, 63):
        bit_sets.insert(words, 0, number)
    for number in (3, 63, 64, 127, 64):
        bit_sets.insert(words, 1, number)
    bit_sets.remove(words, 0, 5)
    bit_sets.remove(words, 1, 127)
    bit_sets.remove(words, 1, 9)  # not in it


def test_numbers_go_into_their_set_alone():
    words = run(_fill_two, np.zeros(4, np.int64)).view(np.uint64)
    assert words.tolist() == [1 | 1 << 63, 1 << 3 | 1 << 63, 1, 0]


@njit
def _lowest(word):
    return bit_sets.lowest_bit(word)


@pytest.mark.parametrize(("word", "position"), [(1, 0), (0b1011000, 3), (-1, 0), (-(2**63), 63)])
def test_lowest_bit_by_hand(word, position):
    assert _lowest(word) == position
