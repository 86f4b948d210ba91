"""The interval of a mean gain is over languages, not over questions alone."""

import numpy as np
import pytest

from opticlir.lab.studies.mean_gain import hierarchical_interval


def language(gain, seeds=3, questions=200, noise=0.0):
    generator = np.random.default_rng(round(100 * abs(gain)))
    rival = np.full((1, questions), 0.5)
    return 0.5 * (1 + gain) + noise * generator.normal(size=(seeds, questions)), rival


def test_equal_languages_leave_the_noise_of_questions_and_seeds():
    low, high = hierarchical_interval([language(0.1)] * 4, draws=500)
    assert (low, high) == pytest.approx((10, 10))
    noisy = [language(0.1, noise=0.1)] * 4
    low, high = hierarchical_interval(noisy, draws=500)
    mean = 100 * (noisy[0][0].mean() / 0.5 - 1)
    assert low < mean < high
    assert 1 < high - low < 8


def test_unlike_languages_widen_it():
    low, high = hierarchical_interval([language(gain) for gain in (-0.1, 0.0, 0.2, 0.3)], draws=2000)
    assert low < 0 < 10 < high, "with four such languages the mean of others is not known to be above 0"
    assert low >= -10
    assert high <= 30
