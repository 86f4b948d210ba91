import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opticlir.lab.probes.robustness import (
    NoisyScore,
    RankingRobustness,
    mean_overlap,
    rank_biased_overlap,
    ranking_robustness,
    relative_drop,
)

RANKINGS = st.lists(st.sampled_from("abcdefghij"), unique=True, max_size=8)


def test_drops_by_hand():
    assert relative_drop(0.4, 0.3) == pytest.approx(0.25)
    assert relative_drop(0.5, 0.6) == pytest.approx(-0.2)


def test_drops_of_nothing():
    with pytest.raises(ValueError, match=r"the clean score is 0\.0"):
        relative_drop(0.0, 0.1)


def test_a_ranking_by_hand():
    """Two questions: the first loses its first place, the second all; the third ranking is untouched."""
    qrels = {"q1": {"a": 1}, "q2": {"b": 1}}
    clean = {"q1": {"a": 2.0, "b": 1.0}, "q2": {"b": 2.0, "a": 1.0}}
    worse = {"q1": {"b": 2.0, "a": 1.0}, "q2": {}}
    found = ranking_robustness(clean, {"typos": worse, "nothing": clean}, qrels, "AP")
    assert found.clean == 1.0
    assert found.noisy["typos"].score == pytest.approx((0.5 + 0) / 2)
    assert found.noisy["typos"].relative_drop == pytest.approx(0.75)
    assert found.noisy["typos"].overlap == pytest.approx(rank_biased_overlap("ab", "ba") / 2)
    assert found.noisy["nothing"] == NoisyScore(score=1.0, relative_drop=0.0, overlap=1.0)
    assert found.worst == "typos"


def test_nothing_is_lost_of_nothing():
    found = ranking_robustness({"q": {"b": 1.0}}, {"typos": {"q": {"a": 1.0}}}, {"q": {"a": 1}}, "AP")
    assert (found.clean, found.noisy["typos"].relative_drop, found.worst) == (0.0, None, None)


def test_the_worst_of_equals_is_the_first():
    same = NoisyScore(score=0.1, relative_drop=0.5, overlap=0.3)
    assert RankingRobustness(clean=0.2, noisy={"b": same, "a": same}).worst == "b"


def test_questions_left_out_have_an_empty_ranking():
    run = {"q1": {"a": 2.0, "b": 1.0}}
    assert mean_overlap(run, run, ["q1", "q2"]) == pytest.approx(1.0), "two empty rankings are the same"
    assert mean_overlap(run, {}, ["q1"]) == 0.0


def test_overlap_by_hand():
    # agreement 0, 1/2, 2/3 at depths 1 to 3, and 2/3 ever after: half, a quarter, and the rest of the weight
    assert rank_biased_overlap("abc", "xab", persistence=0.5) == pytest.approx(
        0.5 * 0 + 0.25 * 0.5 + 0.125 * 2 / 3 + 0.125 * 2 / 3
    )
    # the shorter one agrees wholly and is taken to go on so
    assert rank_biased_overlap("ab", "abcd", persistence=0.7) == pytest.approx(1.0)


@settings(deadline=None)
@given(RANKINGS, RANKINGS, st.floats(0.05, 0.95))
def test_overlap_laws(first, second, persistence):
    def overlap(left, right):
        return rank_biased_overlap(left, right, persistence=persistence)

    value = overlap(first, second)
    assert -1e-12 <= value <= 1 + 1e-12
    assert value == pytest.approx(overlap(second, first))
    assert overlap(first, first) == pytest.approx(1.0)
    if set(first).isdisjoint(second) and (first or second):
        assert value == pytest.approx(0.0)


@settings(deadline=None)
@given(RANKINGS.filter(lambda ranking: len(ranking) > 2))
def test_an_exchange_counts_more_the_higher_it_stands(ranking):
    upper = [ranking[1], ranking[0], *ranking[2:]]
    lower = [*ranking[:-2], ranking[-1], ranking[-2]]
    assert rank_biased_overlap(ranking, upper) <= rank_biased_overlap(ranking, lower) + 1e-12


def test_the_limit_of_long_rankings_is_the_sum_that_defines_it():
    first = [str(number) for number in range(400)]
    second = [*first[10:20], *first[:10], *first[20:]]
    weight = 0.9
    total = sum(
        (1 - weight) * weight ** (depth - 1) * len(set(first[:depth]) & set(second[:depth])) / depth
        for depth in range(1, 401)
    )
    assert rank_biased_overlap(first, second, persistence=weight) == pytest.approx(total, abs=1e-12)


def test_overlap_of_wrong_rankings():
    with pytest.raises(ValueError, match="'a' is ranked twice"):
        rank_biased_overlap("aba", "ab")
    for persistence in (0.0, 1.0):
        with pytest.raises(ValueError, match="expected between 0 and 1"):
            rank_biased_overlap("a", "a", persistence=persistence)
