"""Paired significance tests and intervals over the queries of one measure.

A unit is what is drawn as a whole: a query, or a cluster of queries that belong together, such as one question
in several languages. The draws do not depend on the order of the queries or of the systems, so swapping the
systems only changes signs.

Reference: Smucker, Allan and Carterette, A comparison of statistical significance tests for information
retrieval evaluation, CIKM 2007. Phipson and Smyth, Permutation p-values should never be zero, 2010.
Efron and Tibshirani, An introduction to the bootstrap, 1993. Holm, A simple sequentially rejective
multiple test procedure, 1979.
"""

import math
from collections.abc import Hashable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import stats

Array: TypeAlias = npt.NDArray[np.float64]
Scores: TypeAlias = Sequence[float] | Array
"""One value of a measure per query, with the same order of queries everywhere."""
Clusters: TypeAlias = Sequence[Hashable] | None
"""One label per query. Queries with the same label are one unit; None makes each query a unit."""

DEFAULT_DRAWS = 10_000

_ROUNDING = 1e-10
"""Sums of up to 100,000 scores are equal if they differ by less than this, relative to the scores."""
_CHUNK = 2**17
"""Draws times units in memory at once: 1 MiB per float64 array, so that it stays in the cache."""


def paired_differences(first: Scores, second: Scores) -> Array:
    """Return first minus second per query; 0 if they differ only by rounding.

    Raises:
        ValueError: the scores are not one finite number per query, or there are fewer than 2 queries.
    """
    left, right = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if left.ndim != 1 or left.shape != right.shape:
        raise ValueError(
            f"first is {left.shape} but second is {right.shape}: expected one score per query in both"
        )
    if len(left) < 2:
        raise ValueError(f"a paired comparison needs 2 queries or more, found {len(left)}")
    for name, scores in (("first", left), ("second", right)):
        _check_finite(name, scores)
    differences = left - right
    differences[np.abs(differences) <= _ROUNDING * np.maximum(np.abs(left), np.abs(right))] = 0.0
    return differences


def randomisation_test(
    first: Scores, second: Scores, *, draws: int = DEFAULT_DRAWS, seed: int, clusters: Clusters = None
) -> float:
    """Test whether two systems differ, by randomly exchanging them within queries (two-sided).

    The statistic is the absolute mean difference. If there are at most `draws` patterns of exchange, each is
    tried once and p is exact; otherwise patterns are drawn.

    Args:
        first: score per query.
        second: score per query, same order.
        draws: number of random patterns, 1 or more.
        seed: seed of the draws.
        clusters: label per query; a cluster is exchanged as a whole.

    Returns:
        p = (hits + 1) / (draws + 1). It is never 0, since the observed pattern counts.

    Raises:
        ValueError: the scores do not match or are not finite, there are fewer than 2 units, or `draws` is
            below 1.

    Example:
        >>> randomisation_test([0.9, 0.7, 0.5], [0.8, 0.5, 0.2], seed=0)  # 2 of 8 patterns
        0.25
    """
    _check_draws(draws)
    totals = _units(paired_differences(first, second)[:, None], clusters)[0][:, 0]
    # an exchange changes a sign, so only magnitudes count; sorting removes order and direction
    magnitudes = np.sort(np.abs(totals[totals != 0.0]))
    sum_of_magnitudes = math.fsum(magnitudes)
    threshold = abs(math.fsum(totals)) - _ROUNDING * sum_of_magnitudes
    is_exact = len(magnitudes) < draws.bit_length()
    patterns = _all_patterns(len(magnitudes)) if is_exact else _random_patterns(len(magnitudes), draws, seed)
    hits = 0
    for is_exchanged in patterns:
        statistic = np.abs(sum_of_magnitudes - 2.0 * (is_exchanged.astype(np.float64) @ magnitudes))
        hits += int(np.count_nonzero(statistic >= threshold))
    if is_exact:
        return float(hits / 2 ** len(magnitudes))
    return (hits + 1) / (draws + 1)


def paired_t_test(first: Scores, second: Scores, *, clusters: Clusters = None) -> float:
    """Two-sided paired t-test over queries, or over the totals of clusters.

    Args:
        first: score per query.
        second: score per query, same order.
        clusters: label per query.

    Returns:
        p. It is 1 if the systems agree on every unit, and 0 (the limit) if all units differ by the same
        amount.

    Raises:
        ValueError: the scores do not match or are not finite, or there are fewer than 2 units.

    Example:
        >>> round(paired_t_test([0.9, 0.7, 0.5], [0.8, 0.5, 0.2]), 4)
        0.0742
    """
    totals = _units(paired_differences(first, second)[:, None], clusters)[0][:, 0]
    if _is_constant(totals):
        return 0.0 if totals.any() else 1.0
    return float(stats.ttest_1samp(totals, 0.0).pvalue)


