import itertools
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from opticlir.evaluation import (
    bootstrap_interval_over_seeds,
    effect_size,
    holm,
    paired_t_test,
    randomisation_test,
    significance,
)

FIRST, SECOND = [0.9, 0.7, 0.5, 0.2], [0.8, 0.5, 0.2, 0.3]  # differences .1, .2, .3, -.1
scores = st.integers(0, 20).map(lambda hits: hits / 20)  # as measures are: few values, many ties
pairs = st.lists(st.tuples(scores, scores), min_size=2, max_size=30)


def mean_difference(first, second, axis=-1):
    return np.mean(np.asarray(first) - np.asarray(second), axis=axis)


def bootstrap_interval(differences, **options):
    """Of a system with one seed."""
    values = np.asarray(differences, dtype=np.float64)
    return bootstrap_interval_over_seeds(values[None], np.zeros((1, values.size)), **options)


def binomial_bounds(n, rate, outside=1e-4):
    """Counts that a fair procedure leaves once in 10,000 seeds; the seeds here are fixed."""
    return stats.binom.ppf(outside / 2, n, rate), stats.binom.ppf(1 - outside / 2, n, rate)


def test_randomisation_by_hand():
    """Of 16 signs of .1, .2, .3 and .1, four have a sum of .5 or more, since .5 needs .2 and .3 alike."""
    by_hand = sum(
        abs(sum(sign * size for sign, size in zip(signs, (1, 2, 3, 1), strict=True))) >= 5
        for signs in itertools.product((1, -1), repeat=4)
    )
    assert by_hand == 6
    assert randomisation_test(FIRST, SECOND, seed=0) == 6 / 16


def test_drawn_patterns_count_the_observed_one():
    """Ten equal differences and 9 draws: no draw is likely to hit, and p is still 1 / 10."""
    assert randomisation_test([1.0] * 40, [0.0] * 40, draws=9, seed=0) == 1 / 10


def test_equal_systems_have_p_1():
    assert randomisation_test(FIRST, FIRST, seed=0) == 1.0
    assert paired_t_test(FIRST, FIRST) == 1.0
    assert effect_size(FIRST, FIRST) == 0.0
    assert bootstrap_interval([0.0, 0.0], seed=0) == (0.0, 0.0)


def test_a_difference_by_rounding_is_none():
    """.1 + .2 is not .3 in floating point, on no query."""
    assert randomisation_test([0.1 + 0.2] * 5, [0.3] * 5, seed=0) == 1.0
    assert paired_t_test([0.1 + 0.2] * 5, [0.3] * 5) == 1.0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(scores, scores), min_size=2, max_size=9))
def test_all_patterns_agree_with_scipy(pairs):
    first, second = map(list, zip(*pairs, strict=True))
    # whole numbers, for scipy counts a tie by its last bit
    whole = [np.rint(20 * np.array(system)) for system in (first, second)]
    expected = stats.permutation_test(
        whole,
        lambda a, b, axis: np.sum(a - b, axis=axis),
        permutation_type="samples",
        n_resamples=np.inf,
        vectorized=True,
    ).pvalue
    assert randomisation_test(first, second, seed=0) == pytest.approx(expected, abs=1e-12)


def test_drawn_patterns_agree_with_all_patterns():
    rng = np.random.default_rng(1)
    first, second = rng.random(14), rng.random(14) * 0.8
    exact = randomisation_test(first, second, draws=2**14, seed=0)
    low, high = binomial_bounds(16_000, exact)
    drawn = randomisation_test(first, second, draws=16_000, seed=3)
    assert low <= drawn * 16_001 - 1 <= high
    assert drawn != exact


@settings(max_examples=60, deadline=None)
@given(pairs)
def test_t_test_agrees_with_scipy(pairs):
    first, second = map(np.array, zip(*pairs, strict=True))
    if np.ptp(first - second) > 1e-6:
        assert paired_t_test(first, second) == pytest.approx(stats.ttest_rel(first, second).pvalue, abs=1e-9)


def test_t_test_and_effect_at_their_limit():
    assert paired_t_test([0.5, 0.7, 0.9], [0.25, 0.45, 0.65]) == 0.0
    assert effect_size([0.5, 0.7, 0.9], [0.25, 0.45, 0.65]) is None


def test_effect_size_by_hand():
    """Differences .1, .2, .3, -.1: mean .125, squared deviations .0875 over 3."""
    assert effect_size(FIRST, SECOND) == pytest.approx(0.125 / math.sqrt(0.0875 / 3))


