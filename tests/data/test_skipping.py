from pathlib import Path

import pytest

from opticlir.data.skipping import MalformedRecordError, SkipReport, parse_records
from opticlir.errors import DataError
from opticlir.visible import shown


def to_number(text):
    if not text.isdigit():
        raise MalformedRecordError(f"no number: {shown(text)}")
    return int(text)


RECORDS = [(1, "10"), (2, "x"), (3, "30")]


def test_strict_stops_at_the_first_malformed_record():
    parsed = parse_records(RECORDS, to_number, Path("f"), SkipReport.of(None))
    assert next(parsed) == (1, 10)
    with pytest.raises(DataError, match=r"^f:2: no number: 'x'$"):
        next(parsed)


def test_lenient_skips_and_counts():
    report = SkipReport(max_messages=1)
    assert list(parse_records([*RECORDS, (4, "y")], to_number, Path("f"), report)) == [(1, 10), (3, 30)]
    assert (report.n_malformed, report.messages) == (2, ["f:2: no number: 'x'"])
    assert report.summary() == "2 malformed (first: f:2: no number: 'x')"


def test_the_first_malformed_records_are_told_in_the_order_of_the_files():
    """A reader looks ahead, so that it meets a broken line 9 before line 2."""
    report = SkipReport(max_messages=3)
    for name, line in (("b", 9), ("b", 2), ("a", 1), ("b", 5), ("b", 11)):
        report.malformed(Path(name), line, f"bad {line}")
    assert report.messages == ["b:2: bad 2", "b:5: bad 5", "b:9: bad 9"]
    assert report.n_malformed == 5
    with pytest.raises(DataError, match=r"^b:2: bad$"):
        SkipReport(lenient=False).malformed(Path("b"), 2, "bad")


def test_a_callers_report_is_used():
    report = SkipReport()
    assert SkipReport.of(report) is report
    assert not SkipReport.of(None).lenient


def test_drops_are_counted_by_reason():
    report = SkipReport(lenient=False)
    report.drop("blank", "f:1")
    report.drop("blank", "f:2")
    report.drop("fuzzy", "f:3")
    assert report.summary() == "2 blank (first: f:1); 1 fuzzy (first: f:3)"
    assert SkipReport().summary() == ""


def test_a_mistake_of_ours_is_no_malformed_record():
    with pytest.raises(ValueError, match="invalid literal"):
        list(parse_records([(1, "x")], int, Path("f"), SkipReport()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abc", "'abc'"),
        ("a" * 70, f"'{'a' * 60}'..."),
        ("\u202eab", r"'\u202eab'"),
        ("\x1b[2J", r"'\x1b[2J'"),
    ],
)
def test_shown_is_short_and_harmless(text, expected):
    assert shown(text) == expected
