"""The language gap: how much worse search is in one group of languages than in another.

The groups are an argument, never derived from the scores: groups that are chosen after scoring can show any gap.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from statistics import fmean


@dataclass(frozen=True, kw_only=True)
class LanguageGap:
    """A measure of a system in two groups of languages."""

    high: float
    """Mean over the high-resource languages."""
    low: float
    """Mean over the low-resource languages."""
    worst: str
    """The language with the lowest score; if several are equal, the first in the alphabet."""

    @property
    def high_minus_low(self) -> float:
        """Difference of the group means."""
        return self.high - self.low

    @property
    def low_to_high(self) -> float | None:
        """Ratio of the group means, 1 without a gap; None if the high group scores 0."""
        return self.low / self.high if self.high else None


def language_gap(scores: Mapping[str, float], *, high: Collection[str], low: Collection[str]) -> LanguageGap:
    """Compare groups of languages that were fixed before anything was scored.

    Args:
        scores: one measure of one system by language; higher is better.
        high: the high-resource languages.
        low: the low-resource languages.

    Returns:
        Means of the groups and their gap. Languages in neither group also count for the worst language.

    Raises:
        ValueError: a group is empty, shares a language with the other group, or has a language without a score.

    Example:
        >>> gap = language_gap({"eng": 0.9, "spa": 0.8, "swa": 0.4}, high=["spa"], low=["swa"])
        >>> round(gap.high_minus_low, 3), gap.low_to_high, gap.worst
        (0.4, 0.5, 'swa')
    """
    for name, group in (("high", high), ("low", low)):
        if not group:
            raise ValueError(f"the group {name!r} names no language")
        if missing := sorted(set(group) - scores.keys()):
            raise ValueError(f"the group {name!r} names {missing[0]!r}, which has no score")
    if both := sorted(set(high) & set(low)):
        raise ValueError(f"{both[0]!r} is in both groups")
    return LanguageGap(
        high=fmean(scores[language] for language in sorted(set(high))),
        low=fmean(scores[language] for language in sorted(set(low))),
        worst=min(sorted(scores), key=scores.__getitem__),
    )
