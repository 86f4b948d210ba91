"""The one form of text that vectors and BM25 read: the same letters are the same code points.

It is Unicode NFC, and letters and digits that are only drawn in another way become plain: full-width letters,
ligatures, Arabic presentation forms, mathematical letters, small and circled digits. This is NFKC without its
damage: fractions, spaced accents and ellipses stay as they are written. The vowel AM of Thai and Lao is one letter,
also where it is typed as two. The zero width space, which separates words in Khmer, Thai and Burmese, becomes a blank.
"""

import re
import unicodedata
from itertools import groupby

APOSTROPHES = "'\u2019\u2018\u201b\u02bc\u02bb\u02bd\u02be\u02bf\u02c8`\u00b4\u2032\uff07\ua78c\ua78b"
"""Characters that people type for an apostrophe, for the letter okina, or for a glottal stop."""

_DRAWN_ANOTHER_WAY = {
    "wide", "narrow", "small", "vertical", "noBreak", "initial", "medial", "final", "isolated"
}  # fmt: skip
_SHORT = 4096
"""Characters. A shorter text is normalised as it is; see `_in_canonical_order`."""
_VOWEL_AM = re.compile(
    "\u0e4d([\u0e48-\u0e4b]?)\u0e32|([\u0e48-\u0e4b])\u0e4d\u0e32|\u0ecd([\u0ec8-\u0ecb]?)\u0eb2|([\u0ec8-\u0ecb])\u0ecd\u0eb2"
)
"""A ring and the vowel AA, with a tone mark between or before them: keyboards and NFKC write AM so."""
_APOSTROPHE_OF_WORD = re.compile(rf"(?<=\w)[{APOSTROPHES}]|[{APOSTROPHES}](?=\w)")


def normal_form(text: str) -> str:
    r"""Return a text in its normal form. The time grows with the length, whatever the text.

    Example:
        >>> normal_form("ｍａｌａｒｉａ, oﬃce, CO₂, e\u0301kó"), normal_form("½ … น้ำ")
        ('malaria, office, CO2, ékó', '½ … น้ำ')
    """
    if text.isascii():
        return text
    plain = text.translate(_PLAIN)
    if "\u0e4d" in plain or "\u0ecd" in plain:
        plain = _VOWEL_AM.sub(_one_vowel, plain)
    return unicodedata.normalize("NFC", plain if len(plain) <= _SHORT else _in_canonical_order(plain))


def with_one_apostrophe(text: str) -> str:
    """Return a text in which every apostrophe next to a letter is the same character.

    Example:
        >>> with_one_apostrophe("ng’ombe ng'ombe ngʼombe")
        "ng'ombe ng'ombe ng'ombe"
    """
    return _APOSTROPHE_OF_WORD.sub("'", text)


def _one_vowel(typed: re.Match[str]) -> str:
    return "".join(typed.groups("")) + ("\u0e33" if "\u0e32" in typed[0] else "\u0eb3")


class _PlainCharacters(dict[int, str]):
    """What each code point becomes."""

    def __missing__(self, code: int) -> str:
        self[code] = _plain(chr(code))
        return self[code]


def _plain(character: str) -> str:
    if character == "\u200b":
        return " "
    tag, is_tagged, _ = unicodedata.decomposition(character).removeprefix("<").partition(">")
    is_trademark = tag == "super" and unicodedata.category(character) == "So"
    if not is_tagged or tag == "fraction" or is_trademark:
        return character
    plain = unicodedata.normalize("NFKC", character)
    if tag in _DRAWN_ANOTHER_WAY:
        return plain
    kinds = [unicodedata.category(each)[0] for each in plain]
    return plain if kinds[0] in "LN" and set(kinds) <= set("LMN") else character


_PLAIN = _PlainCharacters()


def _in_canonical_order(text: str) -> str:
    """Decompose a text and order its combining marks.

    The standard library orders marks one by one, which takes hours for a line of a million marks. Ordered before, they
    take no time.
    """
    decomposed = "".join(unicodedata.normalize("NFD", character) for character in text)
    return "".join(
        "".join(sorted(run, key=unicodedata.combining) if is_mark else run)
        for is_mark, run in groupby(decomposed, key=lambda each: unicodedata.combining(each) > 0)
    )
