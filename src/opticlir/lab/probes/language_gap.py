"""The language gap: how much worse search is in one group of languages than in another.

The groups are an argument and never derived from the scores: whoever puts languages into groups after
having seen what they score can have any gap. `JOSHI_CLASS` is one division made beforehand.

Reference: Hu et al., XTREME, ICML 2020 (the cross-lingual transfer gap: English minus the mean of the
others). Joshi et al., The state and fate of linguistic diversity and inclusion in the NLP world, ACL 2020.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

JOSHI_CLASS: dict[str, int] = {
    "eng": 5, "spa": 5, "deu": 5, "fra": 5, "ara": 5, "zho": 5, "jpn": 5,
    "rus": 4, "tur": 4, "vie": 4, "hin": 4, "eus": 4, "kor": 4, "ita": 4, "por": 4, "fas": 4, "fin": 4,
    "tha": 3, "ell": 3, "ron": 3, "tgl": 3, "ben": 3, "ind": 3, "urd": 3, "heb": 3,
    "swa": 2, "zul": 2, "xho": 2, "yor": 2, "hau": 2, "amh": 2, "mar": 2,
    "ibo": 1, "som": 1, "tel": 1, "nep": 1, "cym": 1, "twi": 1,
}  # fmt: skip
"""Resource class of a language, 5 (most text and labels) to 0 (none), of Joshi et al.; those we have data for."""

_HIGH_CLASS, _LOW_CLASS = 4, 2


@dataclass(frozen=True, kw_only=True)
class LanguageGap:
    """What a system gives to each group of languages, in the unit of the measure."""

    high: float
    """Mean over the high-resource languages."""
    low: float
    """Mean over the low-resource languages."""
    worst: str
    """The language that scores least; of several, the first in the alphabet."""
    english_minus: dict[str, float]
    """English minus each other language; empty where English was not scored."""

    @property
    def high_minus_low(self) -> float:
        """Difference of the group means."""
        return self.high - self.low

    @property
    def low_to_high(self) -> float | None:
        """Ratio of the group means, 1 where there is no gap; None where the high group scores 0."""
        return self.low / self.high if self.high else None

    @property
    def transfer_gap(self) -> float | None:
        """English minus the mean of all other languages; None where English was not scored."""
        return fmean(self.english_minus.values()) if self.english_minus else None


def language_gap(scores: Mapping[str, float], *, high: Collection[str], low: Collection[str]) -> LanguageGap:
    """Compare groups of languages that were fixed before anything was scored.

    Args:
        scores: language -> one measure of one system, higher is better. English (`eng`) may be among them.
        high: the high-resource languages.
        low: the low-resource languages.

    Returns:
        Means of the groups and their gaps. Languages in neither group count for English's gap and for
        the worst language.

    Raises:
        ValueError: a group is empty, shares a language with the other, or names one without a score: a
            group that quietly lost a language would be another group.

    Example:
        >>> gap = language_gap({"eng": 0.9, "spa": 0.8, "swa": 0.4}, high=["spa"], low=["swa"])
        >>> round(gap.high_minus_low, 3), gap.low_to_high, round(gap.transfer_gap, 3), gap.worst
        (0.4, 0.5, 0.3, 'swa')
    """
    for name, group in (("high", high), ("low", low)):
        if not group:
            raise ValueError(f"the group {name!r} names no language")
        if missing := sorted(set(group) - scores.keys()):
            raise ValueError(f"the group {name!r} names {missing[0]!r}, which has no score")
    if both := sorted(set(high) & set(low)):
        raise ValueError(f"{both[0]!r} is in both groups")
    others = {language: score for language, score in sorted(scores.items()) if language != "eng"}
    return LanguageGap(
        high=fmean(scores[language] for language in sorted(set(high))),
        low=fmean(scores[language] for language in sorted(set(low))),
        worst=min(sorted(scores), key=scores.__getitem__),
        english_minus=(
            {language: scores["eng"] - score for language, score in others.items()} if "eng" in scores else {}
        ),
    )


def joshi_groups(languages: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Divide languages by `JOSHI_CLASS`: high is class 4 and 5, low is 0 to 2, class 3 is in neither.

    English is in neither: it is what the others are compared with.

    Args:
        languages: ISO 639-3 codes.

    Returns:
        The high and the low group, sorted.

    Raises:
        ValueError: a language has no class here: put it into a group yourself, before scoring.

    Example:
        >>> joshi_groups(["eng", "swa", "tha", "spa"])
        (('spa',), ('swa',))
    """
    codes = sorted(set(languages) - {"eng"})
    if unknown := [code for code in codes if code not in JOSHI_CLASS]:
        raise ValueError(f"no resource class is known for {unknown[0]!r}: name the groups yourself")
    return (
        tuple(code for code in codes if JOSHI_CLASS[code] >= _HIGH_CLASS),
        tuple(code for code in codes if JOSHI_CLASS[code] <= _LOW_CLASS),
    )
