"""Damage that a text shows by itself: mojibake, markup, and quotes of a spreadsheet."""

import re
from collections import Counter

from opticlir.records import SentencePair

MOJIBAKE, MARKUP, QUOTES = "mojibake", "markup", "spreadsheet quotes"

_MARKUP = re.compile(r"&(?:[A-Za-z]{2,8}|#\d{1,7}|#x[0-9A-Fa-f]{1,6});|</?[A-Za-z][^<>]{0,200}>|<br\s*/?>")
_DOUBLED_QUOTES = re.compile(r'"(?:[^"]|"")*""(?:[^"]|"")*"')
_ASCII = re.compile(r"[\x00-\x7f]*")


def damage_of(text: str) -> str | None:
    r"""Return what is damaged in a text, or None.

    Mojibake is text that was decoded in a wrong encoding (`Ã¡` for `á`). Markup is HTML tags and entities.

    Example:
        >>> damage_of("EstÃ¡ aquÃ\xad"), damage_of("Tom &amp; Ada"), damage_of("ọ̀rọ̀ yìí")
        ('mojibake', 'markup', None)
    """
    if _MARKUP.search(text):
        return MARKUP
    if _DOUBLED_QUOTES.fullmatch(text):
        return QUOTES
    if _ASCII.fullmatch(text):
        return None
    from ftfy import fix_encoding  # noqa: PLC0415
    from ftfy.badness import is_bad  # noqa: PLC0415

    return MOJIBAKE if is_bad(text) and fix_encoding(text) != text else None


class DamageCounter:
    """Counts damaged pairs by kind, and keeps the place of the first."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.first: dict[str, str] = {}

    def add(self, pair: SentencePair, place: str) -> None:
        """Add one pair."""
        for kind in {damage_of(pair.english), damage_of(pair.foreign)} - {None}:
            self.counts[str(kind)] += 1
            self.first.setdefault(str(kind), place)
