"""Nearest neighbours that are no hubs, by hand and against a double loop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opticlir.lab.probes.csls import mean_of_nearest, nearest_by_csls


def unit(seed, rows, dim=4):
    vectors = np.random.default_rng(seed).normal(size=(rows, dim))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_a_hub_is_nobodys_nearest():
    """Angles in degrees: the hub at 10 is near to all queries, the candidate at 60 to the last one alone."""
    queries, candidates = (
        np.array([[np.cos(at), np.sin(at)] for at in np.radians(angles)])
        for angles in ((0, 20, 34), (10, 60))
    )
    cosines = queries @ candidates.T
    assert cosines.argmax(axis=1).tolist() == [0, 0, 0]
    # of two neighbours: r(hub) = (cos 10 + cos 10) / 2, r(other) = (cos 26 + cos 40) / 2
    r = [np.cos(np.radians(10)), (np.cos(np.radians(26)) + np.cos(np.radians(40))) / 2]
    assert mean_of_nearest(candidates, queries, k=2) == pytest.approx(r)
    # the last: 2 cos 24 - r(hub) = .842 < 2 cos 26 - r(other) = .965
    rows, found = nearest_by_csls(queries, candidates, k=2)
    assert rows.tolist() == [0, 0, 1]
    assert found == pytest.approx([np.cos(np.radians(angle)) for angle in (10, 10, 26)])


@given(seed=st.integers(0, 2**16), n=st.integers(1, 7), m=st.integers(1, 7), k=st.integers(1, 9))
def test_it_is_its_slow_twin(seed, n, m, k):
    queries, candidates = unit(seed, n), unit(seed + 1, m)

    def hubness(vector, others):
        return np.mean(sorted((float(vector @ other) for other in others), reverse=True)[:k])

    rows, cosines = nearest_by_csls(queries, candidates, k=k)
    for query, row, cosine in zip(queries, rows, cosines, strict=True):
        scores = [
            2 * query @ candidate - hubness(query, candidates) - hubness(candidate, queries)
            for candidate in candidates
        ]
        assert scores[row] == pytest.approx(max(scores), abs=1e-12)
        assert cosine == pytest.approx(query @ candidates[row], abs=1e-12)


def test_blocks_are_laid_together():
    queries, candidates = unit(0, 2500), unit(1, 30)
    rows, cosines = nearest_by_csls(queries, candidates)
    assert rows.shape == cosines.shape == (2500,)
    assert np.array_equal(cosines, (queries @ candidates.T)[np.arange(2500), rows])


def test_nothing_to_look_for_and_nothing_to_find():
    rows, cosines = nearest_by_csls(unit(0, 0), unit(1, 3))
    assert rows.shape == cosines.shape == (0,)
    with pytest.raises(ValueError, match="there is no candidate"):
        nearest_by_csls(unit(0, 2), unit(1, 0))
    with pytest.raises(ValueError, match="k is 0: expected 1 or more"):
        nearest_by_csls(unit(0, 2), unit(1, 2), k=0)
