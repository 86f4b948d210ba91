"""Scripts and question marks of all languages."""

import re
import unicodedata
from functools import lru_cache

_QUESTION_MARKS = ("?", "؟", "？", "፧", "՞")
_GREEK_QUESTION_MARK = re.compile(r"[\u0370-\u03ff\u1f00-\u1fff]\W*;")
_CLOSING = "\"'»”’)] \u200f\u200e"


def is_question(text: str) -> bool:
    """Whether a sentence ends with a question mark of any script; a semicolon is one after a Greek word."""
    ending = text.rstrip(_CLOSING)
    if ending.endswith(";"):
        return bool(_GREEK_QUESTION_MARK.search(ending[-4:]))
    return ending.endswith(_QUESTION_MARKS)


@lru_cache(maxsize=10_000)
def script(character: str) -> str | None:
    """Return the script of a letter as Unicode names it ("LATIN", "ETHIOPIC", "CJK"), or None if it is no letter.

    Example:
        >>> script("ẹ"), script("ሰ"), script("7")
        ('LATIN', 'ETHIOPIC', None)
    """
    if unicodedata.category(character) not in {"Ll", "Lu", "Lt", "Lo"}:
        return None
    name = unicodedata.name(character, "")
    return name.split(" ")[0].split("-")[0] or None