def equivalence_test(first: Scores, second: Scores, *, margin: float, clusters: Clusters = None) -> float:
    """Test whether two systems differ by less than a margin (TOST: two one-sided paired t-tests).

    Args:
        first: score per query.
        second: score per query, same order.
        margin: the difference that matters, above 0; fixed before anything is scored.
        clusters: label per query; a cluster is one unit.

    Returns:
        The larger p of the two tests. If it is at most .05, the 90 % interval of the difference is within the margin.

    Raises:
        ValueError: the scores do not match or are not finite, there are fewer than 2 units, or the margin is not
            above 0.

    Example:
        >>> round(equivalence_test([0.50, 0.71, 0.30], [0.51, 0.70, 0.30], margin=0.05), 3)
        0.007

    Reference:
        Schuirmann, A comparison of the two one-sided tests procedure and the power approach, 1987.
    """
    if not margin > 0:
        raise ValueError(f"margin is {margin}: expected a difference above 0, such as 0.01")
    differences = paired_differences(first, second)
    totals = _units(differences[:, None], clusters)[0][:, 0]
    shares = totals * len(totals) / len(differences)  # their mean is that of the queries
    if _is_constant(shares):
        return 0.0 if abs(shares[0]) < margin else 1.0
    above = stats.ttest_1samp(shares, -margin, alternative="greater").pvalue
    below = stats.ttest_1samp(shares, margin, alternative="less").pvalue
    return float(max(above, below))


def effect_size(first: Scores, second: Scores) -> float | None:
    """Return the mean of the paired differences divided by their standard deviation (Cohen's d_z).

    Args:
        first: score per query.
        second: score per query, same order.

    Returns:
        0 if the systems agree on every query; None if all queries differ by the same amount, so that the
        deviation is 0.

    Raises:
        ValueError: the scores do not match or are not finite, or there are fewer than 2.

    Example:
        >>> effect_size([0.9, 0.7, 0.5], [0.8, 0.5, 0.2])
        2.0
    """
    differences = paired_differences(first, second)
    if not differences.any():
        return 0.0
    if _is_constant(differences):
        return None
    return round(float(differences.mean() / differences.std(ddof=1)), 12)


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct the p-values of a family of tests (Holm), so that a false finding is as rare as alpha.

    Args:
        p_values: all tests of the family, also those without a finding.

    Returns:
        Adjusted p-values in the same order. Reject those of at most alpha.

    Raises:
        ValueError: a p-value is outside 0 to 1.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    for position, p_value in enumerate(p_values):
        if not 0.0 <= p_value <= 1.0:
            raise ValueError(f"p_values[{position}] is {p_value}: expected 0 to 1")
    ordered = sorted(range(len(p_values)), key=lambda position: p_values[position])
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for n_rejected, position in enumerate(ordered):
        highest = max(highest, min(1.0, (len(p_values) - n_rejected) * p_values[position]))
        adjusted[position] = highest
    return adjusted


