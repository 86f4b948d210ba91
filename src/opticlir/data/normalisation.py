"""The form of every text that is read: the normal form, trimmed, without byte order marks."""

import re

from opticlir.data.skipping import MalformedRecordError
from opticlir.errors import DataError
from opticlir.normal_form import normal_form
from opticlir.visible import shown

_NO_TEXT = re.compile("[\0\ud800-\udfff]")


def normalise_text(text: str) -> str:
    r"""Return a text in its normal form (see `opticlir.normal_form`), so that equal words are equal strings.

    Diacritics, ZWJ and ZWNJ stay, since they distinguish words (Yoruba, Persian, Marathi). U+FEFF is removed:
    inside a text it comes from joined files.

    Raises:
        MalformedRecordError: the text contains NUL or half of a surrogate pair.

    Example:
        >>> normalise_text("\ufeff e\u0301kó\u200d ") == "ékó\u200d"
        True
    """
    if found := _NO_TEXT.search(text):
        raise MalformedRecordError(f"U+{ord(found[0]):04X} is not text, in {shown(text)}")
    return normal_form(text.replace("\ufeff", "")).strip()


def normalise_typed(text: str) -> str:
    """Return a typed text in the form that readers give; see `normalise_text`.

    Raises:
        TypeError: it is no text.
        DataError: the text contains NUL or half of a surrogate pair. Arguments that are not UTF-8 contain such
            halves.
    """
    if not isinstance(text, str):
        raise TypeError(f"expected a text, found {shown(repr(text))}")
    try:
        return normalise_text(text)
    except MalformedRecordError as error:
        raise DataError(str(error)) from None
