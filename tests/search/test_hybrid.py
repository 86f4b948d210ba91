import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from opticlir.search.hybrid import z_scale

SCORES = arrays(np.float64, st.integers(1, 30), elements=st.floats(-50, 50, width=32))


@given(SCORES)
def test_z_scores_are_finite_with_mean_0_and_spread_1_or_all_0(scores):
    z = z_scale(scores)(scores)
    assert np.isfinite(z).all()
    if np.ptp(scores) > 1e-3:
        assert z.mean() == pytest.approx(0, abs=1e-6)
        assert z.std() == pytest.approx(1)
        assert (np.diff(z[np.argsort(scores)]) >= 0).all()


@given(st.floats(-1e6, 1e6), st.integers(1, 5))
def test_constant_scores_have_z_0(value, n):
    assert z_scale(np.full(n, value))(np.full(n, value)).tolist() == [0.0] * n


def test_a_spread_below_the_resolution_is_none():
    """Twenty copies of one document, off by rounding: no order among them, and none made up."""
    scores = 1 + 1e-7 * np.arange(20)
    assert z_scale(scores, resolution=1e-5)(scores).tolist() == [0.0] * 20
    assert z_scale(scores)(scores).std() == pytest.approx(1)