def bootstrap_interval_over_seeds(
    first: Array,
    second: Array,
    *,
    level: float = 0.95,
    draws: int = DEFAULT_DRAWS,
    seed: int,
    clusters: Clusters = None,
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean difference, drawing queries and training seeds.

    Both systems answer the same drawn queries. Their seeds are drawn separately, since they were trained
    separately. A system with one seed has nothing to draw.

    Args:
        first: (seeds, queries) scores.
        second: (seeds, queries) scores; the number of seeds can differ.
        level: share of intervals that contain the true mean, between 0 and 1.
        draws: number of resamples, 1 or more.
        seed: seed of the draws.
        clusters: label per query; a cluster is drawn as a whole.

    Returns:
        Lower and upper end of the mean of first minus the mean of second.

    Raises:
        ValueError: the shapes do not match, a score is not finite, there are fewer than 2 units, or `level`
            or `draws` is out of range.
    """
    _check_draws(draws)
    if not 0.0 < level < 1.0:
        raise ValueError(f"level is {level}: expected a share between 0 and 1, such as 0.95")
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1] or 0 in first.shape[:1]:
        raise ValueError(
            f"first is {first.shape} but second is {second.shape}: expected (seeds, queries), as many queries"
        )
    for name, scores in (("first", first), ("second", second)):
        _check_finite(name, scores)
    totals, sizes = _units(np.concatenate([first, second]).T, clusters)
    left, right = totals[:, : len(first)], totals[:, len(first) :]
    difference = left.mean(axis=1) - right.mean(axis=1)
    # one direction and order, whichever system comes first
    is_swapped = np.sort(difference).tolist() < np.sort(-difference).tolist()
    if is_swapped:
        left, right, difference = right, left, -difference
    order = np.lexsort([*right.T, *left.T, sizes, difference])
    means = _resampled_means(left[order], right[order], sizes[order], draws, seed)
    low, high = np.quantile(means, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return (-float(high), -float(low)) if is_swapped else (float(low), float(high))


def _resampled_means(left: Array, right: Array, sizes: Array, draws: int, seed: int) -> Array:
    """(draws,) mean differences; left and right are (units, seeds) totals, sizes is (units,) queries."""
    generator = np.random.default_rng(seed)
    n_units = len(sizes)
    table = np.concatenate([left, right, sizes[:, None]], axis=1)
    means = np.empty(draws)
    for start, n_rows in _chunks(draws, n_units):
        drawn = generator.integers(0, n_units, size=(n_rows, n_units))
        drawn += np.arange(n_rows)[:, None] * n_units
        counts = np.bincount(drawn.ravel(), minlength=n_rows * n_units).reshape(n_rows, n_units)
        sums = counts.astype(np.float64) @ table
        by_seed = sums[:, :-1] / sums[:, -1:]
        n_left = left.shape[1]
        means[start : start + n_rows] = _mean_over_drawn_seeds(
            by_seed[:, :n_left], generator
        ) - _mean_over_drawn_seeds(by_seed[:, n_left:], generator)
    return means


def _mean_over_drawn_seeds(by_seed: Array, generator: np.random.Generator) -> Array:
    drawn = generator.integers(0, by_seed.shape[1], size=by_seed.shape)
    return np.asarray(np.take_along_axis(by_seed, drawn, axis=1).mean(axis=1), dtype=np.float64)


def _units(values: Array, clusters: Clusters) -> tuple[Array, Array]:
    """Totals (units, columns) of values (queries, columns), and the number of queries of each unit."""
    if clusters is None:
        if len(values) < 2:
            raise ValueError(f"a paired comparison needs 2 queries or more, found {len(values)}")
        return values, np.ones(len(values))
    if len(clusters) != len(values):
        raise ValueError(f"{len(clusters)} cluster labels for {len(values)} queries: expected one each")
    members: dict[Hashable, list[int]] = {}
    for query, label in enumerate(clusters):
        members.setdefault(label, []).append(query)
    if len(members) < 2:
        raise ValueError(f"a paired comparison needs 2 clusters or more, found {len(members)}")
    # fsum, since its result does not depend on the order of the queries
    totals = [[math.fsum(column) for column in values[queries].T] for queries in members.values()]
    return np.array(totals), np.array([float(len(queries)) for queries in members.values()])


def _all_patterns(n_units: int) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield each subset of the units once, in rows of 0 and 1."""
    for start, n_rows in _chunks(2**n_units, n_units):
        numbers = np.arange(start, start + n_rows)[:, None]
        yield (numbers >> np.arange(n_units) & 1).astype(np.uint8)


def _random_patterns(n_units: int, draws: int, seed: int) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield `draws` random subsets of the units, in rows of 0 and 1."""
    generator = np.random.default_rng(seed)
    for _, n_rows in _chunks(draws, n_units):
        packed = generator.integers(0, 256, size=(n_rows, -(-n_units // 8)), dtype=np.uint8)
        yield np.unpackbits(packed, axis=1, count=n_units)


def _chunks(n_rows: int, n_columns: int) -> Iterator[tuple[int, int]]:
    """Yield start and length of chunks of rows with at most `_CHUNK` numbers, but at least one row."""
    step = max(1, _CHUNK // max(1, n_columns))
    for start in range(0, n_rows, step):
        yield start, min(step, n_rows - start)


def _is_constant(values: Array) -> bool:
    return bool(np.ptp(values) <= _ROUNDING * np.abs(values).max())


def _check_draws(draws: int) -> None:
    if draws < 1:
        raise ValueError(f"draws is {draws}: expected 1 or more")


def _check_finite(name: str, scores: Array) -> None:
    if not np.isfinite(scores).all():
        place = tuple(np.argwhere(~np.isfinite(scores))[0].tolist())
        raise ValueError(f"{name}{list(place)} is {scores[place]}: expected a finite score")
