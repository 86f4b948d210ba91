"""One form for every text that enters: NFC, trimmed, without byte order marks, otherwise untouched."""

import re
import unicodedata

from opticlir.data.skipping import MalformedRecordError
from opticlir.data.visible import shown
from opticlir.errors import DataError

_NO_TEXT = re.compile("[\0\ud800-\udfff]")


def normalise_text(text: str) -> str:
    r"""Bring a text into NFC, so that equal words are equal strings.

    Diacritics, ZWJ and ZWNJ are kept: they tell words apart (Yoruba, Persian, Marathi). U+FEFF goes:
    inside a text it is the leftover of a joined file.

    Raises:
        MalformedRecordError: the text holds NUL or half of a surrogate pair.

    Example:
        >>> normalise_text("\ufeff e\u0301kó\u200d ") == "ékó\u200d"
        True
    """
    if found := _NO_TEXT.search(text):
        raise MalformedRecordError(f"U+{ord(found[0]):04X} is no text, in {shown(text)}")
    return unicodedata.normalize("NFC", text.replace("\ufeff", "").strip())


def normalise_typed(text: str) -> str:
    """Bring a text that somebody typed into the form of those that readers give.

    Raises:
        DataError: as `normalise_text`: bytes that are no UTF-8 arrive as halves of surrogate pairs.
    """
    try:
        return normalise_text(text)
    except MalformedRecordError as error:
        raise DataError(str(error)) from None
