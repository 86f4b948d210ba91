import gzip
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opticlir.data import SkipReport, bitext_files, read_bitext
from opticlir.data.normalisation import normalise_text
from opticlir.errors import DataError, SettingsError
from opticlir.records import SentencePair

SIDE = st.text(st.characters(codec="utf-8", exclude_characters="\0\n\ufeff")).map(normalise_text).filter(bool)


def write(folder, **texts):
    for name, text in texts.items():
        (folder / name.replace("_", ".")).write_text(text, "utf-8", newline="")


@given(st.lists(st.tuples(SIDE, SIDE), min_size=1))
def test_round_trip(tmp_path_factory, sides):
    folder = tmp_path_factory.mktemp("moses")
    write(folder, c_en="".join(f"{a}\n" for a, _ in sides), c_sw="".join(f"{b}\n" for _, b in sides))
    assert list(read_bitext(folder / "c")) == [SentencePair(*pair) for pair in sides]


@pytest.mark.parametrize("argument", ["c", "c.sw", "c.en", "c.en,c.sw", "{}/c.en,{}/c.sw"])
def test_every_way_to_name_the_pair(tmp_path, argument):
    write(tmp_path, c_en="water\nfire\n", c_sw="maji\nmoto\n")
    path = tmp_path / argument.replace("{}", str(tmp_path))
    assert list(read_bitext(path)) == [SentencePair("water", "maji"), SentencePair("fire", "moto")]
    assert bitext_files(path) == (tmp_path / "c.en", tmp_path / "c.sw")


def test_a_pair_of_relative_paths(tmp_path, monkeypatch):
    write(tmp_path, a_txt="water\n", b_txt="maji\n")
    monkeypatch.chdir(tmp_path)
    assert list(read_bitext(Path("a.txt,b.txt"))) == [SentencePair("water", "maji")]


@pytest.mark.parametrize(("english", "foreign"), [("eng", "swh"), ("EN", "sw"), ("en-GB", "swh_Latn")])
def test_any_form_of_the_codes(tmp_path, english, foreign):
    (tmp_path / f"news.v2.{english}").write_text("water\n")
    (tmp_path / f"news.v2.{foreign}.gz").write_bytes(gzip.compress(b"maji\n"))
    assert list(read_bitext(tmp_path / "news.v2", language="swa")) == [SentencePair("water", "maji")]


def test_a_language_of_several(tmp_path):
    write(tmp_path, c_en="water\n", c_sw="maji\n", c_ha="ruwa\n")
    assert list(read_bitext(tmp_path / "c", language="hau")) == [SentencePair("water", "ruwa")]
    assert list(read_bitext(tmp_path / "c.sw")) == [SentencePair("water", "maji")]
    with pytest.raises(DataError, match=r"found c.en and c.ha, c.sw; name the foreign one with --language"):
        list(read_bitext(tmp_path / "c"))
    with pytest.raises(DataError, match=r"found c.en and c.ha, c.sw; none of them is 'yor'"):
        list(read_bitext(tmp_path / "c", language="yo"))


@pytest.mark.parametrize(
    ("english", "foreign", "short"),
    [("a\nb\n", "c\n", "c.sw:2"), ("a\n", "c\nd\n", "c.en:2"), ("a\n", "c\n\n", "c.en:2")],
)
def test_files_of_different_length_are_refused_even_leniently(tmp_path, english, foreign, short):
    write(tmp_path, c_en=english, c_sw=foreign)
    for skipped in (None, SkipReport()):
        with pytest.raises(DataError, match=f"{short}: the file ends before this line and"):
            list(read_bitext(tmp_path / "c", skipped=skipped))


def test_a_prefix_that_looks_like_another_format(tmp_path):
    write(tmp_path, c_txt_en="water\n", c_txt_sw="maji\n")
    assert list(read_bitext(tmp_path / "c.txt")) == [SentencePair("water", "maji")]


def test_separators_inside_lines_keep_the_sides_aligned(tmp_path):
    write(tmp_path, c_en="a\u2028b\nc\x85d\ne\x0bf\n", c_sw="1\n2\x0c2\n3\n")
    assert [pair.foreign for pair in read_bitext(tmp_path / "c")] == ["1", "2\x0c2", "3"]


def test_empty_lines_are_dropped_in_step(tmp_path):
    write(tmp_path, c_en="a\n\nc\n", c_sw="1\n2\n3\n")
    assert [(pair.english, pair.foreign) for pair in read_bitext(tmp_path / "c")] == [("a", "1"), ("c", "3")]


def test_a_skipped_line_keeps_the_sides_aligned(tmp_path):
    (tmp_path / "c.en").write_bytes(b"a\nb\xff\nc\nd\n")
    (tmp_path / "c.sw").write_bytes(b"1\n2\n3\xff\n4\n")
    with pytest.raises(DataError, match=r"c.en:2: byte 0xff"):
        list(read_bitext(tmp_path / "c"))
    report = SkipReport()
    pairs = [(pair.english, pair.foreign) for pair in read_bitext(tmp_path / "c", skipped=report)]
    assert pairs == [("a", "1"), ("d", "4")]
    assert report.n_malformed == 2


@pytest.mark.parametrize("argument", ["a,b,c", ",b", "a,"])
def test_one_comma(tmp_path, argument):
    with pytest.raises(SettingsError, match="expected two paths joined by one comma"):
        list(read_bitext(tmp_path / argument if not argument.startswith(",") else type(tmp_path)(argument)))


def test_a_missing_side(tmp_path):
    write(tmp_path, c_en="a\n")
    with pytest.raises(DataError, match=r"c.sw: no such file"):
        list(read_bitext(tmp_path / f"c.en,{os.fspath(tmp_path)}/c.sw"))
    with pytest.raises(DataError, match=r"found c.en and nothing else"):
        list(read_bitext(tmp_path / "c"))


def test_a_comma_in_an_ordinary_name(tmp_path):
    (tmp_path / "a,b.tsv").write_text("water\tmaji\n")
    assert list(read_bitext(tmp_path / "a,b.tsv")) == [SentencePair("water", "maji")]
