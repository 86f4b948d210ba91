import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opticlir.data.normalisation import normalise_text, normalise_typed
from opticlir.data.skipping import MalformedRecordError
from opticlir.errors import DataError
from opticlir.normal_form import normal_form


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  maji safi\t", "maji safi"),
        ("e\u0301", "é"),
        ("o\u0323\u0300", "ọ̀"),  # Yoruba: NFC has no single character for it
        ("\ufeffÌdá", "Ìdá"),
        ("a\ufeffb", "ab"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # ZWNJ tells Persian words apart
        ("क्\u200dष", "क्\u200dष"),  # ZWJ
        ("a\u2028b", "a\u2028b"),
        ("\u202eabc\u202c", "\u202eabc\u202c"),
        ("ﬁ ①", "fi 1"),
        ("\u200bmaji\u200bsafi\u200b", "maji safi"),
        ("x" + "\u0301" * 500, "x" + "\u0301" * 500),
        ("", ""),
    ],
)
def test_normal_form(text, expected):
    assert normalise_text(text) == expected


@pytest.mark.parametrize("text", ["a\0b", "a\ud800", "\udfff"])
def test_no_text_is_refused(text):
    with pytest.raises(MalformedRecordError, match=r"U\+[0-9A-F]{4} is not text"):
        normalise_text(text)
    with pytest.raises(DataError, match=r"U\+[0-9A-F]{4} is not text"):
        normalise_typed(text)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff")))
def test_nothing_but_form_and_margins_changes(text):
    normal = normalise_text(text)
    assert normalise_text(normal) == normal
    assert normal == normal_form(text).strip()


def test_no_code_point_is_lost_but_the_byte_order_mark():
    """Every code point between two letters is still there, or what Unicode says that it is."""
    for code in range(1, 0x110000):
        character = chr(code)
        if 0xD800 <= code < 0xE000 or code in (0xFEFF, 0x200B):
            continue
        forms = {unicodedata.normalize(form, f"a{character}b") for form in ("NFC", "NFKC")}
        assert normalise_text(f"a{character}b") in forms, hex(code)
