"""One form of text for vectors and BM25."""

import random
import time
import unicodedata

import pytest

from opticlir.normal_form import normal_form, with_one_apostrophe
from opticlir.words import latin_words, uncased_words


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("ｍａｌａｒｉａ", "malaria"),
        ("oﬃce ﬂu ĳs", "office flu ijs"),
        ("ﻛﺘﺎب", "كتاب"),
        ("ﾊﾝｶﾞ", "ハンガ"),
        ("𝐚𝒃𝔠 ℕ", "abc N"),
        ("H₂O m²", "H2O m2"),
        ("①② Ⅳ", "12 IV"),
        ("ｱ\u3000ｂ", "ア b"),
        ("ſo", "so"),
        ("⼀", "一"),
        ("a\u200bb", "a b"),
        ("น\u0e4d\u0e49\u0e32", "น้ำ"),
        ("ท\u0e4d\u0e32 น\u0e49\u0e4d\u0e32", "ทำ น้ำ"),
        ("ນ\u0ecd\u0ec9\u0eb2", "ນ້ຳ"),
        ("ຄ\u0ecd\u0eb2 ນ\u0ec9\u0ecd\u0eb2", "ຄຳ ນ້ຳ"),
    ],
)
def test_letters_that_are_drawn_in_another_way_are_plain(typed, plain):
    assert normal_form(typed) == plain


@pytest.mark.parametrize("text", ["5½", "…", "น้ำ", "ຄຳ", "´", "a¨b", "Word™", "“x” – y", "℃", "می\u200cروم"])
def test_what_a_plain_form_would_damage_stays(text):
    assert normal_form(text) == text


def test_the_form_is_its_own_form():
    for code in range(0x110000):
        if not 0xD800 <= code < 0xE000:
            plain = normal_form(chr(code))
            assert normal_form(plain) == plain, hex(code)


def test_a_long_text_has_the_form_of_a_short_one():
    random.seed(0)
    marks = [chr(code) for code in range(0x3000) if unicodedata.combining(chr(code))] + ["a", "ṩ", "\u0f73"]
    for _ in range(20):
        text = "".join(random.choices(marks, k=5_000))
        assert normal_form(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    "marks", ["\u0301\u0327", "\u0f73", "\u0344\u0323", "a\u0323\u0301\u0327", "\u05b0\u0591"]
)
def test_a_line_of_marks_takes_time_in_proportion_to_its_length(marks):
    started = time.process_time()
    assert normal_form(marks * 160_000)
    assert time.process_time() - started < 10  # ordered mark by mark, it takes minutes


@pytest.mark.parametrize("apostrophe", "'’‘ʼʻ`´′＇ꞌ")
def test_any_apostrophe_is_the_same(apostrophe):
    for word in ("ng{}ombe", "п{}ять", "{}yan", "oʻzbek{}"):
        typed = word.format(apostrophe)
        assert uncased_words(typed) == uncased_words(word.format("'"))
        assert latin_words(typed) == latin_words(word.format("'"))
    assert with_one_apostrophe("a ’ b") == "a ’ b"
