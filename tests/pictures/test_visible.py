import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opticlir.pictures import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ɗan ƙauye", "Ɗan ƙauye"),
        ("ẹ̀kọ́", "ẹ̀kọ́"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # the joiner is spelling
        ("a\u202eb\u2066c\u2069", "a<U+202E>b<U+2066>c<U+2069>"),
        ("\u200f\u061c\x1b[2J\x00\x85", "<U+200F><U+061C><U+001B>[2J<U+0000> "),
        ("one\ntwo\u2028three", "one two three"),
        ("\ud800", "<U+D800>"),
    ],
)
def test_by_hand(text, shown):
    assert visible(text) == shown


@given(st.text())
def test_nothing_is_left_that_moves_the_line(text):
    shown = visible(text)
    assert not {"Cc", "Cs", "Zl", "Zp"} & {unicodedata.category(char) for char in shown}
    assert not {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"} & set(
        map(unicodedata.bidirectional, shown)
    )
    assert visible(shown) == shown
