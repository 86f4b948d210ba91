"""Bitext mining by hand, by its laws, and against a double loop."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opticlir.lab.probes import mining
from opticlir.lab.probes.mining import MinedPair, best_threshold, mine_pairs, score_mining


def at(*degrees):
    return np.array([[math.cos(math.radians(angle)), math.sin(math.radians(angle))] for angle in degrees])


def unit(seed, rows, dim=3):
    vectors = np.abs(np.random.default_rng(seed).normal(size=(rows, dim)))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def rows_of(mined):
    return [(pair.foreign, pair.english) for pair in mined]


def test_a_sentence_that_is_near_everything_stands_out_from_nothing():
    """The English hub at 10 is the nearest of both foreign sentences; the second has one of its own all the same."""
    foreign, english = at(0, 34), at(10, 60)
    mined = mine_pairs(foreign, english, k=2)
    assert rows_of(mined) == [(0, 0), (1, 1)]
    cosine = {angle: math.cos(math.radians(angle)) for angle in (10, 24, 26, 60)}
    r = {
        "0": (cosine[10] + cosine[60]) / 2, "34": (cosine[24] + cosine[26]) / 2,
        "10": (cosine[10] + cosine[24]) / 2, "60": (cosine[60] + cosine[26]) / 2,
    }  # fmt: skip
    assert mined[0].margin == pytest.approx(cosine[10] / ((r["0"] + r["10"]) / 2))
    assert mined[1].margin == pytest.approx(cosine[26] / ((r["34"] + r["60"]) / 2))


def test_a_translation_that_one_side_alone_finds_is_taken():
    """With one neighbour, English 1 is nobody's nearest, but finds foreign 1 from its own side."""
    assert rows_of(mine_pairs(at(0, 20), at(8, 40), k=1)) == [(0, 0), (1, 1)]


@given(seed=st.integers(0, 2**16), n=st.integers(1, 7), m=st.integers(1, 7), k=st.integers(1, 9))
def test_it_is_its_slow_twin(seed, n, m, k):
    foreign, english = unit(seed, n), unit(seed + 1, m)
    cosines = foreign @ english.T

    def mean(values):
        return np.mean(sorted(values, reverse=True)[:k])

    def margin(row, column):
        return cosines[row, column] / ((mean(cosines[row]) + mean(cosines[:, column])) / 2)

    def nearest(values):
        return np.argsort(-values)[:k].tolist()

    found = {(row, max(nearest(cosines[row]), key=lambda column: margin(row, column))) for row in range(n)}
    found |= {
        (max(nearest(cosines[:, column]), key=lambda row: margin(row, column)), column) for column in range(m)
    }
    expected = []
    for row, column in sorted(found, key=lambda pair: (-round(margin(*pair), 9), *pair)):
        if row not in {pair[0] for pair in expected} and column not in {pair[1] for pair in expected}:
            expected.append((row, column))
    # mutual nearest neighbours have a margin of 1 with k = 1, give or take the last bit
    mined = sorted(mine_pairs(foreign, english, k=k), key=lambda pair: (-round(pair.margin, 9), pair.foreign))
    assert rows_of(mined) == expected
    assert [pair.margin for pair in mined] == pytest.approx([margin(*pair) for pair in expected])


def test_few_sentences_at_a_time_are_the_same_as_all(monkeypatch):
    whole = mine_pairs(unit(1, 40), unit(2, 30))
    monkeypatch.setattr(mining, "_CELLS", 100)
    assert rows_of(mine_pairs(unit(1, 40), unit(2, 30))) == rows_of(whole)


MINED = [MinedPair(0, 0, 3.0), MinedPair(1, 1, 2.0), MinedPair(2, 2, 1.5), MinedPair(3, 3, 1.0)]
GOLD = {(0, 0), (2, 2), (7, 7)}


def test_precision_recall_and_f1_by_hand():
    found = score_mining(MINED, GOLD, 1.5)
    assert (found.precision, found.recall, found.f1) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    nothing = score_mining(MINED, GOLD, 4.0)
    assert (nothing.precision, nothing.recall, nothing.f1) == (0, 0, 0)


def test_the_best_threshold_lies_between_two_pairs():
    found = best_threshold(MINED, GOLD)
    assert found.threshold == pytest.approx(1.25)
    assert found == score_mining(MINED, GOLD, found.threshold)


def test_pairs_that_stand_out_alike_are_kept_or_left_together():
    tied = [MinedPair(0, 0, 2.0), MinedPair(1, 1, 2.0), MinedPair(2, 2, 1.0)]
    found = best_threshold(tied, {(0, 0)})
    assert found.threshold == pytest.approx(1.5)
    assert found.precision == 0.5


def test_where_nothing_is_right_nothing_is_kept():
    assert best_threshold(MINED, {(9, 9)}).threshold == math.inf
    assert best_threshold(MINED, {(9, 9)}).f1 == 0


@given(
    margins=st.lists(st.sampled_from([1.0, 1.1, 1.2, 1.3]), min_size=1, max_size=8),
    right=st.sets(st.integers(0, 9), min_size=1),
)
def test_no_threshold_is_better_than_the_best(margins, right):
    mined = [MinedPair(row, row, margin) for row, margin in enumerate(sorted(margins, reverse=True))]
    gold = {(row, row) for row in right}
    best = best_threshold(mined, gold)
    assert best.f1 == score_mining(mined, gold, best.threshold).f1
    assert best.f1 == max(
        score_mining(mined, gold, threshold).f1 for threshold in (0.5, 1.0, 1.1, 1.2, 1.3, 9.0)
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mine_pairs(np.empty((0, 2)), at(1)), "a side without sentences"),
        (lambda: mine_pairs(at(1), at(1), k=0), "k is 0: expected 1 or more"),
        (lambda: best_threshold(MINED, set()), "no translation to be found"),
        (lambda: score_mining(MINED, set(), 1.0), "no translation to be found"),
    ],
)
def test_what_cannot_be_mined(call, message):
    with pytest.raises(ValueError, match=message):
        call()
