import pytest
from hypothesis import given
from hypothesis import strategies as st

from opticlir.data import SkipReport, read_bitext
from opticlir.data.normalisation import normalise_text
from opticlir.errors import DataError
from opticlir.records import SentencePair

SIDE = (
    st.text(st.characters(codec="utf-8", exclude_characters="\0\n\r\t\ufeff"))
    .map(normalise_text)
    .filter(bool)
)


@given(st.lists(st.tuples(SIDE, SIDE), min_size=1), st.sampled_from(["\n", "\r\n"]))
def test_round_trip(tmp_path_factory, sides, line_end):
    path = tmp_path_factory.mktemp("tsv") / "f.tsv"
    path.write_text(
        "".join(f"{english}\t{foreign}{line_end}" for english, foreign in sides), "utf-8", newline=""
    )
    header = sides[0][0].casefold() in {"en", "eng", "english"}
    if not header:
        assert list(read_bitext(path)) == [SentencePair(*pair) for pair in sides]


@pytest.mark.parametrize(
    ("line", "found"),
    [("water", 1), ("a\tb\tc", 3), ("a\t\tb", 3), ("a\tb\t", 3), ("a b c", 1), ("\t\t\tx", 4)],
)
def test_two_columns(tmp_path, line, found):
    path = tmp_path / "f.tsv"
    path.write_text(f"water\tmaji\n{line}\nfire\tmoto\n")
    with pytest.raises(
        DataError, match=rf"f.tsv:2: expected 2 columns, english<TAB>foreign, found {found} in"
    ):
        list(read_bitext(path))
    report = SkipReport()
    assert [pair.foreign for pair in read_bitext(path, skipped=report)] == ["maji", "moto"]
    assert report.n_malformed == 1


def test_old_line_ends_are_named(tmp_path):
    (tmp_path / "f.tsv").write_bytes(b"a\tb\rc\td\r")
    with pytest.raises(DataError, match="carriage returns inside it: convert old line ends to LF"):
        list(read_bitext(tmp_path / "f.tsv"))


def test_mixed_line_ends_are_fine(tmp_path):
    (tmp_path / "f.tsv").write_bytes(b"a\tb\r\nc\td\ne\tf")
    assert list(read_bitext(tmp_path / "f.tsv")) == [
        SentencePair("a", "b"), SentencePair("c", "d"), SentencePair("e", "f")
    ]  # fmt: skip


def test_quotes_are_literal(tmp_path):
    (tmp_path / "f.tsv").write_text('"a\t"b\n""c""\td"\n')
    assert list(read_bitext(tmp_path / "f.tsv")) == [SentencePair('"a', '"b'), SentencePair('""c""', 'd"')]


@pytest.mark.parametrize(
    ("first", "language", "is_header"),
    [
        ("en\thau", None, True),
        ("English\tYoruba", "yor", True),
        ("english\tforeign", None, True),
        ("ENG\tsw", None, True),
        ("English\tYoruba", None, False),  # a pair of a dictionary, as far as anybody can tell
        ("English\tKiingereza", "swa", False),
        ("water\tsw", None, False),
    ],
)
def test_a_header_is_no_pair(tmp_path, first, language, is_header):
    (tmp_path / "f.tsv").write_text(f"{first}\nwater\tmaji\n")
    assert len(list(read_bitext(tmp_path / "f.tsv", language=language))) == 1 + (not is_header)


def test_a_header_further_down_is_a_pair(tmp_path):
    (tmp_path / "f.tsv").write_text("water\tmaji\nen\tsw\n")
    assert len(list(read_bitext(tmp_path / "f.tsv"))) == 2
