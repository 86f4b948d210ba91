import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opticlir.data.audit.lengths import LengthRatios, is_outlier, smoothed_log_ratio
from opticlir.records import SentencePair


def pair(english, foreign):
    return SentencePair("e" * english, "f" * foreign)


def ratios_of(pairs):
    ratios = LengthRatios()
    for each in pairs:
        ratios.add(each)
    return ratios


@given(
    st.lists(st.tuples(st.integers(1, 300), st.integers(1, 300)), min_size=1),
    st.sampled_from([0.01, 0.5, 0.99]),
)
def test_quantiles_are_right_to_two_percent(lengths, share):
    ratios = ratios_of(pair(*each) for each in lengths)
    exact = np.quantile([foreign / english for english, foreign in lengths], share, method="inverted_cdf")
    assert ratios.quantile(share) == pytest.approx(exact, rel=0.0101)


def test_a_sentence_without_its_end_is_an_outlier():
    ratios = ratios_of(
        [pair(100, 100 + step) for step in range(-20, 21)] * 10 + [pair(200, 20), pair(20, 200)]
    )
    usual = ratios.usual()
    assert ratios.n_outliers(usual) == 2
    assert is_outlier(pair(200, 20), usual)
    assert not is_outlier(pair(100, 140), usual)


def test_short_sentences_may_differ():
    """`No.` and `Hapana.`: a ratio of 2.3 means nothing at three characters."""
    usual = ratios_of([pair(100, 100)] * 100).usual()
    assert not is_outlier(pair(3, 7), usual)
    assert is_outlier(pair(300, 700), usual)
    assert smoothed_log_ratio(pair(3, 7)) == pytest.approx(math.log(17 / 13))


def test_a_language_may_be_longer_than_english():
    """Outliers are far from the usual ratio of the file, not from 1."""
    ratios = ratios_of([pair(100, 300)] * 100 + [pair(100, 100)])
    usual = ratios.usual()
    assert not is_outlier(pair(100, 300), usual)
    assert is_outlier(pair(100, 100), usual)


def test_a_wide_spread_is_usual_too():
    """Four deviations, where that is more than a factor of two."""
    pairs = [pair(100, round(100 * math.exp(step / 20))) for step in range(-20, 21)]
    assert ratios_of(pairs).n_outliers(ratios_of(pairs).usual()) == 0


def test_files_add_up():
    first, second = ratios_of([pair(10, 10)] * 3), ratios_of([pair(10, 20)])
    first.merge(second)
    assert first.quantile(0.75) == pytest.approx(1.0)
    assert first.quantile(1.0) == pytest.approx(2.0, rel=0.02)
