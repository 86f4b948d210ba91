"""The language of filters: every text is a filter or a clear refusal, and every filter keeps what it says."""

import operator
import time

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opticlir.errors import SettingsError
from opticlir.search.filters import MAX_DEPTH, MAX_LETTERS, matching, parse_filter

ROWS = [
    {"year": 2019, "source": "who", "share": 0.5, "reviewed": True},
    {"year": 2020, "source": "unicef", "share": 1.0, "reviewed": False, "first author": "Ọlá"},
    {"year": 2021, "source": "who"},
    {"year": -5, "source": 'a "b" \\ c', "share": -1.5},
    {},
]
TABLE = pa.Table.from_pylist(
    ROWS,
    pa.schema(
        {
            "year": pa.int64(),
            "source": pa.large_string(),
            "share": pa.float64(),
            "reviewed": pa.bool_(),
            "first author": pa.large_string(),
            "and": pa.int64(),
        }
    ),
)


def rows(text, table=TABLE):
    return np.flatnonzero(matching(parse_filter(text), table)).tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("year >= 2020", [1, 2]),
        ("year>=2020 and source='who'", [2]),
        ('year = 2020 or source == "who"', [0, 1, 2]),
        ("year != 2020", [0, 2, 3]),
        ("year < 0", [3]),
        ("year<=-5", [3]),
        ("year > 2019.5", [1, 2]),
        ("year = 2020.0", [1]),
        ("year in (2019, 2021)", [0, 2]),
        ("source in ('who')", [0, 2]),
        ("source not in ('who', \"unicef\")", [3]),
        ("not source in ('who')", [1, 3]),
        ("share >= 0.5", [0, 1]),
        ("share = 1", [1]),
        ("share > -1e3 and share < +.6", [0, 3]),
        ("reviewed = true", [0]),
        ("reviewed != TRUE", [1]),
        ("reviewed in (false)", [1]),
        ("source > 'u'", [0, 1, 2]),
        (r"""source = 'a "b" \\ c'""", [3]),
        (r'''source = "a \"b\" \\ c"''', [3]),
        ("`first author` = 'O\u0323la\u0301'", [1]),
        ("year = 2019 or year = 2020 and source = 'who'", [0]),
        ("(year = 2019 or year = 2020) and source = 'unicef'", [1]),
        ("NOT (year = 2019 OR year = 2020)", [2, 3]),
        ("not not year = 2019", [0]),
        ("not (share = 7 and year = 2019)", [0, 1, 2, 3]),
        ("not (share = 7 or year = 2019)", [1, 3]),
        ("year < 1e400 and year > -99999999999999999999999", [0, 1, 2, 3]),
        ("`and` = 1", []),
    ],
)
def test_a_filter_keeps_the_documents_that_it_describes(text, expected):
    assert rows(text) == expected


@pytest.mark.parametrize(
    "text",
    ["reviewed = true", "reviewed = false", "not reviewed = true", "share != 0.5", "not share = 0.5",
     "share not in (3)", "not (share = 7 and source = 'who')"],
)  # fmt: skip
def test_a_document_without_the_field_matches_neither_a_condition_nor_its_opposite(text):
    assert 4 not in rows(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the filter is empty"),
        ("  ", "the filter is empty"),
        ("year", "at letter 5: expected =, !=, <, <=, >, >=, in or not in, found the end"),
        ("year >=", "at letter 8: expected a number, a text in quotes, true or false"),
        ("year >= who", "at letter 9: expected a number, a text in quotes, true or false, found who"),
        ("year >= 2020 year < 3", "at letter 14: expected and, or, or the end, found year"),
        ("(year = 1", "at letter 10: expected )"),
        ("year = 1)", "at letter 9: expected and, or, or the end, found )"),
        ("year in 3", "at letter 9: expected (, found 3"),
        ("year in ()", "at letter 10: expected a number"),
        ("year in (1,)", "at letter 12: expected a number"),
        ("year not 3", "at letter 10: expected in, found 3"),
        ("source = 'who", "at letter 10: the text has no closing quote"),
        ("`year = 3", "at letter 1: the name has no closing"),
        ("year = 1 & share = 2", "at letter 10: & has no meaning in a filter"),
        ("2020 = year", "at letter 1: expected the name of a field, not or (, found 2020"),
        ("and = 1", "at letter 1: expected the name of a field, not or (, found and"),
        ("yaer > 1", "no field 'yaer': did you mean 'year'? The fields are and (whole number), first author (text)"),
        ("year = '2020'", "field 'year' holds whole numbers: compare it with a number, found '2020'"),
        ("share = true", "field 'share' holds numbers: compare it with a number, found true"),
        ("source = 3", "field 'source' holds texts: compare it with a text in quotes, found 3"),
        ("source in ('who', 3)", "field 'source' holds texts"),
        ("reviewed = 1", "field 'reviewed' holds true or false: compare it with true or false, found 1"),
        ("reviewed < true", "field 'reviewed' holds true or false, which have no order: expected =, != or in, found <"),
        ("(" * 33 + "year = 1" + ")" * 33, f"nested more than {MAX_DEPTH} levels deep"),
        ("not " * 33 + "year = 1", f"nested more than {MAX_DEPTH} levels deep"),
        ("year = " + "1" * MAX_LETTERS, f"has 2,007 letters, the most is {MAX_LETTERS:,}"),
    ],
)  # fmt: skip
def test_what_is_no_filter_is_refused_with_its_place_and_what_was_expected(text, message):
    with pytest.raises(SettingsError) as caught:
        rows(text)
    assert message in str(caught.value)


