"""Length ratios of translations to English: their distribution and its outliers."""

import math
from collections import Counter

from opticlir.records import SentencePair

_BIN = 0.02  # of the logarithm, so ratios are exact to 2 %
_SMOOTHING = 10  # characters: "No." can become "Hapana."
_NORMAL_MAD = 1.4826  # standard deviations per median absolute deviation, of a normal distribution
_MAX_DEVIATIONS = 4.0
_LEAST_FACTOR = 2.0


class LengthRatios:
    """A histogram of the ratios of foreign to English characters."""

    def __init__(self) -> None:
        self._plain: Counter[int] = Counter()
        self._smoothed: Counter[int] = Counter()

    def add(self, pair: SentencePair) -> None:
        """Add one pair."""
        self._plain[round(math.log(len(pair.foreign) / len(pair.english)) / _BIN)] += 1
        self._smoothed[_smoothed_bin(pair)] += 1

    def merge(self, other: "LengthRatios") -> None:
        """Add the histogram of another file."""
        self._plain += other._plain
        self._smoothed += other._smoothed

    def quantile(self, share: float) -> float:
        """Return the ratio below which `share` of the pairs are, exact to 2 %."""
        return math.exp(_quantile(self._plain, share) * _BIN)

    def usual(self) -> tuple[int, int]:
        """Return the first and last bin of normal pairs: `_MAX_DEVIATIONS` or a factor of 2 around the median."""
        middle = _quantile(self._smoothed, 0.5)
        deviations: Counter[int] = Counter()
        for value, count in self._smoothed.items():
            deviations[abs(value - middle)] += count
        width = _MAX_DEVIATIONS * _NORMAL_MAD * _quantile(deviations, 0.5)
        width = max(round(width), round(math.log(_LEAST_FACTOR) / _BIN))
        return middle - width, middle + width

    def n_outliers(self, usual: tuple[int, int]) -> int:
        """Return the number of pairs with a smoothed ratio outside of `usual`."""
        low, high = usual
        return sum(count for value, count in self._smoothed.items() if not low <= value <= high)


def is_outlier(pair: SentencePair, usual: tuple[int, int]) -> bool:
    """Whether the length ratio of a pair is outside of `usual`."""
    low, high = usual
    return not low <= _smoothed_bin(pair) <= high


def smoothed_log_ratio(pair: SentencePair) -> float:
    """Return the logarithm of the length ratio; short sentences are drawn towards 0."""
    return math.log((len(pair.foreign) + _SMOOTHING) / (len(pair.english) + _SMOOTHING))


def _smoothed_bin(pair: SentencePair) -> int:
    return round(smoothed_log_ratio(pair) / _BIN)


def _quantile(histogram: Counter[int], share: float) -> int:
    """Return the lowest bin with `share` of the counts at or below it."""
    wanted = share * histogram.total()
    seen = 0
    for value in sorted(histogram):
        seen += histogram[value]
        if seen >= wanted:
            return value
    raise ValueError("a quantile of no values")
