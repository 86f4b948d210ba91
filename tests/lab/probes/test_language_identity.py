import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opticlir.lab.probes.geometry import measure_geometry
from opticlir.lab.probes.language_identity import language_identity


def unit(seed, n=20, dim=6):
    rows = np.random.default_rng(seed).standard_normal((n, dim))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_a_language_of_its_own_half_is_told():
    rows = unit(0)
    rows[:, 0] = np.abs(rows[:, 0]) + 0.1
    assert language_identity(rows, rows * [-1, 1, 1, 1, 1, 1]) == 1.0


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 10_000), st.integers(2, 30))
def test_equal_vectors_are_told_by_chance_to_the_digit(seed, n):
    """What is said of a sentence is said of its translation: one of the two is wrong."""
    rows = unit(seed, n)
    assert language_identity(rows, rows) == 0.5


def test_no_pair_is_on_both_sides():
    """Each pair has an axis of its own, English behind, foreign before it: known from its translation alone."""
    axes = np.eye(12)
    assert language_identity(axes, -axes) == 0.5


def test_languages_drawn_alike_are_told_by_chance():
    accuracy = language_identity(unit(1, n=400), unit(2, n=400))
    assert abs(accuracy - 0.5) < 4 * 0.5 / 800**0.5, "within four standard errors"


def test_the_answer_is_the_same_every_time():
    assert language_identity(unit(1), unit(2)) == language_identity(unit(1), unit(2))


def test_as_part_of_the_geometry():
    foreign, english = unit(1), unit(2)
    assert measure_geometry(foreign, english).language_identity is None
    found = measure_geometry(foreign, english, is_probed=True)
    assert found.language_identity == language_identity(foreign, english)


@pytest.mark.parametrize(
    ("foreign", "english", "n_folds", "message"),
    [
        (unit(0), unit(1)[:3], 5, r"foreign is \(20, 6\) but english is \(3, 6\)"),
        (unit(0)[:1], unit(1)[:1], 5, "1 sentences in 5 folds"),
        (unit(0), unit(1), 1, "20 sentences in 1 folds"),
    ],
)
def test_wrong_arguments(foreign, english, n_folds, message):
    with pytest.raises(ValueError, match=message):
        language_identity(foreign, english, n_folds=n_folds)
