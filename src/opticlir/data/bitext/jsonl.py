"""Bitext as JSON lines."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from opticlir.data.bitext.sides import MissingSideError, RawPair, choose_sides, code_or_none
from opticlir.data.json_files import read_json_lines
from opticlir.data.skipping import MalformedRecordError, SkipReport, parse_records
from opticlir.data.visible import shown

_ENGLISH_KEY = "english"
_FOREIGN_KEYS = ("foreign", "non_english")
_NESTING_KEYS = ("translation", "data")


def read_jsonl(path: Path, language: str | None, report: SkipReport) -> Iterator[RawPair]:
    """Read one pair per line, in one of these forms.

    `{"english": ..., "foreign": ...}`, `{"english": ..., "non_english": ...}`,
    `{"translation": {"en": ..., "sw": ...}}` (or `data` instead), `{"en": ..., "sw": ...}`.

    Args:
        path: the file, plain or gzipped.
        language: ISO 639-3 code of the foreign side; None if each line has only one other language.
        report: a strict one stops at a malformed line.

    Yields:
        Line number, English side, foreign side.

    Raises:
        DataError: a line is malformed and the report is strict.
    """
    for number, texts in parse_records(read_json_lines(path, skipped=report), _texts_by_key, path, report):
        if _ENGLISH_KEY in texts:
            foreign_key = next(key for key in _FOREIGN_KEYS if key in texts)
            yield number, texts[_ENGLISH_KEY], texts[foreign_key]
            continue
        try:
            english, foreign = choose_sides(texts, language)
        except MissingSideError as error:
            report.drop(str(error), f"{path}:{number}")
        else:
            yield number, english, foreign


def _texts_by_key(record: dict[str, Any]) -> Mapping[str, str]:
    """Return the texts of one line: by `english` and `foreign`, or by language code."""
    if _ENGLISH_KEY in record:
        keys = [_ENGLISH_KEY, *(key for key in _FOREIGN_KEYS if key in record)]
        if len(keys) == 2:
            return {key: _text(record[key], key) for key in keys}
    nested = next((record[key] for key in _NESTING_KEYS if isinstance(record.get(key), dict)), None)
    texts = record if nested is None else nested
    by_code = {
        key: _text(value, key) for key, value in texts.items() if code_or_none(key) and value is not None
    }
    if not any(code_or_none(key) == "eng" for key in by_code):
        raise MalformedRecordError(
            "expected the keys english and foreign, or texts by language code with en among them, "
            f"found the keys {shown(', '.join(record), 200)}"
        )
    return by_code


def _text(value: Any, key: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedRecordError(f"expected text under {key!r}, found {shown(repr(value))}")
    return value
