import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opticlir.lab.probes.language_subspace import (
    VectorMoments,
    language_components,
    language_subspace,
    removal,
    vector_moments,
)

SEEDS = st.integers(0, 10_000)


def vectors(seed, n=40, dim=6):
    """Unit rows that lie to one side, as those of a language do."""
    draw = np.random.default_rng(seed)
    rows = draw.standard_normal((n, dim)) + 2 * draw.standard_normal(dim)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def moments(rows):
    return vector_moments([rows])


def rotation(seed, dim):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((dim, dim)))[0]


def algorithm_1(means, rank):
    """Xie et al. 2022, Algorithm 1, line by line."""
    ones = np.ones(means.shape[1])
    common = means @ ones / len(ones)
    left, strengths, right = np.linalg.svd(means - np.outer(common, ones), full_matrices=False)
    low_rank = np.outer(common, ones) + (left[:, :rank] * strengths[:rank]) @ right[:rank]
    point = np.linalg.pinv(low_rank, rcond=1e-10).T @ ones
    common = point / (point @ point)
    specific, *_ = np.linalg.svd(low_rank - np.outer(common, ones), full_matrices=False)
    return specific[:, :rank], common


def test_moments_by_hand():
    found = vector_moments([np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([[2.0, 2.0]])])
    assert found.n_vectors == 3
    np.testing.assert_allclose(found.mean, [1.0, 4 / 3])
    np.testing.assert_allclose(found.second, [[5 / 3, 4 / 3], [4 / 3, 8 / 3]])


def test_a_text_without_tokens_counts_for_nothing():
    rows = vectors(0)
    found = vector_moments([rows[:0], rows])
    np.testing.assert_allclose(found.second, moments(rows).second)


def test_the_component_of_a_language_by_hand():
    """Three vectors of four along (3, 4): it is the first component, and nothing of it is left."""
    rows = np.array([[3.0, 4.0], [3.0, 4.0], [-3.0, -4.0], [4.0, -3.0]])
    (component,) = language_components(moments(rows), 1).T
    np.testing.assert_allclose(np.abs(component), [0.6, 0.8])
    np.testing.assert_allclose(
        rows @ removal(component[:, None]), [[0, 0], [0, 0], [0, 0], [4, -3]], atol=1e-12
    )


def test_the_subspace_of_two_languages_by_hand():
    """It is the direction from one mean to the other: (1, 5, 2) and (1, 2, 6) differ by (0, -3, 4)."""
    means = np.array([[1.0, 5.0, 2.0], [1.0, 2.0, 6.0]]).T
    (direction,) = language_subspace(means, 1).T
    np.testing.assert_allclose(direction * np.sign(direction[2]), [0.0, -0.6, 0.8], atol=1e-12)
    # the point of the line through both that is nearest to the origin: both have it in common
    common = np.array([1.0, 26 * 0.8 / 5, 26 * 0.6 / 5])
    np.testing.assert_allclose(removal(direction[:, None]) @ means, np.stack([common, common]).T)


@settings(deadline=None)
@given(SEEDS, st.integers(1, 5))
def test_components_are_the_right_singular_vectors(seed, rank):
    rows = vectors(seed)
    _, _, right = np.linalg.svd(rows, full_matrices=False)
    np.testing.assert_allclose(
        removal(language_components(moments(rows), rank)), removal(right[:rank].T), atol=1e-7
    )


@settings(deadline=None)
@given(SEEDS, st.integers(2, 6), st.data())
def test_the_subspace_is_that_of_the_algorithm(seed, n_languages, data):
    rank = data.draw(st.integers(1, n_languages - 1))
    means = np.random.default_rng(seed).standard_normal((8, n_languages))
    found = language_subspace(means, rank)
    expected, common = algorithm_1(means, rank)
    np.testing.assert_allclose(removal(found), removal(expected), atol=1e-7)
    np.testing.assert_allclose(common @ found, 0.0, atol=1e-7)


@settings(deadline=None)
@given(SEEDS, st.integers(2, 6))
def test_without_the_whole_subspace_no_mean_tells_its_language(seed, n_languages):
    means = np.random.default_rng(seed).standard_normal((8, n_languages))
    left = removal(language_subspace(means, n_languages - 1)) @ means
    np.testing.assert_allclose(left, left[:, :1].repeat(n_languages, axis=1), atol=1e-9)


@settings(deadline=None)
@given(SEEDS, st.integers(1, 5))
def test_a_removal_is_an_orthogonal_projection(seed, rank):
    components = language_components(moments(vectors(seed)), rank)
    matrix = removal(components)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-12)
    np.testing.assert_allclose(matrix @ matrix, matrix, atol=1e-9)
    np.testing.assert_allclose(matrix @ components, 0.0, atol=1e-9)
    np.testing.assert_allclose(np.trace(matrix), len(matrix) - rank)


@settings(deadline=None)
@given(SEEDS, SEEDS)
def test_it_turns_with_the_space(seed, turn):
    rows, turned = vectors(seed), rotation(turn, 6)
    straight = removal(language_components(moments(rows), 2))
    np.testing.assert_allclose(
        removal(language_components(moments(rows @ turned), 2)), turned.T @ straight @ turned, atol=1e-7
    )


@settings(deadline=None)
@given(SEEDS, st.lists(st.integers(0, 40), max_size=5))
def test_how_the_vectors_are_divided_into_texts_changes_nothing(seed, cuts):
    rows = vectors(seed)
    whole, parts = moments(rows), vector_moments(np.split(rows, sorted(cuts)))
    assert parts.n_vectors == whole.n_vectors
    np.testing.assert_allclose(parts.mean, whole.mean)
    np.testing.assert_allclose(parts.second, whole.second)


@pytest.mark.parametrize("rank", [0, 2, 7])
def test_a_rank_that_leaves_nothing_is_refused(rank):
    two = VectorMoments(n_vectors=1, mean=np.zeros(2), second=np.eye(2))
    with pytest.raises(ValueError, match=f"rank is {rank}: expected 1 to 1 in a space of 2 dimensions"):
        language_components(two, rank)
    with pytest.raises(ValueError, match=f"rank is {rank}: expected 1 to 1 with 2 languages"):
        language_subspace(np.eye(5)[:, :2], rank)


def test_languages_that_do_not_differ_are_refused():
    with pytest.raises(ValueError, match="the means of the 2 languages differ in fewer than 1 directions"):
        language_subspace(np.ones((4, 2)), 1)


def test_no_vector_is_refused():
    with pytest.raises(ValueError, match="there is no vector to learn the language from"):
        vector_moments([])
