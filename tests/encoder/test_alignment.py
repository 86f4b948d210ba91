import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opticlir.encoder.alignment import learn_translation_table


def table_of(foreign, english, weights=None, **settings):
    """`learn_translation_table` on plain lists: ({(foreign, english): probability}, expected counts)."""
    n_foreign = settings.pop("n_foreign", 1 + max((i for row in foreign for i in row), default=0))
    n_english = settings.pop("n_english", 1 + max((i for row in english for i in row), default=0))
    table = learn_translation_table(
        [np.array(row, dtype=np.int32) for row in foreign],
        [np.array(row, dtype=np.int32) for row in english],
        np.array([1.0] * len(foreign) if weights is None else weights, dtype=np.float32),
        n_foreign=n_foreign, n_english=n_english, **settings,
    )  # fmt: skip
    entries = {}
    for row in range(n_foreign):
        ids, probabilities = table.row(row)
        assert list(probabilities) == sorted(probabilities, reverse=True)
        entries |= {(row, int(i)): float(p) for i, p in zip(ids, probabilities, strict=True)}
    return entries, table.expected_counts


def slow_twin(foreign, english, weights, iterations):
    """IBM model 1 in both directions and the geometric mean of the posteriors, in float64, from the paper."""
    pairs = [(sorted(set(f)), sorted(set(e)), w) for f, e, w in zip(foreign, english, weights, strict=True)]
    t_english, t_foreign = defaultdict(lambda: 1.0), defaultdict(lambda: 1.0)  # p(e | f), p(f | e)

    def posteriors(f_side, e_side):
        for f in f_side:
            for e in e_side:
                made_by_f = t_english[f, e] / sum(t_english[other, e] for other in f_side)
                made_by_e = t_foreign[f, e] / sum(t_foreign[f, other] for other in e_side)
                yield f, e, made_by_f, made_by_e

    for _ in range(iterations):
        count_english, count_foreign = defaultdict(float), defaultdict(float)
        total_f, total_e = defaultdict(float), defaultdict(float)
        for f_side, e_side, weight in pairs:
            for f, e, made_by_f, made_by_e in posteriors(f_side, e_side):
                count_english[f, e] += weight * made_by_f
                count_foreign[f, e] += weight * made_by_e
                total_f[f] += weight * made_by_f
                total_e[e] += weight * made_by_e
        t_english = {(f, e): count / total_f[f] for (f, e), count in count_english.items()}
        t_foreign = {(f, e): count / total_e[e] for (f, e), count in count_foreign.items()}
    links, totals = defaultdict(float), defaultdict(float)
    for f_side, e_side, weight in pairs:
        for f, e, made_by_f, made_by_e in posteriors(f_side, e_side):
            links[f, e] += weight * math.sqrt(made_by_f * made_by_e)
            totals[f] += weight * math.sqrt(made_by_f * made_by_e)
    return {(f, e): link / totals[f] for (f, e), link in links.items()}, totals


@st.composite
def bitexts(draw):
    """A few sentence pairs over small vocabularies; sides may be empty and tokens may repeat."""
    sides = st.lists(st.integers(0, 5), max_size=5)
    pairs = draw(st.lists(st.tuples(sides, sides), min_size=1, max_size=6))
    weights = draw(st.lists(st.sampled_from([0.5, 1.0, 2.0, 3.0]), min_size=len(pairs), max_size=len(pairs)))
    return [f for f, _ in pairs], [e for _, e in pairs], weights


def test_two_pairs_worked_by_hand():
    """(maji, water) and (maji safi, water clean), one round.

    After it p(water | maji) = 3/4 in both directions; the last round links maji and water 1 + 3/5 times,
    safi and clean 2/3 times, and either cross sqrt(2/5 * 1/3) times.
    """
    cross = math.sqrt(2 / 15)
    found, counts = table_of([[0], [0, 1]], [[0], [0, 1]], iterations=1, threshold=0.0)
    assert counts.tolist() == pytest.approx([1.6 + cross, 2 / 3 + cross], rel=1e-6)
    assert found == pytest.approx({
        (0, 0): 1.6 / (1.6 + cross), (0, 1): cross / (1.6 + cross),
        (1, 0): cross / (2 / 3 + cross), (1, 1): (2 / 3) / (2 / 3 + cross),
    }, rel=1e-6)  # fmt: skip


def test_the_posteriors_before_any_round_are_uniform():
    """One foreign word against two English: each is made by it for sure, and it by each with 1/2."""
    found, counts = table_of([[0]], [[0, 1]], iterations=0, threshold=0.0)
    assert found == pytest.approx({(0, 0): 0.5, (0, 1): 0.5})
    assert counts.tolist() == pytest.approx([2 * math.sqrt(0.5)])


