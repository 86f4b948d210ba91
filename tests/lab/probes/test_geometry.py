import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opticlir.lab.probes import csls
from opticlir.lab.probes.geometry import (
    alignment,
    cross_uniformity,
    csls_accuracy,
    measure_geometry,
    sentence_vectors,
    uniformity,
)


def unit(seed, n=12, dim=5):
    rows = np.random.default_rng(seed).standard_normal((n, dim))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def on_circle(*degrees):
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_by_hand():
    english, foreign = on_circle(0, 90), on_circle(90, 90)
    found = measure_geometry(foreign, english)
    assert found.alignment == pytest.approx((2 + 0) / 2)
    assert found.uniformity_english == pytest.approx(-2 * 2)
    assert found.uniformity_foreign == pytest.approx(0, abs=1e-12)
    # foreign 0 with English 1: distance 0; foreign 1 with English 0: squared distance 2
    assert found.uniformity_cross == pytest.approx(np.log((1 + np.exp(-4)) / 2))
    assert (found.cosine_pairs, found.cosine_random) == pytest.approx((0.5, 0.5))
    assert found.cosine_margin == pytest.approx(0, abs=1e-12)
    assert found.csls_to_english == 0.5


def double_loop(left, right):
    pairs = [(i, j) for i in range(len(left)) for j in range(len(right)) if i != j]
    return np.log(np.mean([np.exp(-2 * ((left[i] - right[j]) ** 2).sum()) for i, j in pairs]))


@pytest.mark.parametrize("rows", [1, 5, 1024])
def test_sums_over_all_pairs_equal_the_double_loop_whatever_the_blocks(monkeypatch, rows):
    monkeypatch.setattr(csls, "_ROWS", rows)
    foreign, english = unit(0), unit(1)
    assert uniformity(foreign) == pytest.approx(double_loop(foreign, foreign))
    assert cross_uniformity(foreign, english) == pytest.approx(double_loop(foreign, english))
    cosines = foreign @ english.T
    others = cosines[~np.eye(len(cosines), dtype=bool)]
    assert measure_geometry(foreign, english).cosine_random == pytest.approx(others.mean())
    near_foreign = np.sort(cosines, axis=1)[:, -3:].mean(axis=1)
    near_english = np.sort(cosines, axis=0)[-3:].mean(axis=0)
    scores = 2 * cosines - near_foreign[:, None] - near_english[None, :]
    expected = np.mean(scores.argmax(axis=1) == np.arange(len(scores)))
    assert csls_accuracy(foreign, english, k=3) == expected


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_laws(seed):
    foreign, english = unit(seed), unit(seed + 1)
    found = measure_geometry(foreign, english)
    order = np.random.default_rng(seed).permutation(len(foreign))
    turn = np.linalg.qr(np.random.default_rng(seed).standard_normal((5, 5)))[0]
    for other in (
        measure_geometry(foreign[order], english[order]),  # the order of the pairs says nothing
        measure_geometry(foreign @ turn, english @ turn),  # nor the direction of the axes
    ):
        assert vars(other) == pytest.approx(vars(found))
    assert -8 <= found.uniformity_english <= 0
    assert 0 <= found.alignment <= 4
    assert found.alignment == pytest.approx(2 - 2 * found.cosine_pairs)
    assert alignment(foreign, foreign) == 0


def test_a_collapsed_space_is_near_and_not_spread_out():
    one = np.tile(on_circle(30), (6, 1))
    found = measure_geometry(one, one)
    assert (found.alignment, found.uniformity_cross) == pytest.approx((0, 0), abs=1e-12)
    assert found.cosine_margin == pytest.approx(0, abs=1e-12)
    assert found.csls_to_english == 0, "a tie is no answer"


def test_csls_sees_through_a_hub():
    """The nearest by cosine of every query is the hub; what it has too much of is taken off."""
    *axes, hub = np.eye(4)
    english = np.array([*(0.8 * axis + 0.6 * hub for axis in axes), hub])
    foreign = np.array([*(0.3 * axis + 0.91**0.5 * hub for axis in axes), hub])
    assert (foreign @ english.T).argmax(axis=1).tolist() == [3, 3, 3, 3]
    assert csls_accuracy(foreign, english, k=3) == 1.0


def test_sentence_vectors():
    tokens = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], dtype=np.float32)
    (vector,) = sentence_vectors([tokens])
    assert vector == pytest.approx([1 / 5**0.5, 2 / 5**0.5])
    for cancelled in (np.zeros((0, 2)), np.array([[1.0, 0.0], [-1.0, 0.0]]), np.full((1, 2), np.nan)):
        with pytest.raises(ValueError, match="sentence 1 has no direction"):
            sentence_vectors([tokens, cancelled])


@pytest.mark.parametrize(
    ("foreign", "english", "message"),
    [
        (unit(0), unit(1)[:3], r"foreign is \(12, 5\) but english is \(3, 5\)"),
        (unit(0)[:1], unit(1)[:1], "needs 2 sentences or more, found 1"),
        (unit(0), unit(1) * 2, "row 0 of english has length 2"),
        (unit(0) * np.nan, unit(1), "row 0 of foreign has length nan"),
    ],
)
def test_wrong_arguments(foreign, english, message):
    with pytest.raises(ValueError, match=message):
        measure_geometry(foreign, english)


def test_no_neighbour_is_no_measure():
    with pytest.raises(ValueError, match="k is 0"):
        csls_accuracy(unit(0), unit(1), k=0)
