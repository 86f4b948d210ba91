import gzip
import logging
import math
from pathlib import Path

import pytest

from opticlir.data import SkipReport, bitext_files, parse_bitext_argument, read_bitext
from opticlir.errors import DataError, SettingsError
from opticlir.records import SentencePair

ONE = {
    "f.tsv": "water\tmaji\n",
    "f.txt": "water\tmaji\n",
    "f.jsonl": '{"english": "water", "foreign": "maji"}\n',
    "f.json": '{"translation": {"en": "water", "sw": "maji"}}\n',
    "f.po": 'msgid "water"\nmsgstr "maji"\n',
    "f.tmx": '<tmx><body><tu><tuv xml:lang="en"><seg>water</seg></tuv>'
    '<tuv xml:lang="sw"><seg>maji</seg></tuv></tu></body></tmx>',
}


@pytest.mark.parametrize("name", ONE)
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_the_name_tells_the_format(tmp_path, name, ending):
    path = tmp_path / (name + ending)
    path.write_bytes(gzip.compress(ONE[name].encode()) if ending else ONE[name].encode())
    assert list(read_bitext(path)) == [SentencePair("water", "maji")]
    assert list(read_bitext(path, language="sw", weight=3.0)) == [SentencePair("water", "maji", 3.0)]
    assert bitext_files(path) == (path,)


@pytest.mark.parametrize("name", ["f.xml", "f", "f.tsv.zip", "f.TSVX"])
def test_other_names_are_refused(tmp_path, name):
    (tmp_path / name).write_text("water\tmaji\n")
    with pytest.raises(
        DataError, match=r"the name has no known bitext format: expected .arrow, .csv, .feather, .json"
    ):
        read_bitext(tmp_path / name)


def test_missing_files(tmp_path):
    with pytest.raises(DataError, match=r"f.tsv: no such file"):
        list(read_bitext(tmp_path / "f.tsv"))
    with pytest.raises(DataError, match=r"no such file, and no Moses pair corpus.en with another"):
        read_bitext(tmp_path / "corpus")


@pytest.mark.parametrize("weight", [0.0, -1.0, math.inf, math.nan])
def test_weights_are_finite_and_positive(weight):
    with pytest.raises(ValueError, match="expected a finite number above 0"):
        read_bitext(Path("f.tsv"), weight=weight)


def test_sides_are_normalised(tmp_path):
    path = tmp_path / "f.tsv"
    path.write_text(" \ufeffwater \tE\u0301ko\u0323\u200d\n", encoding="utf-8")
    assert list(read_bitext(path)) == [SentencePair("water", "Ékọ\u200d")]


def test_empty_sides_are_dropped_and_counted(tmp_path, caplog):
    path = tmp_path / "f.tsv"
    path.write_text("a\tb\n\tc\nd\t \n\n \t\ufeff\ne\tf\n", encoding="utf-8")
    report = SkipReport()
    assert len(list(read_bitext(path, skipped=report))) == 2
    assert report.dropped == {"with an empty side": 4}
    assert report.n_malformed == 0
    with caplog.at_level(logging.WARNING):
        assert len(list(read_bitext(path))) == 2  # strict, and yet not fatal
    assert "4 with an empty side (first:" in caplog.text


@pytest.mark.parametrize("text", ["\n", "\t\n", "a\t\n\tb\n"])
def test_a_file_without_a_pair_is_refused(tmp_path, text):
    (tmp_path / "f.tsv").write_text(text)
    with pytest.raises(DataError, match=r"f.tsv: no sentence pair in it \(\d with an empty side"):
        list(read_bitext(tmp_path / "f.tsv"))


def test_no_surrogate_and_no_nul_comes_through_json(tmp_path):
    path = tmp_path / "f.jsonl"
    path.write_text(
        r'{"english": "a\u0000", "foreign": "b"}' + "\n" + r'{"english": "a", "foreign": "\ud800"}' + "\n"
    )
    with pytest.raises(DataError, match=r"f.jsonl:1: U\+0000 is not text"):
        list(read_bitext(path))
    with pytest.raises(DataError, match=r"no sentence pair in it \(2 malformed"):
        list(read_bitext(path, skipped=SkipReport()))


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("f.tsv", ("f.tsv", 1.0)),
        ("f.tsv:3", ("f.tsv", 3.0)),
        ("f.tsv:0.5", ("f.tsv", 0.5)),
        ("f.tsv:1e2", ("f.tsv", 100.0)),
        ("a:b/f.tsv", ("a:b/f.tsv", 1.0)),
        ("a:b/f.tsv:2", ("a:b/f.tsv", 2.0)),
        ("en.txt,sw.txt:2", ("en.txt,sw.txt", 2.0)),
        (":2", (":2", 1.0)),
        ("C:\\f.tsv", ("C:\\f.tsv", 1.0)),
        ("C:\\f.tsv:2", ("C:\\f.tsv", 2.0)),
    ],
)
def test_bitext_arguments(argument, expected):
    path, weight = parse_bitext_argument(argument)
    assert (str(path), weight) == expected


def test_a_file_with_a_colon_in_its_name_is_found(tmp_path):
    path = tmp_path / "f:3"
    path.write_text("x")
    assert parse_bitext_argument(str(path)) == (path, 1.0)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("f.tsv:heavy", "'heavy' is not a number"),
        ("f.tsv:", "'' is not a number"),
        ("f.tsv:0", "a weight is a finite number above 0, not 0"),
        ("f.tsv:-1", "above 0, not -1"),
        ("f.tsv:inf", "above 0, not inf"),
        ("f.tsv:nan", "above 0, not nan"),
    ],
)
def test_bad_weights(argument, message):
    with pytest.raises(SettingsError, match=message):
        parse_bitext_argument(argument)


def test_memory_stays_flat_over_many_pairs(tmp_path, peak_memory):
    path = tmp_path / "many.tsv"
    with path.open("w", encoding="utf-8") as file:
        for number in range(8_000):
            file.write(f"This is sentence number {number}.\tHii ni sentensi nambari {number}.\n")
    counts = []
    assert peak_memory(lambda: counts.append(sum(1 for _ in read_bitext(path)))) < 3_000_000
    assert counts == [8_000]
