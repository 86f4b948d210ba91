"""Language codes: every common spelling, every language of ISO 639-3, and what the project treats as one."""

import subprocess
import sys

import pytest
from iso639 import ALL_LANGUAGES

from opticlir.errors import OpticlirError, SettingsError
from opticlir.languages import (
    code_of_name,
    known_code,
    language_code,
    language_name,
    short_code,
    variant_distance,
)


@pytest.mark.parametrize(
    ("code", "expected", "name"),
    [
        ("kbp", "kbp", "Kabiyè"),  # the README's example had no name
        ("ss", "ssw", "Swati"), ("ts", "tso", "Tsonga"), ("ve", "ven", "Venda"), ("ff", "ful", "Fulah"),
        ("kg", "kon", "Kongo"), ("mt", "mlt", "Maltese"), ("dz", "dzo", "Dzongkha"), ("bo", "bod", "Tibetan"),
        ("ug_Arab", "uig", "Uighur"), ("nb-NO", "nor", "Norwegian"), ("ak", "twi", "Twi"),
        ("iw", "heb", "Hebrew"), ("jw", "jav", "Javanese"), ("in", "ind", "Indonesian"), ("ji", "yid", "Yiddish"),
        ("fre", "fra", "French"), ("swh_Latn", "swa", "Swahili"), ("zh-TW", "zho", "Chinese"),
        ("arb", "ara", "Arabic"), ("cmn_Hans", "zho", "Chinese"), ("ary", "ary", "Moroccan Arabic"),
        ("PS", "pus", "Pashto"), ("el", "ell", "Greek"), (" sw ", "swa", "Swahili"),
    ],
)  # fmt: skip
def test_codes_in_use(code, expected, name):
    assert language_code(code) == expected
    assert language_name(code) == name


def test_every_two_letter_code_is_known():
    short = [language.part1 for language in ALL_LANGUAGES if language.part1]
    assert len(short) >= 180
    for code in short:
        assert len(language_code(code)) == 3
        assert language_name(code) != code


def test_a_language_of_no_table_is_accepted():
    assert language_code("qqq") == "qqq"
    assert language_name("qqq") == "qqq"
    assert short_code("qqq") is None


@pytest.mark.parametrize("code", ["", "x", "xx", "swahili", "s w", "1", "ça", "bh"])
def test_what_is_no_code_is_refused(code):
    with pytest.raises(SettingsError, match="unknown language code"):
        language_code(code)
    assert issubclass(SettingsError, OpticlirError)
    assert issubclass(SettingsError, ValueError)


@pytest.mark.parametrize(
    ("name", "code"),
    [("Swahili", "swa"), ("northern sotho", "nso"), ("MALAY", "msa"), ("kabiyè", "kbp"), ("tonga", "ton"),
     ("bemba", "bem"), ("nothing", "")],
)  # fmt: skip
def test_names_lead_to_codes(name, code):
    assert code_of_name(name) == code


def test_importing_the_module_loads_no_table():
    script = "import sys, opticlir.languages; sys.exit('iso639' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize(
    ("name", "code"),
    [("eng_Latn", "eng"), ("zh-TW", "zho"),
     ("fre", "fra"), ("iw", "heb"), ("in", "ind"), ("jw", "jav"), ("sr_Latn", "srp"),
     ("idx", None), ("is_gold", None), ("en-text", None), ("qqq", None), ("corpus", None), ("sw id", None), ("", None)],
)  # fmt: skip
def test_a_free_name_is_a_code_only_as_a_whole(name, code):
    assert known_code(name) == code


@pytest.mark.parametrize(
    ("wanted", "nearer", "farther"),
    [("zh-TW", "zh-Hant", "zh-CN"), ("ku", "ku", "ckb"),
     ("ckb", "ckb_Arab", "ku"), ("sr_Latn", "sr-Latn-RS", "sr_Cyrl"),
     ("pt-PT", "pt-PT", "pt-BR"), ("ind", "id", "ind_Latn")],
)  # fmt: skip
def test_variants_by_distance(wanted, nearer, farther):
    assert variant_distance(wanted, nearer) < variant_distance(wanted, farther)
