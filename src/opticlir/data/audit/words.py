"""Rough words of any script, for counting and comparing; no tokenizer."""

import re
import unicodedata
from functools import lru_cache

# scripts written without blanks: Thai, Lao, Burmese, Khmer, kana, Han
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_QUESTION_MARKS = ("?", "؟", "？", "፧", ";", "՞")
_CLOSING = "\"'»”’)] \u200f\u200e"


def words(text: str) -> list[str]:
    """Lower-cased words without punctuation at their ends; pairs of characters where words have no blanks.

    Example:
        >>> words("«Je, wewe?» 水是生命")
        ['je', 'wewe', '水是', '是生', '生命']
    """
    found = [word for token in text.lower().split() if (word := _trimmed(token))]
    if not _UNSPACED.search(text):
        return found
    return [part for word in found for part in (_character_pairs(word) if _UNSPACED.search(word) else [word])]


def is_question(text: str) -> bool:
    """Tell whether a sentence ends with a question mark of any script."""
    return text.rstrip(_CLOSING).endswith(_QUESTION_MARKS)


def _character_pairs(word: str) -> list[str]:
    return [word[at : at + 2] for at in range(max(1, len(word) - 1))]


@lru_cache(maxsize=100_000)
def _trimmed(token: str) -> str:
    """Take off what is no letter, mark or digit at both ends."""
    begin, end = 0, len(token)
    while begin < end and unicodedata.category(token[begin])[0] not in "LN":
        begin += 1
    while end > begin and unicodedata.category(token[end - 1])[0] not in "LMN":
        end -= 1
    return token[begin:end]


@lru_cache(maxsize=10_000)
def script(character: str) -> str | None:
    """Script of a letter as Unicode names it ("LATIN", "ETHIOPIC", "CJK"), None for anything else.

    Example:
        >>> script("ẹ"), script("ሰ"), script("7")
        ('LATIN', 'ETHIOPIC', None)
    """
    if unicodedata.category(character) not in {"Ll", "Lu", "Lt", "Lo"}:
        return None
    name = unicodedata.name(character, "")
    return name.split(" ")[0].split("-")[0] or None
