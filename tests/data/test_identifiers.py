from pathlib import Path

import pytest

from opticlir.data.identifiers import checked_id, refuse_duplicates
from opticlir.data.skipping import MalformedRecordError, SkipReport
from opticlir.errors import DataError

KEPT = [
    "007",
    "7",
    "a b",
    " padded ",
    "12#0",
    "301-AH",
    "../../etc/passwd",
    "/etc/passwd",
    "C:\\x",
    "CON",
    "*",
    "é",
    "e\u0301",  # another id than the one before: ids are not normalised
    "A",
    "a",
    "1e3",
    "true",
    "🙂",
    "\u200b",
    "x" * 65536,
    "null",
    "-",
    "%00",
]


@pytest.mark.parametrize("identifier", KEPT)
def test_an_id_stays_as_it_is(identifier):
    if identifier.strip():
        assert checked_id(identifier, "document") == identifier


def test_all_of_these_are_different_ids():
    records = enumerate(KEPT, start=1)
    assert list(refuse_duplicates(records, str, Path("f"), SkipReport.of(None))) == KEPT


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "the query id '' is blank"),
        ("   ", "is blank"),
        ("\u3000\u00a0", "is blank"),
        ("a\0b", "contains NUL, a line end or a tab"),
        ("a\nb", "contains NUL, a line end or a tab"),
        ("a\rb", "contains NUL"),
        ("a\tb", "contains NUL"),
        ("x" * 65537, "has 65537 bytes, the most is 65536"),
        ("é" * 32769, "has 65538 bytes"),
        ("\ud800", "half of a surrogate pair"),
        (None, "expected a query id as text, found 'None'"),
        (True, "expected a query id as text"),
        (1.5, "expected a query id as text"),
        (["a"], "expected a query id as text"),
    ],
)
def test_what_is_no_id_is_refused(value, message):
    with pytest.raises(MalformedRecordError, match=message):
        checked_id(value, "query")


def test_a_json_integer_becomes_its_digits():
    assert checked_id(7, "query") == "7"


def test_duplicates_name_both_lines():
    records = [(1, "a"), (5, "b"), (9, "a")]
    with pytest.raises(DataError, match=r"^f:9: id 'a' is also on line 1$"):
        list(refuse_duplicates(records, str, Path("f"), SkipReport.of(None)))
    report = SkipReport()
    assert list(refuse_duplicates(records, str, Path("f"), report)) == ["a", "b"]
    assert report.n_malformed == 1
