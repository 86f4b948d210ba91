"""The four functions that split a text into words. Each serves another purpose, and none can replace another.

| function | words | used by |
|---|---|---|
| `split_words` | as a tokenizer normalises them, punctuation apart | vocabularies, training, benchmark |
| `uncased_words` | lower case, no diacritics, punctuation apart | word tables and dictionaries of `opticlir lab` |
| `rough_words` | lower case, diacritics kept, no punctuation | the audit of bitext |
| `latin_words` | in Latin letters, no case, no punctuation | BM25 |

`split_words` decides which tokens a student learns, so it follows the tokenizer. `uncased_words` must not depend on
a tokenizer, since it serves systems without one. `rough_words` also cuts scripts without spaces, in pairs of
characters. `latin_words` finds names that are written in another script.
"""

import re
import unicodedata
from functools import lru_cache
from typing import TypeAlias

from anyascii import anyascii
from tokenizers import Tokenizer, normalizers, pre_tokenizers

WordPlace: TypeAlias = tuple[str, tuple[int, int]]
"""A word, and where it begins and ends in a text."""

_WORDS_AND_MARKS = pre_tokenizers.BertPreTokenizer()
_UNCASED = normalizers.BertNormalizer(strip_accents=True, lowercase=True)

# scripts written without spaces: Thai, Lao, Burmese, Khmer, kana, Han
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")


def split_words(tokenizer: Tokenizer, text: str) -> list[str]:
    """Return words and punctuation marks as the normaliser of the tokenizer leaves them."""
    normalised = tokenizer.normalizer.normalize_str(text) if tokenizer.normalizer else text
    return [word for word, _ in _WORDS_AND_MARKS.pre_tokenize_str(normalised)]


def word_places(tokenizer: Tokenizer, text: str) -> list[WordPlace]:
    """Return each word and punctuation mark, normalised and in lower case, with its place in the text.

    Places count characters of the original text. `split_words` returns no places.
    """
    places = [place for _, place in _WORDS_AND_MARKS.pre_tokenize_str(text)]
    normalise = tokenizer.normalizer.normalize_str if tokenizer.normalizer else str
    return [(normalise(text[start:end]).strip().casefold(), (start, end)) for start, end in places]


def uncased_words(text: str) -> list[str]:
    """Return words and punctuation marks in lower case without diacritics.

    Example:
        >>> uncased_words("Ẹ kú, Adé!")
        ['e', 'ku', ',', 'ade', '!']
    """
    return [word for word, _ in _WORDS_AND_MARKS.pre_tokenize_str(_UNCASED.normalize_str(text))]


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
    letters = anyascii(unicodedata.normalize("NFKC", text).translate(_WORD_CHARACTERS))
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
