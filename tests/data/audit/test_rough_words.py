import pytest

from opticlir.data.audit.scripts import is_question, script
from opticlir.words import rough_words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Maji, safi!", ["maji", "safi"]),
        ('don\'t — "stop"', ["don't", "stop"]),
        ("Ìdá ọ̀kan", ["ìdá", "ọ̀kan"]),
        ("नमस्ते।", ["नमस्ते"]),
        ("水是生命", ["水是", "是生", "生命"]),
        ("水", ["水"]),
        ("ที่ไหน", ["ที", "ี่", "่ไ", "ไห", "หน"]),
        ("COVID-19 于2020", ["covid-19", "于2", "20", "02", "20"]),
        ("... --", []),
        ("", []),
    ],
)
def test_words(text, expected):
    assert rough_words(text) == expected


@pytest.mark.parametrize(
    "text", ["Who?", "من؟", "谁？", "ማን፧", 'He asked "who?"', "Who? ", "ποιος;", "«Ποιος ;»", "τι;”"]
)
def test_questions(text):
    assert is_question(text)


@pytest.mark.parametrize("text", ["", "Who.", "?!", "What? Nothing.", "Maji; moto;", "вода;", "ποιος; a;"])
def test_no_questions(text):
    assert not is_question(text)


@pytest.mark.parametrize(
    ("character", "expected"),
    [("a", "LATIN"), ("Ọ", "LATIN"), ("я", "CYRILLIC"), ("ሰ", "ETHIOPIC"), ("水", "CJK"), ("ก", "THAI"),
     ("ह", "DEVANAGARI"), ("7", None), (" ", None), ("\u0301", None), ("?", None), ("\u200d", None)],
)  # fmt: skip
def test_scripts(character, expected):
    assert script(character) == expected
