import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opticlir.lab.probes.language_gap import language_gap

SCORES = {"eng": 0.9, "spa": 0.8, "deu": 0.6, "tha": 0.5, "swa": 0.4, "hau": 0.3}
GROUPS = {"high": ["spa", "deu"], "low": ["swa", "hau"]}


def test_by_hand():
    gap = language_gap(SCORES, **GROUPS)
    assert (gap.high, gap.low) == pytest.approx((0.7, 0.35))
    assert gap.high_minus_low == pytest.approx(0.35)
    assert gap.low_to_high == pytest.approx(0.5)
    assert gap.worst == "hau"


def test_what_has_no_value():
    gap = language_gap({"spa": 0.0, "swa": 0.0}, high=["spa"], low=["swa"])
    assert (gap.low_to_high, gap.worst) == (None, "spa")


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(SCORES)), st.floats(0.01, 1), min_size=6), st.floats(0.1, 10))
def test_the_ratio_knows_no_unit_and_equal_scores_have_no_gap(scores, factor):
    gap = language_gap(scores, **GROUPS)
    scaled = language_gap({code: factor * score for code, score in scores.items()}, **GROUPS)
    assert scaled.low_to_high == pytest.approx(gap.low_to_high)
    assert scaled.high_minus_low == pytest.approx(factor * gap.high_minus_low)
    swapped = language_gap(scores, high=GROUPS["low"], low=GROUPS["high"])
    assert swapped.high_minus_low == -gap.high_minus_low
    level = language_gap(dict.fromkeys(scores, factor), **GROUPS)
    assert (level.high_minus_low, level.low_to_high) == pytest.approx((0, 1))


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"high": [], "low": ["swa"]}, "the group 'high' names no language"),
        ({"high": ["spa"], "low": ["swa", "zul"]}, "the group 'low' names 'zul', which has no score"),
        ({"high": ["spa", "swa"], "low": ["swa"]}, "'swa' is in both groups"),
    ],
)
def test_groups_that_are_none(groups, message):
    with pytest.raises(ValueError, match=message):
        language_gap(SCORES, **groups)
