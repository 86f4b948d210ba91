"""Query noise: typing errors, lost diacritics, lost words, Latin letters, words of another language.

`QueryNoise` applies one kind of noise to all questions of a task. The other functions change one text. They work for
any script: letters are what Unicode calls letters, and spaces separate words.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from anyascii import anyascii

from opticlir.records import Query
from opticlir.translation import Dictionary, WordTable

RATED = ("typos", "drop_words", "code_switch")
"""Kinds that change a given share of a question."""
WHOLE = ("drop_diacritics", "romanised")
"""Kinds that are applied or not."""
BY_MEANING = "code_switch"
"""The kind that needs the meanings of words."""

_SEED = 0
_LEFT_OUT = re.compile("[\u0300-\u036f]")
"""Marks of Latin, Greek and Cyrillic letters; those of other scripts have code points of their own."""


@dataclass(frozen=True, kw_only=True)
class QueryNoise:
    """One kind of noise."""

    kind: str
    """One of `RATED` or `WHOLE`."""
    rate: float | None = None
    """Share of the letters (typos) or words that change; None for the kinds in `WHOLE`."""

    def __post_init__(self) -> None:
        if self.kind not in (*RATED, *WHOLE):
            raise ValueError(f"no query noise {self.kind!r}: expected {', '.join((*RATED, *WHOLE))}")
        if (self.kind in RATED) != (self.rate is not None):
            raise ValueError(
                f"{self.kind} with rate {self.rate}: expected a rate for {', '.join(RATED)} only"
            )
        if self.rate is not None and not 0 < self.rate <= 1:
            raise ValueError(f"the rate of {self.kind} is {self.rate}: expected a share above 0, at most 1")

    @property
    def label(self) -> str:
        """Name in a table: `typos 10 %`."""
        name = self.kind.replace("_", " ")
        return name if self.rate is None else f"{name} {100 * self.rate:g} %"

    @property
    def slug(self) -> str:
        """Name of a file: `typos-0.1`."""
        return self.kind if self.rate is None else f"{self.kind}-{self.rate:g}"

    def apply(self, queries: Sequence[Query], meanings: Mapping[str, str]) -> list[Query]:
        """Change the questions. The seed is fixed, so that all systems get the same ones.

        Args:
            queries: the questions.
            meanings: English by word of a question in lower case, for `code_switch`; see `known_meanings`.

        Returns:
            The changed questions, in their order.
        """
        generator = np.random.default_rng(_SEED)
        return [replace(query, text=self._changed(query.text, meanings, generator)) for query in queries]

    def _changed(self, text: str, meanings: Mapping[str, str], generator: np.random.Generator) -> str:
        if self.kind == "drop_diacritics":
            return drop_diacritics(text)
        if self.kind == "romanised":
            return romanised(text)
        rate = self.rate or 0.0
        if self.kind == "code_switch":
            return code_switch(text, meanings, rate, generator)
        return (typos if self.kind == "typos" else drop_words)(text, rate, generator)


STANDARD = (
    QueryNoise(kind="typos", rate=0.05),
    QueryNoise(kind="typos", rate=0.1),
    QueryNoise(kind="drop_diacritics"),
    QueryNoise(kind="romanised"),
    QueryNoise(kind="drop_words", rate=0.2),
    QueryNoise(kind="code_switch", rate=0.2),
    QueryNoise(kind="code_switch", rate=0.4),
)
"""The noise of `opticlir lab robustness`."""


def n_changed(before: Sequence[Query], after: Sequence[Query]) -> int:
    """Count the questions that changed. A small share of few letters can round to 0.

    Example:
        >>> asked = [Query("a", "homa ya mbu", "swa"), Query("b", "dalili za malaria kwa watoto", "swa")]
        >>> n_changed(asked, QueryNoise(kind="typos", rate=0.05).apply(asked, {}))
        1
    """
    return sum(old.text != new.text for old, new in zip(before, after, strict=True))


def known_meanings(table: WordTable | Dictionary, queries: Sequence[Query]) -> dict[str, str]:
    """Look up the words of questions in a word table or a dictionary, for `code_switch`.

    Example:
        >>> from opticlir.records import SentencePair
        >>> table = WordTable.learn([SentencePair("fever", "homa"), SentencePair("the fever", "homa hii")])
        >>> known_meanings(table, [Query("q", "Homa? Sijui", "swa")])
        {'homa?': 'fever ?'}
    """
    found = {}
    for word in {word.casefold() for query in queries for word in query.text.split()}:
        if any(piece.isalnum() and table.knows(piece) for piece in table.words(word)):
            found[word] = table.translate(word)
    return found


def typos(text: str, rate: float, generator: np.random.Generator) -> str:
    """Mistype a share of the letters: each is swapped with the next letter, left out or doubled.

    Args:
        text: a question.
        rate: share of the letters, 0 to 1; the number of errors is rounded.
        generator: draws the letters and the errors.

    Returns:
        The text with the words in their order. A word of one letter is never left out.

    Raises:
        ValueError: `rate` is no share.

    Example:
        >>> typos("malaria", 0.0, np.random.default_rng(0))
        'malaria'
    """
    _check_share(rate)
    characters = list(text)
    letters = [at for at, character in enumerate(characters) if character.isalpha()]
    n_errors = round(rate * len(letters))
    chosen = generator.choice(letters, size=n_errors, replace=False).tolist() if n_errors else []
    for at in sorted(chosen, reverse=True):  # from the end, so that earlier positions stay valid
        errors = _errors_at(characters, at)
        characters[at : at + 2] = errors[int(generator.integers(len(errors)))]
    return "".join(characters)


def _errors_at(characters: list[str], at: int) -> list[list[str]]:
    """Return what a letter and the character after it may become."""
    letter, after = characters[at], characters[at + 1 : at + 2]
    errors = [[letter, letter, *after]]
    is_before_letter = any(each.isalpha() for each in after)
    if is_before_letter:
        errors.append([*after, letter])
    if is_before_letter or any(each.isalpha() for each in characters[max(at - 1, 0) : at]):
        errors.append(after)
    return errors


def drop_diacritics(text: str) -> str:
    """Remove the marks that people leave out: accents, and the dots and tones of Latin, Greek and Cyrillic letters.

    Marks of other scripts stay. There they are vowels, and people type no word without them.

    Example:
        >>> drop_diacritics("ọ̀rọ̀ ñandú"), drop_diacritics("हिन्दी")
        ('oro nandu', 'हिन्दी')
    """
    return unicodedata.normalize("NFC", _LEFT_OUT.sub("", unicodedata.normalize("NFD", text)))


def romanised(text: str) -> str:
    """Write a text in Latin letters without diacritics, as people do on a keyboard without other letters.

    Example:
        >>> romanised("Кампала"), romanised("मलेरिया")
        ('Kampala', 'mleriya')
    """
    return " ".join(anyascii(unicodedata.normalize("NFC", text)).split()) or text


def drop_words(text: str, rate: float, generator: np.random.Generator) -> str:
    """Leave out a share of the words, but never all of them.

    Args:
        text: a question.
        rate: share of the words, 0 to 1; their number is rounded.
        generator: draws the words.

    Raises:
        ValueError: `rate` is no share.
    """
    _check_share(rate)
    words = text.split()
    n_dropped = min(round(rate * len(words)), len(words) - 1)
    if n_dropped < 1:
        return text
    dropped = set(generator.choice(len(words), size=n_dropped, replace=False).tolist())
    return " ".join(word for at, word in enumerate(words) if at not in dropped)


def code_switch(text: str, table: Mapping[str, str], rate: float, generator: np.random.Generator) -> str:
    """Replace a share of the words by their translations, if a word table has them.

    Args:
        text: a question.
        table: translation by word in lower case.
        rate: share of all words, 0 to 1; fewer change if the table has fewer.
        generator: draws the words.

    Raises:
        ValueError: `rate` is no share.

    Example:
        >>> code_switch("homa ya mbu", {"homa": "fever", "mbu": "mosquito"}, 1.0, np.random.default_rng(0))
        'fever ya mosquito'
    """
    _check_share(rate)
    words = text.split()
    known = [at for at, word in enumerate(words) if word.casefold() in table]
    n_switched = min(round(rate * len(words)), len(known))
    if n_switched < 1:
        return text
    for at in generator.choice(known, size=n_switched, replace=False).tolist():
        words[at] = table[words[at].casefold()]
    return " ".join(words)


def _check_share(rate: float) -> None:
    if not 0.0 <= rate <= 1.0:
        raise ValueError(f"rate is {rate}: expected a share, 0 to 1")
