import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opticlir.data import SkipReport, read_bitext
from opticlir.data.normalisation import normalise_text
from opticlir.errors import DataError
from opticlir.records import SentencePair

SIDE = st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff")).map(normalise_text).filter(bool)
FORMS = [
    lambda english, foreign: {"english": english, "foreign": foreign},
    lambda english, foreign: {"english": english, "non_english": foreign, "id": 7, "score": 0.5},
    lambda english, foreign: {"translation": {"en": english, "sw": foreign}},
    lambda english, foreign: {"data": {"eng": english, "swh_Latn": foreign}, "meta": {}},
    lambda english, foreign: {"EN-GB": english, "SW": foreign},
]


@given(st.lists(st.tuples(SIDE, SIDE), min_size=1, max_size=5), st.sampled_from(FORMS), st.booleans())
def test_round_trip(tmp_path_factory, sides, form, ascii_only):
    path = tmp_path_factory.mktemp("jsonl") / "f.jsonl"
    lines = (json.dumps(form(*pair), ensure_ascii=ascii_only) + "\n" for pair in sides)
    path.write_text("".join(lines), "utf-8", newline="")
    assert list(read_bitext(path)) == [SentencePair(*pair) for pair in sides]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"english": "a"}, "expected the keys english and foreign"),
        ({"foreign": "b"}, "found the keys 'foreign'"),
        ({"left": "a", "right": "b"}, "found the keys 'left, right'"),
        ({}, "expected the keys english and foreign"),
        ({"english": 1, "foreign": "b"}, "expected text under 'english', found '1'"),
        ({"english": "a", "foreign": ["b"]}, "expected text under 'foreign'"),
        ({"translation": {"en": "a", "sw": {"x": 1}}}, "expected text under 'sw'"),
        ({"translation": {"fr": "a", "sw": "b"}}, "texts by language code with en among them"),
        ({"translation": ["a", "b"]}, "expected the keys english and foreign"),
    ],
)
def test_malformed_records(tmp_path, record, message):
    path = tmp_path / "f.jsonl"
    path.write_text('{"english": "x", "foreign": "y"}\n' + json.dumps(record) + "\n")
    with pytest.raises(DataError, match=rf"f.jsonl:2: .*{message}"):
        list(read_bitext(path))
    assert len(list(read_bitext(path, skipped=SkipReport()))) == 1


def test_null_is_an_empty_side(tmp_path):
    path = tmp_path / "f.jsonl"
    path.write_text('{"english": "x", "foreign": null}\n{"english": "x", "foreign": "y"}\n')
    report = SkipReport(lenient=False)
    assert len(list(read_bitext(path, skipped=report))) == 1
    assert report.dropped == {"with an empty side": 1}


def test_one_language_of_many(tmp_path):
    path = tmp_path / "f.jsonl"
    path.write_text('{"data": {"eng": "a", "som": "b", "amh": "c"}}\n{"data": {"eng": "d", "amh": "e"}}\n')
    report = SkipReport(lenient=False)
    assert list(read_bitext(path, language="so", skipped=report)) == [SentencePair("a", "b")]
    assert report.dropped == {"without an English and a 'som' side": 1}
    with pytest.raises(DataError, match=r"no sentence pair in it .*without an English and a 'kin' side"):
        list(read_bitext(path, language="kin"))
    first_line = tmp_path / "g.jsonl"
    first_line.write_text('{"data": {"eng": "a", "som": "b", "amh": "c"}}\n')
    with pytest.raises(DataError, match=r"in several languages \(eng, som, amh\): name one with --language"):
        list(read_bitext(first_line))
