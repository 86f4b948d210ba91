"""What happens to a question on its way: typing errors, lost diacritics, lost words, words of another language.

Every perturbation that draws takes a generator, changes a stated share of a text, and leaves a text of at
least one word. None is of one script: letters are what Unicode calls letters, and words stand between blanks.
"""

import unicodedata
from collections.abc import Mapping

import numpy as np
from anyascii import anyascii


def typos(text: str, rate: float, generator: np.random.Generator) -> str:
    """Mistype a share of the letters: each is swapped with the next letter, left out or doubled.

    Args:
        text: a question.
        rate: share of the letters, 0 to 1; the number of errors is rounded.
        generator: draws the letters and the errors.

    Returns:
        The text, its words in their places; a word of one letter is never left out.

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
    for at in sorted(chosen, reverse=True):  # from behind, so that the places before stay what they were
        errors = _errors_at(characters, at)
        characters[at : at + 2] = errors[int(generator.integers(len(errors)))]
    return "".join(characters)


def _errors_at(characters: list[str], at: int) -> list[list[str]]:
    """What a letter and the character after it may become."""
    letter, after = characters[at], characters[at + 1 : at + 2]
    errors = [[letter, letter, *after]]
    is_before_letter = any(each.isalpha() for each in after)
    if is_before_letter:
        errors.append([*after, letter])
    if is_before_letter or any(each.isalpha() for each in characters[max(at - 1, 0) : at]):
        errors.append(after)
    return errors


def drop_diacritics(text: str) -> str:
    """Take off every nonspacing mark: accents, the dots and tones of Yoruba, vowel points, the viramas of India.

    Example:
        >>> drop_diacritics("ọ̀rọ̀ ñandú")
        'oro nandu'
    """
    kept = (mark for mark in unicodedata.normalize("NFD", text) if unicodedata.category(mark) != "Mn")
    return unicodedata.normalize("NFC", "".join(kept))


def romanised(text: str) -> str:
    """Write a text in Latin letters without diacritics, as people do on a keyboard that has no others.

    Example:
        >>> romanised("Кампала"), romanised("मलेरिया")
        ('Kampala', 'mleriya')
    """
    return " ".join(anyascii(unicodedata.normalize("NFC", text)).split()) or text


def drop_words(text: str, rate: float, generator: np.random.Generator) -> str:
    """Leave out a share of the words, but never all.

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
    """Say a share of the words in another language, as far as a word table knows them.

    Args:
        text: a question.
        table: lower-case word -> its translation.
        rate: share of all words, 0 to 1; fewer are changed where the table knows fewer.
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
