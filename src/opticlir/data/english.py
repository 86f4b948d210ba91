"""Recognises English by its most usual words, to find columns that are swapped."""

import re
from collections.abc import Iterable

_LETTERS = re.compile(r"[a-z]+")


def _words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


# usual words of running text and of dictionaries; none that other languages use often (in, is, man, die, no)
_USUAL = _words("""
    the of and that for with this are from they which were their has have been but not you his her she who would
    there what when about other people water house time day year woman child good work world god king father mother
    head eye tree fire dog bird fish red white black big small new old love eat drink sleep come see give take make
    know think food school book doctor health because before after between under without help friend money road
    market night morning rain milk bread child children sister brother name language word country government""")
_LEAST_HITS = 8
_LEAST_SHARE = 0.015
_FACTOR = 4.0


class EnglishSide:
    """Counts the usual English words on both sides of the first pairs of a file.

    Example:
        >>> sides = EnglishSide(10)
        >>> for _ in range(10):
        ...     sides.add("Maji ni uhai wa watu", "Water is the life of the people")
        >>> sides.looks_swapped
        True
    """

    def __init__(self, n_pairs: int = 1_000) -> None:
        self._n_left = n_pairs
        self._hits = [0, 0]
        self._words = [0, 0]

    def add(self, english: str, foreign: str) -> None:
        """Count one pair; nothing after the first `n_pairs`."""
        if self._n_left:
            self._n_left -= 1
            for side, text in enumerate((english, foreign)):
                hits, words = _counts([text])
                self._hits[side] += hits
                self._words[side] += words

    @property
    def looks_swapped(self) -> bool:
        """Whether the side that should be foreign is English, and the other one is not."""
        other, foreign = (
            self._hits
        )  # translations are compared as wholes: scripts without blanks have few words
        return foreign >= max(_LEAST_HITS, _LEAST_SHARE * self._words[1]) and foreign > _FACTOR * other


def english_share(texts: Iterable[str]) -> float:
    """Return the share of the words that are usual in English: about a third of running English text."""
    hits, words = _counts(texts)
    return hits / max(1, words)


def _counts(texts: Iterable[str]) -> tuple[int, int]:
    hits = words = 0
    for text in texts:
        words += len(text.split())
        hits += sum(word in _USUAL for word in _LETTERS.findall(text.lower()))
    return hits, words
