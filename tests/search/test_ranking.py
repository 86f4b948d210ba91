import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opticlir.search.ranking import best


@given(st.data())
def test_the_best_k_are_those_of_a_full_sort(data):
    n = data.draw(st.integers(1, 20))
    scores = np.array(data.draw(st.lists(st.sampled_from([-1.0, 0.0, 0.5, 2.0]), min_size=n, max_size=n)))
    id_order = np.array(data.draw(st.permutations(range(n))))
    k = data.draw(st.integers(1, n + 3))
    rows, found = best(scores, id_order, k)
    expected = sorted(range(n), key=lambda row: (-scores[row], id_order[row]))[:k]
    assert rows.tolist() == expected
    assert found.tolist() == scores[expected].tolist()


@given(st.data())
def test_noise_below_the_resolution_never_shows(data):
    """Whatever the rounding did, the order is that of the exact scores, ties among them included."""
    n = data.draw(st.integers(1, 25))
    exact = np.array(data.draw(st.lists(st.integers(0, 12), min_size=n, max_size=n))) * 1e-3
    noise = np.array(data.draw(st.lists(st.floats(-1, 1), min_size=n, max_size=n))) * 9e-4
    id_order = np.array(data.draw(st.permutations(range(n))))
    k = data.draw(st.integers(1, n))
    rows, _ = best(exact + noise, id_order, k, resolution=9.1e-4, rescore=lambda rows: exact[rows])
    assert rows.tolist() == sorted(range(n), key=lambda row: (-exact[row], id_order[row]))[:k]


def test_only_near_ties_are_scored_again():
    asked = []

    def rescore(rows):
        asked.extend(rows.tolist())
        return np.array([5.0, 5.1])

    scores = np.array([9.0, 5.01, 5.0, 1.0])
    rows, found = best(scores, np.arange(4), 4, resolution=0.1, rescore=rescore)
    assert asked == [1, 2]
    assert rows.tolist() == [0, 2, 1, 3]
    assert found.tolist() == [9.0, 5.1, 5.0, 1.0]


def test_k_below_1_is_refused():
    with pytest.raises(ValueError, match="k is 0: expected 1 or more"):
        best(np.ones(2), np.arange(2), 0)
