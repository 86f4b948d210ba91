import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opticlir.encoder import EncodedWords
from opticlir.lab.probes.plan_links import link_words
from opticlir.lab.probes.word_alignment import mutual_argmax, score_links, shared_mass
from opticlir.records import GoldLinks

LINKS = st.frozensets(st.tuples(st.integers(0, 4), st.integers(0, 4)))


def gold(sure, possible=()):
    return GoldLinks(sure=frozenset(sure), possible=frozenset({*sure, *possible}))


def words(*vectors, word_of=None, n_words=None):
    tokens = np.array(vectors, dtype=np.float32).reshape(len(vectors), 2)
    word_of = list(range(len(vectors))) if word_of is None else word_of
    names = tuple(f"w{number}" for number in range(n_words or max(word_of, default=-1) + 1))
    return EncodedWords(names, tokens, np.array(word_of, dtype=np.int64))


def test_counts_by_hand():
    """Two sentences count together: A 4, S 3, both 2, A with P 3."""
    score = score_links([
        (frozenset({(0, 0), (1, 1), (2, 0)}), gold({(0, 0), (1, 2)}, {(1, 1)})),
        (frozenset({(0, 0)}), gold({(0, 0)})),
    ])  # fmt: skip
    assert (score.n_links, score.n_sure, score.n_links_sure, score.n_links_possible) == (4, 3, 2, 3)
    assert score.precision == pytest.approx(3 / 4)
    assert score.recall == pytest.approx(2 / 3)
    assert score.error_rate == pytest.approx(1 - (2 + 3) / (4 + 3))


def test_nothing_linked_has_no_precision():
    score = score_links([(frozenset(), gold({(0, 0)}))])
    assert (score.precision, score.recall, score.error_rate) == (None, 0.0, 1.0)


def test_nothing_sure_is_refused():
    with pytest.raises(ValueError, match="no gold link is sure"):
        score_links([(frozenset({(0, 0)}), gold((), {(0, 0)}))])


@given(LINKS, LINKS.filter(bool), LINKS)
def test_laws_of_the_error_rate(links, sure, more):
    score = score_links([(links, gold(sure, more))])
    assert 0.0 <= score.error_rate <= 1.0
    assert (score.error_rate == 0.0) == (sure <= links <= sure | more)
    if not more:  # with one kind of link it is the complement of F1
        f1 = 2 * len(links & sure) / (len(links) + len(sure))
        assert score.error_rate == pytest.approx(1 - f1)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 6))
def test_rules_equal_their_definitions(seed, m, n):
    mass = np.random.default_rng(seed).random((m, n))
    cells = [(row, column) for row in range(m) for column in range(n)]
    assert mutual_argmax(mass) == {
        (row, column)
        for row, column in cells
        if mass[row, column] == mass[row].max() == mass[:, column].max()
    }
    assert shared_mass(mass, 0.25) == {
        (row, column)
        for row, column in cells
        if mass[row, column] / mass[row].sum() >= 0.25 and mass[row, column] / mass[:, column].sum() >= 0.25
    }


@pytest.mark.parametrize("threshold", [0.0, -0.1, 1.1, float("nan")])
def test_a_threshold_is_a_share(threshold):
    with pytest.raises(ValueError, match="expected a share above 0, at most 1"):
        shared_mass(np.ones((1, 1)), threshold)


def test_words_of_several_pieces_by_hand():
    """`ma ##ji safi` against `clean water`, each piece on its vector: two pieces of mass for maji."""
    x, y = [1, 0], [0, 1]
    found = link_words(words(x, x, y, word_of=[0, 0, 1]), words(y, x), threshold=0.6)
    assert found.intersection == found.nearest == {(0, 1), (1, 0)}
    # maji has 2/3 of the mass and water takes 1/2: 1/6 goes to clean, a quarter of maji's
    assert found.threshold == {(0, 1), (1, 0)}
    assert link_words(words(x, x, y, word_of=[0, 0, 1]), words(y, x), threshold=0.2).threshold == {
        (0, 1), (0, 0), (1, 0)
    }  # fmt: skip


def test_the_plan_sees_the_whole_where_the_nearest_do_not():
    """Both words lie nearest to English 0; one mass each leaves the second to English 1."""
    foreign = words([1.0, 0.0], [0.8, 0.6])
    english = words([0.96, 0.28], [0.0, 1.0])
    found = link_words(foreign, english, threshold=0.5)
    assert found.intersection == found.threshold == {(0, 0), (1, 1)}
    assert found.nearest == {(0, 0)}


def test_a_word_without_a_vector_has_no_link():
    found = link_words(words([1, 0], n_words=2), words([1, 0], [0, 1], n_words=3), threshold=0.1)
    for rule in (found.intersection, found.threshold, found.nearest):
        assert rule
        assert all(row == 0 and column < 2 for row, column in rule)
    nothing = link_words(words(word_of=[], n_words=2), words([1, 0]), threshold=0.1)
    assert not nothing.intersection | nothing.threshold | nothing.nearest


def test_a_vector_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="a vector of the English text 'w0 w1' is not finite"):
        link_words(words([1, 0]), words([1, 0], [np.nan, 0]), threshold=0.1)