def test_rounds_sharpen_the_table():
    sides = [[0], [0, 1], [1, 2]]
    sure = [table_of(sides, sides, iterations=rounds, threshold=0.0)[0][2, 2] for rounds in (0, 2, 10)]
    assert sure[0] < sure[1] < sure[2]


@given(bitexts(), st.integers(0, 6))
@settings(max_examples=150, deadline=None)
def test_the_table_equals_its_slow_twin(bitext, iterations):
    foreign, english, weights = bitext
    found, counts = table_of(foreign, english, weights, iterations=iterations, threshold=0.0)
    expected, totals = slow_twin(foreign, english, weights, iterations)
    # the kernel keeps probabilities in float32
    assert {key: p for key, p in expected.items() if p > 1e-5} == pytest.approx(
        {key: p for key, p in found.items() if expected[key] > 1e-5}, rel=1e-3, abs=1e-6
    )
    assert counts.tolist() == pytest.approx([totals[f] for f in range(len(counts))], rel=1e-3, abs=1e-6)


@given(bitexts(), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_renaming_the_ids_renames_the_table(bitext, seed):
    foreign, english, weights = bitext
    rng = np.random.default_rng(seed)
    new_f, new_e = rng.permutation(6), rng.permutation(6)
    sizes = {"n_foreign": 6, "n_english": 6, "threshold": 0.0}
    plain, plain_counts = table_of(foreign, english, weights, **sizes)
    renamed, renamed_counts = table_of(
        [[new_f[i] for i in row] for row in foreign], [[new_e[i] for i in row] for row in english],
        weights, **sizes,
    )  # fmt: skip
    assert renamed == pytest.approx({(new_f[f], new_e[e]): p for (f, e), p in plain.items()}, rel=1e-4)
    assert renamed_counts[new_f].tolist() == pytest.approx(plain_counts.tolist(), rel=1e-4)


@given(bitexts())
@settings(max_examples=60, deadline=None)
def test_the_links_are_the_same_from_either_side(bitext):
    """Both directions are trained alike, so swapping the languages transposes the expected links."""
    foreign, english, weights = bitext
    sizes = {"n_foreign": 6, "n_english": 6, "threshold": 0.0}
    there, there_counts = table_of(foreign, english, weights, **sizes)
    back, back_counts = table_of(english, foreign, weights, **sizes)
    assert {(e, f): p * back_counts[e] for (e, f), p in back.items()} == pytest.approx(
        {(e, f): p * there_counts[f] for (f, e), p in there.items()}, rel=1e-4, abs=1e-6
    )


@given(bitexts())
@settings(max_examples=60, deadline=None)
def test_a_pair_of_weight_2_equals_the_pair_twice(bitext):
    foreign, english, _ = bitext
    sizes = {"n_foreign": 6, "n_english": 6, "threshold": 0.0}
    weighted, weighted_counts = table_of(foreign, english, [2.0] + [1.0] * (len(foreign) - 1), **sizes)
    repeated, repeated_counts = table_of([foreign[0], *foreign], [english[0], *english], **sizes)
    assert weighted == pytest.approx(repeated, rel=1e-5)
    assert weighted_counts.tolist() == pytest.approx(repeated_counts.tolist(), rel=1e-5)


def test_a_token_counts_once_in_a_sentence():
    assert table_of([[0, 0, 1]], [[0, 1, 1]])[0] == table_of([[0, 1]], [[0, 1]])[0]


def test_what_is_less_probable_than_the_threshold_is_left_out_and_the_counts_stay():
    sides = [[0], [0, 1]]
    everything, counts = table_of(sides, sides, iterations=1, threshold=0.0)
    kept, same_counts = table_of(sides, sides, iterations=1, threshold=0.3)
    assert kept == {key: p for key, p in everything.items() if p >= 0.3}
    assert (0, 1) in everything
    assert (0, 1) not in kept
    assert same_counts.tolist() == counts.tolist()


def test_a_pair_with_an_empty_side_changes_nothing():
    full = table_of([[0], [0, 1]], [[0], [0, 1]], n_foreign=3, n_english=3)
    for empty in ([], [2]), ([2], []), ([], []):
        found = table_of([[0], empty[0], [0, 1]], [[0], empty[1], [0, 1]], n_foreign=3, n_english=3)
        assert found[0] == full[0]
        assert found[1].tolist() == full[1].tolist()
    assert full[1][2] == 0


def test_bitext_without_any_word_gives_an_empty_table():
    for foreign, english in ([[]], [[0]]), ([[], []], [[], []]), ([], []):
        found, counts = table_of(foreign, english, n_foreign=2, n_english=1)
        assert (found, counts.tolist()) == ({}, [0.0, 0.0])
    assert table_of([[]], [[0]], n_foreign=0)[0] == {}


def test_sides_that_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match="2 foreign sides, 1 English sides and 2 weights"):
        table_of([[0], [1]], [[0]], [1.0, 1.0])
