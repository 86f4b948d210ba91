"""Which language a question is in, learned from the word lists that the models keep.

A word of a language comes from its list, or is spelled by its letters: three letters at a time, each given the two
before it. A question is in the language that gives its words the highest probability.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping

from opticlir.words import rough_words

_LISTED = 0.7
"""Probability that a word is one of the list."""
_ORDER = 3
_LETTERS = 200
"""Letters that spelling is smoothed over."""
_DISCOUNT = 0.5


class LanguageDetector:
    """Names the language of a text.

    Args:
        words: words by language code; a language without words is never detected.

    Example:
        >>> detector = LanguageDetector({"swa": ["maji", "safi", "homa"], "hau": ["ruwa", "mai", "tsabta"]})
        >>> detector.detect("Maji ni safi?"), detector.detect("ruwan sha"), detector.detect("...")
        ('swa', 'hau', None)
    """

    def __init__(self, words: Mapping[str, Iterable[str]]) -> None:
        self._languages = {code: _Spelling(each) for code, each in words.items()}

    def detect(self, text: str) -> str | None:
        """The language code; None for a text without words, or where no language has a word list."""
        asked = [word for word in rough_words(text) if not word.isdecimal()]
        if not asked:
            return None
        scores = {
            code: sum(map(language.log_probability, asked))
            for code, language in self._languages.items()
            if language.n_words
        }
        return max(scores, key=scores.__getitem__, default=None)


class _Spelling:
    def __init__(self, words: Iterable[str]) -> None:
        self._words = {part for word in words for part in rough_words(word)}
        self.n_words = len(self._words)
        self._grams: Counter[str] = Counter()
        self._contexts: Counter[str] = Counter()
        for word in self._words:
            for gram in _grams(word):
                self._grams[gram] += 1
                self._contexts[gram[:-1]] += 1

    def log_probability(self, word: str) -> float:
        spelled = sum(map(self._letter, _grams(word)))
        if word not in self._words:
            return math.log(1 - _LISTED) + spelled
        return math.log(_LISTED / self.n_words + (1 - _LISTED) * math.exp(spelled))

    def _letter(self, gram: str) -> float:
        return math.log((self._grams[gram] + _DISCOUNT) / (self._contexts[gram[:-1]] + _DISCOUNT * _LETTERS))


def _grams(word: str) -> Iterable[str]:
    marked = f"{' ' * (_ORDER - 1)}{word} "
    return (marked[start : start + _ORDER] for start in range(len(word) + 1))
