"""How long translations are against their English: the ratio's distribution, and what is far off it."""

import math
from collections import Counter

from opticlir.records import SentencePair

_BIN = 0.02  # of the logarithm: a ratio is known to 2 %
_SMOOTHING = 10  # characters: "No." may well become "Hapana."
_NORMAL_MAD = 1.4826  # standard deviations per median absolute deviation, of a normal distribution
_MAX_DEVIATIONS = 4.0
_LEAST_FACTOR = 2.0


class LengthRatios:
    """Collects the ratio of characters, foreign to English, in a histogram of fixed width."""

    def __init__(self) -> None:
        self._plain: Counter[int] = Counter()
        self._smoothed: Counter[int] = Counter()

    def add(self, pair: SentencePair) -> None:
        """Take note of one pair."""
        self._plain[round(math.log(len(pair.foreign) / len(pair.english)) / _BIN)] += 1
        self._smoothed[_smoothed_bin(pair)] += 1

    def merge(self, other: "LengthRatios") -> None:
        """Add what another file collected."""
        self._plain += other._plain
        self._smoothed += other._smoothed

    def quantile(self, share: float) -> float:
        """Ratio below which `share` of the pairs lie, to 2 %."""
        return math.exp(_quantile(self._plain, share) * _BIN)

    def usual(self) -> tuple[int, int]:
        """Bins between which a pair is not suspect: `_MAX_DEVIATIONS` around the median, and a factor of 2 at least."""
        middle = _quantile(self._smoothed, 0.5)
        deviations: Counter[int] = Counter()
        for value, count in self._smoothed.items():
            deviations[abs(value - middle)] += count
        width = _MAX_DEVIATIONS * _NORMAL_MAD * _quantile(deviations, 0.5)
        width = max(round(width), round(math.log(_LEAST_FACTOR) / _BIN))
        return middle - width, middle + width

    def n_outliers(self, usual: tuple[int, int]) -> int:
        """How many pairs have a (smoothed) ratio outside of `usual`."""
        low, high = usual
        return sum(count for value, count in self._smoothed.items() if not low <= value <= high)


def is_outlier(pair: SentencePair, usual: tuple[int, int]) -> bool:
    """Tell whether the sides of a pair differ in length far more or less than usual."""
    low, high = usual
    return not low <= _smoothed_bin(pair) <= high


def smoothed_log_ratio(pair: SentencePair) -> float:
    """Logarithm of the length ratio, short sentences pulled towards 0."""
    return math.log((len(pair.foreign) + _SMOOTHING) / (len(pair.english) + _SMOOTHING))


def _smoothed_bin(pair: SentencePair) -> int:
    return round(smoothed_log_ratio(pair) / _BIN)


def _quantile(histogram: Counter[int], share: float) -> int:
    """Return the lowest bin at or below which `share` of the counts lie."""
    wanted = share * histogram.total()
    seen = 0
    for value in sorted(histogram):
        seen += histogram[value]
        if seen >= wanted:
            return value
    raise ValueError("a quantile of no values")