def test_clusters_are_exchanged_as_a_whole():
    """Three questions in four languages are three units: 2 of 8 patterns, not 2 of 4,096."""
    first, second = np.full(12, 0.9), np.repeat([0.8, 0.5, 0.2], 4)
    clusters = ["q1"] * 4 + ["q2"] * 4 + ["q3"] * 4
    assert randomisation_test(first, second, seed=0, clusters=clusters) == 0.25
    assert randomisation_test(first, second, seed=0) < 0.001
    assert paired_t_test(first, second, clusters=clusters) == pytest.approx(
        stats.ttest_1samp([0.4, 1.6, 2.8], 0).pvalue
    )


def test_each_query_its_own_cluster_changes_nothing():
    rng = np.random.default_rng(2)
    first, second = rng.random(30), rng.random(30)
    alone = [f"q{number}" for number in range(30)]
    for test in (randomisation_test, lambda a, b, **options: bootstrap_interval(a - b, **options)):
        assert test(first, second, draws=500, seed=4, clusters=alone) == test(
            first, second, draws=500, seed=4
        )


def test_holm_by_hand():
    """In order: 4 x .005, 3 x .01, then 2 x .03 = .06, and 1 x .04 may not undercut it."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([0.2]) == [0.2]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_lies_between_the_raw_value_and_bonferroni_and_keeps_the_order(p_values):
    adjusted = holm(p_values)
    for raw, corrected in zip(p_values, adjusted, strict=True):
        assert raw <= corrected <= min(1.0, raw * len(p_values)) or corrected == pytest.approx(raw)
    ordered = sorted(range(len(p_values)), key=lambda position: p_values[position])
    assert [adjusted[position] for position in ordered] == sorted(adjusted)


@settings(max_examples=40, deadline=None)
@given(pairs, st.randoms(use_true_random=False), st.integers(0, 3), st.booleans())
def test_neither_order_nor_direction_matters(pairs, random, seed, with_clusters):
    first, second = map(np.array, zip(*pairs, strict=True))
    clusters = [number // 2 for number in range(len(first))] if with_clusters and len(first) > 2 else None
    order = list(range(len(first)))
    random.shuffle(order)
    shuffled = [clusters[position] for position in order] if clusters else None
    p_value = randomisation_test(first, second, draws=50, seed=seed, clusters=clusters)
    assert randomisation_test(second, first, draws=50, seed=seed, clusters=clusters) == p_value
    assert randomisation_test(first[order], second[order], draws=50, seed=seed, clusters=shuffled) == p_value
    low, high = bootstrap_interval(first - second, draws=50, seed=seed, clusters=clusters)
    assert bootstrap_interval(second - first, draws=50, seed=seed, clusters=clusters) == pytest.approx(
        (-high, -low), abs=1e-12
    )
    again = bootstrap_interval((first - second)[order], draws=50, seed=seed, clusters=shuffled)
    assert again == pytest.approx((low, high), abs=1e-12)


def test_the_seed_decides_and_chunks_do_not_grow(monkeypatch):
    rng = np.random.default_rng(5)
    first, second = rng.random(300), rng.random(300)
    for test in (randomisation_test, lambda a, b, **options: bootstrap_interval(a - b, **options)):
        assert test(first, second, draws=999, seed=1) == test(first, second, draws=999, seed=1)
        assert test(first, second, draws=999, seed=1) != test(first, second, draws=999, seed=2)
    rows = [len(patterns) for patterns in significance._random_patterns(10_000, 100, seed=0)]
    assert sum(rows) == 100
    assert max(rows) * 10_000 <= significance._CHUNK


def test_memory_is_bounded():
    """10,000 draws over 10,000 queries are 100 million numbers, and never there at once."""
    rng = np.random.default_rng(6)
    first, second = rng.random(10_000), rng.random(10_000)
    tracemalloc.start()
    try:
        randomisation_test(first, second, seed=0)
        bootstrap_interval(first - second, draws=1_000, seed=0)
        assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    finally:
        tracemalloc.stop()


def test_false_positives_are_as_rare_as_promised():
    """Skewed and tied as average precision is; no difference between the systems."""
    rng = np.random.default_rng(7)
    n = 1_000
    drawn = t_test = 0
    for number in range(n):
        first, second = (np.round(rng.beta(0.4, 0.6, 25), 2) for _ in range(2))
        drawn += randomisation_test(first, second, draws=199, seed=number) <= 0.05
        t_test += paired_t_test(first, second) <= 0.05
    low, high = binomial_bounds(n, 0.05)
    assert low <= drawn <= high
    assert low <= t_test <= high


def test_parallel_questions_need_clusters():
    """Ten questions in five languages share their difficulty: without clusters, false findings abound."""
    rng = np.random.default_rng(8)
    n = 400
    clusters = np.repeat(np.arange(10), 5).tolist()
    with_clusters = without = 0
    for number in range(n):
        differences = np.repeat(rng.normal(0, 1, 10), 5) + rng.normal(0, 0.3, 50)
        zero = np.zeros(50)
        with_clusters += (
            randomisation_test(differences, zero, draws=199, seed=number, clusters=clusters) <= 0.05
        )
        without += randomisation_test(differences, zero, draws=199, seed=number) <= 0.05
    low, high = binomial_bounds(n, 0.05)
    assert low <= with_clusters <= high
    assert without > 4 * high


def test_holm_holds_the_rate_of_the_family():
    """Six systems without a difference: one false finding in six tests stays below 5 % of the families."""
    rng = np.random.default_rng(9)
    n = 300
    corrected = raw = 0
    for number in range(n):
        baseline = rng.random(20)
        p_values = [
            randomisation_test(baseline + rng.normal(0, 0.2, 20), baseline, draws=499, seed=6 * number + arm)
            for arm in range(6)
        ]
        corrected += min(holm(p_values)) <= 0.05
        raw += min(p_values) <= 0.05
    assert corrected <= binomial_bounds(n, 0.05)[1]
    assert raw > binomial_bounds(n, 0.05)[1]


def test_a_real_difference_is_found():
    rng = np.random.default_rng(10)
    found = sum(
        randomisation_test(rng.normal(0.1, 0.1, 30), np.zeros(30), draws=199, seed=number) <= 0.05
        for number in range(100)
    )
    assert found >= 95


@pytest.mark.parametrize("clustered", [False, True])
def test_intervals_cover_the_true_mean(clustered):
    """95 % asked for. Percentiles of 60 units and 1,000 draws are a little narrow, by theory 1 point at most."""
    rng = np.random.default_rng(11)
    n, covered = 1_000, 0
    clusters = np.repeat(np.arange(60), 3).tolist() if clustered else None
    for number in range(n):
        differences = rng.beta(0.5, 0.5, 60) - rng.beta(0.5, 1.0, 60)  # mean 1/2 - 1/3
        if clustered:
            differences = np.repeat(differences, 3) + rng.normal(0, 0.1, 180)
        low, high = bootstrap_interval(differences, draws=1_000, seed=number, clusters=clusters)
        covered += low <= 1 / 6 <= high
    assert binomial_bounds(n, 0.94)[0] <= covered <= binomial_bounds(n, 0.95)[1]


def test_bootstrap_by_hand():
    """Two queries, differences 0 and 1: the mean is 0, 1/2, 1 with chance 1/4, 1/2, 1/4."""
    assert bootstrap_interval([0.0, 1.0], level=0.6, draws=4_000, seed=0) == (0.0, 1.0)
    assert bootstrap_interval([0.0, 1.0], level=0.3, draws=4_000, seed=0) == (0.5, 0.5)


def test_bootstrap_agrees_with_scipy():
    differences = np.random.default_rng(12).normal(0.1, 1.0, 40)
    expected = stats.bootstrap(
        (differences,), np.mean, n_resamples=9_999, method="percentile", random_state=np.random.default_rng(0)
    ).confidence_interval
    assert bootstrap_interval(differences, draws=9_999, seed=0) == pytest.approx(tuple(expected), abs=0.02)


def test_clusters_of_different_size_weigh_by_their_queries():
    """A cluster of three queries at 1 and one query at 0: the drawn mean is 0, 3/4 or 1."""
    interval = bootstrap_interval([1.0, 1.0, 1.0, 0.0], level=0.3, seed=0, clusters=["a", "a", "a", "b"])
    assert interval == (0.75, 0.75)


def test_seeds_widen_the_interval():
    """Two seeds that differ by 1 on every query: only the draw of seeds can move the mean."""
    first, second = np.array([[0.0] * 4, [1.0] * 4]), np.zeros((1, 4))
    assert bootstrap_interval_over_seeds(first, second, seed=0) == (0.0, 1.0)
    assert bootstrap_interval_over_seeds(second, first, seed=0) == (-1.0, 0.0)
    assert bootstrap_interval(first.mean(axis=0), seed=0) == (0.5, 0.5)


def test_drawing_seeds_and_queries_has_the_variance_of_theory():
    """Variance of the mean of queries plus that of the mean of seeds, each as the bootstrap sees it."""
    rng = np.random.default_rng(13)
    by_query, by_seed = rng.normal(0, 1, 200), rng.normal(0, 0.2, 5)
    first = by_query + by_seed[:, None]
    low, high = bootstrap_interval_over_seeds(first, np.zeros((1, 200)), level=0.6827, draws=4_000, seed=0)
    expected = math.sqrt(by_query.var() / 200 + by_seed.var() / 5)
    assert (high - low) / 2 == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: randomisation_test([1.0, 2.0], [1.0], seed=0), r"first is \(2,\) but second is \(1,\)"),
        (lambda: randomisation_test([1.0], [1.0], seed=0), "needs 2 queries or more, found 1"),
        (lambda: paired_t_test([], []), "needs 2 queries or more, found 0"),
        (lambda: paired_t_test([1.0, math.nan], [1.0, 2.0]), r"first\[1\] is nan: expected a finite score"),
        (lambda: effect_size([1.0, 2.0], [math.inf, 2.0]), r"second\[0\] is inf"),
        (lambda: randomisation_test(FIRST, SECOND, draws=0, seed=0), "draws is 0: expected 1 or more"),
        (lambda: randomisation_test(FIRST, SECOND, seed=0, clusters=["a"] * 3), "3 cluster labels for 4 queries"),
        (lambda: randomisation_test(FIRST, SECOND, seed=0, clusters=["a"] * 4), "2 clusters or more, found 1"),
        (lambda: bootstrap_interval([1.0], seed=0), "needs 2 queries or more, found 1"),
        (lambda: bootstrap_interval([1.0, math.nan], seed=0), r"first\[0, 1\] is nan"),
        (lambda: bootstrap_interval(FIRST, seed=0, level=1.0), "level is 1.0: expected a share between 0 and 1"),
        (lambda: bootstrap_interval(FIRST, seed=0, draws=0), "draws is 0"),
        (
            lambda: bootstrap_interval_over_seeds(np.ones((2, 3)), np.ones((2, 4)), seed=0),
            r"first is \(2, 3\) but second is \(2, 4\): expected \(seeds, queries\)",
        ),
        (lambda: holm([0.5, 1.5]), r"p_values\[1\] is 1.5: expected 0 to 1"),
        (lambda: holm([math.nan]), r"p_values\[0\] is nan"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


class TestEquivalence:
    def test_it_is_the_larger_of_two_one_sided_t_tests(self):
        from opticlir.evaluation.significance import equivalence_test

        generator = np.random.default_rng(0)
        second = generator.random(50)
        first = second + generator.normal(0.002, 0.01, 50)
        differences = first - second
        error = differences.std(ddof=1) / np.sqrt(50)
        by_hand = max(
            stats.t.sf((differences.mean() + 0.01) / error, 49),
            stats.t.cdf((differences.mean() - 0.01) / error, 49),
        )
        assert equivalence_test(first, second, margin=0.01) == pytest.approx(by_hand)
        assert equivalence_test(first, second, margin=0.01) < 0.05
        assert equivalence_test(first + 0.01, second, margin=0.01) > 0.5, "not significant is not equivalent"

    def test_copies_of_a_question_are_one_unit(self):
        from opticlir.evaluation.significance import equivalence_test

        first, second = [0.5, 0.62, 0.71], [0.51, 0.6, 0.7]
        whole = equivalence_test(first, second, margin=0.05)
        labels = ["a", "b", "c"] * 4
        assert equivalence_test(first * 4, second * 4, margin=0.05, clusters=labels) == pytest.approx(whole)

    def test_constant_differences_and_a_margin_of_zero(self):
        from opticlir.evaluation.significance import equivalence_test

        assert equivalence_test([0.5, 0.5], [0.5, 0.5], margin=0.01) == 0.0
        assert equivalence_test([0.6, 0.6], [0.5, 0.5], margin=0.01) == 1.0
        with pytest.raises(ValueError, match="margin is 0"):
            equivalence_test([0.5, 0.6], [0.5, 0.5], margin=0.0)