def test_an_index_without_fields_says_so():
    with pytest.raises(SettingsError, match="the index has no metadata fields"):
        rows("year = 1", pa.table({}))


PIECES = st.sampled_from(
    ["year", "source", "share", "reviewed", "`and`", "and", "or", "not", "in", "(", ")", ",", "=", "==", "!=",
     "<", ">=", "2020", "-1.5", "1e9", "'who'", '"', "'", "`", "\\", "true", "nothing", " ", "\0", "ء", "٣", "é"]
)  # fmt: skip


@given(
    st.one_of(
        st.text(max_size=80), st.lists(PIECES, max_size=60).map(" ".join), st.lists(PIECES).map("".join)
    )
)
def test_any_text_is_a_filter_or_refused(text):
    """Whatever it is, it ends, and nothing but `SettingsError` is raised."""
    try:
        condition = parse_filter(text)
    except SettingsError:
        return
    try:
        found = matching(condition, TABLE)
    except SettingsError:
        return
    assert found.shape == (5,)
    assert found.dtype == bool


FIELDS = {
    "n": st.integers(-3, 3), "x": st.floats(-2, 2, width=16), "b": st.booleans(), "t": st.sampled_from(["", "a", "b'"])
}  # fmt: skip
TYPES = pa.schema({"n": pa.int64(), "x": pa.float64(), "b": pa.bool_(), "t": pa.large_string()})
OPERATORS = {
    "=": operator.eq, "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def written(value):
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value).lower() if isinstance(value, bool) else repr(value)


@st.composite
def conditions(draw, depth=3):
    """A filter, and a function that says of a record whether it matches: True, False or None for unknown."""
    kind = draw(st.sampled_from(["compare", "in"] if not depth else ["compare", "in", "not", "and", "or"]))
    if kind in ("compare", "in"):
        name = draw(st.sampled_from(sorted(FIELDS)))
        literals = FIELDS["x"] | FIELDS["n"] if name in "nx" else FIELDS[name]
        if kind == "in":
            values = draw(st.lists(literals, min_size=1, max_size=3))
            text = f"{name} in ({', '.join(map(written, values))})"
            return text, lambda record: None if record.get(name) is None else record[name] in values
        sign = draw(st.sampled_from(["=", "!="] if name == "b" else sorted(OPERATORS)))
        value = draw(literals)
        return (
            f"{name}{sign}{written(value)}",
            lambda record: None if record.get(name) is None else OPERATORS[sign](record[name], value),
        )
    (text, means), (other, also) = draw(conditions(depth - 1)), draw(conditions(depth - 1))
    if kind == "not":
        return f"not ({text})", lambda record: None if means(record) is None else not means(record)
    decisive = kind == "or"

    def both(record):
        found = means(record), also(record)
        return decisive if decisive in found else None if None in found else not decisive

    return f"({text}) {kind} ({other})", both


@given(st.lists(st.fixed_dictionaries({}, optional=FIELDS), min_size=1, max_size=6), conditions())
def test_filters_mean_what_python_means_with_unknown_values_as_in_sql(records, condition):
    text, means = condition
    assert rows(text, pa.Table.from_pylist(records, TYPES)) == [
        row for row, record in enumerate(records) if means(record) is True
    ]


@pytest.mark.parametrize("piece", ["(", "not ", "year=1 or ", "'", "`", "\\", "1", "year in (1,", " "])
def test_the_longest_filters_take_no_time(piece):
    begin = time.perf_counter()
    with pytest.raises(SettingsError):
        rows((piece * MAX_LETTERS)[:MAX_LETTERS])
    assert time.perf_counter() - begin < 1.0


def test_whole_numbers_of_64_bits_are_compared_exactly():
    table = pa.table({"n": pa.array([2**63 - 1, 2**53 + 1, -(2**63)])})
    assert rows(f"n = {2**53 + 1}", table) == [1]
    assert rows(f"n > {2**53}", table) == [0, 1]
    assert rows(f"n = {2**63}", table) == []
    assert rows(f"n < {2**63}", table) == [0, 1, 2]
    assert rows(f"n in ({2**63}, {-(2**63)}, 0.5)", table) == [2]
    assert rows("n > 9007199254740992.0", table) == [0, 1]
