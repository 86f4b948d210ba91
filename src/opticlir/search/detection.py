"""Which language a question is in, learned from the word lists that the models keep.

A word of a language comes from its list, or is spelled by its letters: three letters at a time, each given the two
before it. In a list, a word is as probable as its rank says (Zipf's law). A question is in the language that gives its
words the highest probability. Names say little of the language of a question: words with a capital letter do not count
if enough others are left. Diacritics do not count: people leave them out, and so do the lists of some models.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

from opticlir.words import rough_words

_LISTED = 0.9
"""Probability that a word is one of the list."""
_ZIPF = 2.7
"""The probability of a word of rank r is proportional to 1 / (r + 2.7) (Mandelbrot)."""
_ORDER = 3
_LETTERS = 200
"""Letters that spelling is smoothed over."""
_DISCOUNT = 0.5
_MARKS = re.compile("[\u0300-\u036f]")
_ENOUGH = 2
"""Words without a capital letter that are enough to leave out the others."""


class LanguageDetector:
    """Names the language of a text.

    Args:
        words: words by language code, the most frequent ones first; a language without words is never detected.

    Example:
        >>> detector = LanguageDetector({"swa": ["maji", "safi", "homa"], "hau": ["ruwa", "mai", "tsabta"]})
        >>> detector.detect("Maji ni safi?"), detector.detect("ruwan sha"), detector.detect("...")
        ('swa', 'hau', None)
    """

    def __init__(self, words: Mapping[str, Iterable[str]]) -> None:
        languages = {code: _WordModel(each) for code, each in words.items()}
        self._languages = {code: each for code, each in languages.items() if each.n_words}

    def detect(self, text: str) -> str | None:
        """The language code; None for a text without words, or where no language has a word list."""
        asked = _telling_words(text)
        if not asked:
            return None
        scores = {
            code: sum(map(language.log_probability, asked)) for code, language in self._languages.items()
        }
        return max(scores, key=scores.__getitem__, default=None)


def _telling_words(text: str) -> list[str]:
    """Words that say which language a text is in: those without a capital letter, and the first one."""
    tokens = text.split()
    small = _words(" ".join([*tokens[:1], *(token for token in tokens[1:] if not _is_capitalised(token))]))
    return small if len(small) >= _ENOUGH else _words(text)


def _words(text: str) -> list[str]:
    return [word for word in rough_words(_without_marks(text)) if not word.isdecimal()]


def _without_marks(text: str) -> str:
    """Text without accents, dots and tones on its letters; vowel signs of other scripts stay."""
    return unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFD", text)))


def _is_capitalised(token: str) -> bool:
    return next((letter.isupper() for letter in token if letter.isalpha()), False)


class _WordModel:
    """How probable a word is in one language."""

    def __init__(self, words: Iterable[str]) -> None:
        listed = dict.fromkeys(part for word in words for part in rough_words(_without_marks(word)))
        self.n_words = len(listed)
        total = sum(1 / (rank + _ZIPF) for rank in range(1, self.n_words + 1))
        self._probabilities = {word: 1 / (rank + _ZIPF) / total for rank, word in enumerate(listed, start=1)}
        self._grams: Counter[str] = Counter()
        self._contexts: Counter[str] = Counter()
        for word in listed:
            for gram in _grams(word):
                self._grams[gram] += 1
                self._contexts[gram[:-1]] += 1

    def log_probability(self, word: str) -> float:
        spelled = math.log(1 - _LISTED) + sum(map(self._letter, _grams(word)))
        if word not in self._probabilities:
            return spelled
        return math.log(_LISTED * self._probabilities[word] + math.exp(spelled))

    def _letter(self, gram: str) -> float:
        return math.log((self._grams[gram] + _DISCOUNT) / (self._contexts[gram[:-1]] + _DISCOUNT * _LETTERS))


def _grams(word: str) -> Iterable[str]:
    marked = f"{' ' * (_ORDER - 1)}{word} "
    return (marked[start : start + _ORDER] for start in range(len(word) + 1))
