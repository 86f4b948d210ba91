"""The four functions that split a text into words. Each serves another purpose, and none can replace another.

| function | words | used by |
|---|---|---|
| `split_words` | as a tokenizer normalises them, punctuation apart | vocabularies, training, benchmark |
| `uncased_words` | lower case, no Latin diacritics, punctuation apart | English side of word tables |
| `rough_words` | lower case, diacritics kept, no punctuation | the audit of bitext |
| `latin_words` | in Latin letters, no case, no punctuation | BM25 |

`split_words` decides which tokens a student learns, so it follows the tokenizer. `uncased_words` must not depend on
a tokenizer, since it serves systems without one. `rough_words` also cuts scripts without spaces, in pairs of
characters. `latin_words` finds names that are written in another script.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import Any, TypeAlias

from anyascii import anyascii
from tokenizers import PreTokenizedString, Regex, Tokenizer, normalizers, pre_tokenizers

from opticlir.normal_form import normal_form, with_one_apostrophe

WordPlace: TypeAlias = tuple[str, tuple[int, int]]
"""A word, and where it begins and ends in a text."""

_BLANK = "▁"
"""What some tokenizers write for a blank."""
_BLANKS = pre_tokenizers.WhitespaceSplit()
_NO_BLANK = pre_tokenizers.Split(_BLANK, "removed")
_WORDS_AND_MARKS = pre_tokenizers.BertPreTokenizer()
_UNCASED = normalizers.Sequence([
    normalizers.BertNormalizer(strip_accents=False, lowercase=True, handle_chinese_chars=False),
    normalizers.NFD(), normalizers.Replace(Regex("[\u0300-\u036f]"), ""), normalizers.NFC(),
])  # fmt: skip

UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u1950-\u19df\u1a20-\u1aaf\uaa80-\uaadf"  # Tai Le, New Tai Lue, Tai Tham, Tai Viet
    "\u1b00-\u1b7f\ua980-\ua9df"  # Balinese, Javanese
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # kana, Han
)
"""Scripts that are written without blanks between words, as the inside of a character class."""
_UNSPACED = re.compile(f"[{UNSPACED}]+")
_BLANKS_WITHIN = re.compile(rf"(?<=[{UNSPACED}])\s+(?=[{UNSPACED}])")
_WITH_DICTIONARY = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff]"
)


def split_words(tokenizer: Tokenizer, text: str) -> list[str]:
    """Return words and punctuation marks, each as the normaliser of the tokenizer leaves it.

    The text is split before it is normalised, since normalisers can remove the blanks. Scripts without blanks are cut
    by the dictionaries of ICU; blanks within them are passed over.

    Example:
        >>> from tokenizers import Tokenizer, models
        >>> split_words(Tokenizer(models.WordLevel()), "น้ำสะอาด น้ำ, Clean!")
        ['น้ำ', 'สะอาด', 'น้ำ', ',', 'Clean', '!']
    """
    # lines, since normalisers write another letter for blanks, but not for ends of lines
    lines = "\n".join(_BLANKS_WITHIN.sub("", text).split())
    normalised = tokenizer.normalizer.normalize_str(lines) if tokenizer.normalizer else lines
    words = _WORDS_AND_MARKS.pre_tokenize_str(normalised.replace(_BLANK, " "))
    return [word[start:end] for word, _ in words for start, end in segments(word)]


def word_places(tokenizer: Tokenizer, text: str) -> list[WordPlace]:
    """Return the words of `split_words` in lower case, each with its place in the text.

    Places count characters of the original text. Blanks within scripts without blanks separate words here.
    """
    pieces = PreTokenizedString(text)
    _BLANKS.pre_tokenize(pieces)
    if tokenizer.normalizer:
        pieces.normalize(tokenizer.normalizer.normalize)
    for splitter in (_NO_BLANK, _WORDS_AND_MARKS):
        splitter.pre_tokenize(pieces)
    pieces.split(lambda _, piece: [piece[start:end] for start, end in segments(piece.normalized)])
    return [(word.casefold(), place) for word, place, _ in pieces.get_splits("original", "char")]


def has_unspaced(letters: Iterable[str]) -> bool:
    """Whether any of these letters belongs to a script that is written without blanks between words."""
    return any(map(_UNSPACED.match, letters))


@cache
def _breaker(kind: str) -> Any:
    """A break iterator of ICU. Loading its data takes a while, so it waits until a script needs it."""
    from icu4py import breakers  # noqa: PLC0415

    return getattr(breakers, kind)


def _breaks(kind: str, text: str) -> list[tuple[int, int]]:
    return list(_breaker(kind)(text, "und").segments())


def segments(word: str) -> Iterator[tuple[int, int]]:
    """Yield the place of each segment of a word that may be in a script without blanks.

    Thai, Lao, Khmer, Burmese, Chinese and Japanese are cut into words. Other such scripts are cut into letters with
    their marks.
    """
    at = 0
    for stretch in _UNSPACED.finditer(word):
        if at < stretch.start():
            yield at, stretch.start()
        for start, end in _breaks("WordBreaker", stretch[0]):
            parts = [(start, end)]
            if not _WITH_DICTIONARY.match(stretch[0], start):
                parts = [
                    (start + a, start + b) for a, b in _breaks("CharacterBreaker", stretch[0][start:end])
                ]
            yield from ((stretch.start() + a, stretch.start() + b) for a, b in parts)
        at = stretch.end()
    if at < len(word):
        yield at, len(word)


def uncased_words(text: str) -> list[str]:
    """Return words and punctuation marks in lower case, Latin, Greek and Cyrillic letters without diacritics.

    Marks of other scripts stay: there they are vowels. Scripts without blanks are cut as by `split_words`.

    Example:
        >>> uncased_words("Ẹ kú, Adé!"), uncased_words("น้ำสะอาด हिन्दी")
        (['e', 'ku', ',', 'ade', '!'], ['น้ำ', 'สะอาด', 'हिन्दी'])
    """
    letters = _BLANKS_WITHIN.sub("", with_one_apostrophe(normal_form(text)))
    words = _WORDS_AND_MARKS.pre_tokenize_str(_UNCASED.normalize_str(letters))
    return [word[start:end] for word, _ in words for start, end in segments(word)]


def rough_words(text: str) -> list[str]:
    """Return words in lower case without punctuation at their ends.

    In scripts without spaces, each pair of neighbouring characters is a word.

    Example:
        >>> rough_words("«Je, wewe?» 水是生命")
        ['je', 'wewe', '水是', '是生', '生命']
    """
    found = [word for token in text.lower().split() if (word := _trimmed(token))]
    if not _UNSPACED.search(text):
        return found
    return [part for word in found for part in (_character_pairs(word) if _UNSPACED.search(word) else [word])]


def latin_words(text: str) -> list[str]:
    """Return words in Latin letters without case, diacritics and punctuation.

    Example:
        >>> latin_words("Майкл Джексон, Adé!")
        ['maykl', 'dzhekson', 'ade']
    """
    plain = _BLANKS_WITHIN.sub("", with_one_apostrophe(normal_form(text)))
    letters = anyascii(plain.translate(_WORD_CHARACTERS))
    # romanisation writes soft signs and ejectives as apostrophes; those of the text are spaces by now
    return letters.replace("'", "").casefold().translate(_WORD_CHARACTERS).split()


class _WordCharacters(dict[int, str]):
    """What each code point becomes: itself in a word, nothing, or a space between words."""

    def __missing__(self, code: int) -> str:
        category = unicodedata.category(chr(code))
        if category[0] in "LMN":  # marks belong to words: Devanagari and Yoruba need them
            self[code] = chr(code)
        else:
            self[code] = "" if category == "Cf" else " "  # joiners and soft hyphens separate nothing
        return self[code]


_WORD_CHARACTERS = _WordCharacters()


def _character_pairs(word: str) -> list[str]:
    return [word[at : at + 2] for at in range(max(1, len(word) - 1))]


@lru_cache(maxsize=100_000)
def _trimmed(token: str) -> str:
    """Remove everything but letters, marks and digits at both ends."""
    begin, end = 0, len(token)
    while begin < end and unicodedata.category(token[begin])[0] not in "LN":
        begin += 1
    while end > begin and unicodedata.category(token[end - 1])[0] not in "LMN":
        end -= 1
    return token[begin:end]
