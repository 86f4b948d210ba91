import pytest

from opticlir.data.json_files import read_json, read_json_lines
from opticlir.data.skipping import SkipReport
from opticlir.errors import DataError

MALFORMED = [
    ("{", "expected one JSON object a line: Expecting property name"),
    ("{'a': 1}", "expected one JSON object a line"),
    ('{"a": 1,}', "expected one JSON object a line"),
    ('{"a": 1} x', "expected one JSON object a line: Extra data"),
    ("[1, 2]", "expected one JSON object a line, found"),
    ('"text"', "expected one JSON object a line, found"),
    ("null", "expected one JSON object a line, found"),
    ('{"a": 1, "a": 2}', "the key 'a' occurs twice"),
    ('{"x": {"a": 1, "a": 2}}', "the key 'a' occurs twice"),
    ('{"a": Infinity}', "Infinity is not a JSON number"),
    ('{"a": ' + "9" * 5000 + "}", "expected one JSON object a line: "),
    ('{"a": ' + "[" * 100_000 + "}", "expected one JSON object a line: "),
    ('{"a": "\x01"}', "expected one JSON object a line: Invalid control character"),
    ("english\tforeign", "expected one JSON object a line"),
]


@pytest.mark.parametrize(("line", "message"), MALFORMED)
def test_malformed_lines_are_refused_or_skipped(tmp_path, line, message):
    path = tmp_path / "f.jsonl"
    path.write_text(f'{{"n": 1}}\n{line}\n\n{{"n": 2}}\n', encoding="utf-8")
    with pytest.raises(DataError, match=rf"f\.jsonl:2: {message}"):
        list(read_json_lines(path))
    report = SkipReport()
    assert list(read_json_lines(path, skipped=report)) == [(1, {"n": 1}), (4, {"n": 2})]
    assert report.n_malformed == 1


def test_nan_is_read_as_null(tmp_path):
    (tmp_path / "f").write_text('{"a": NaN}\n')
    assert list(read_json_lines(tmp_path / "f")) == [(1, {"a": None})]


def test_whole_files(tmp_path):
    (tmp_path / "f").write_text('\ufeff{"a": [1]}', encoding="utf-8")
    assert read_json(tmp_path / "f") == {"a": [1]}
    (tmp_path / "f").write_text('{"a":\n[1}')
    with pytest.raises(DataError, match=r"f: expected JSON: .* at line 2 column 3"):
        read_json(tmp_path / "f")
