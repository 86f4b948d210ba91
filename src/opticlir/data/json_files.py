"""JSON and JSON lines, read strictly: duplicate keys are refused, and errors name the line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from opticlir.data.skipping import MalformedRecordError, SkipReport, parse_records
from opticlir.data.text_files import read_lines, read_text
from opticlir.errors import DataError
from opticlir.visible import shown

_MAX_FILE_BYTES = 1 << 29


def read_json_lines(path: Path, *, skipped: SkipReport | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read one JSON object a line. Blank lines are ignored.

    Args:
        path: the file, plain or gzipped.
        skipped: None refuses a malformed line, a lenient report skips and counts it.

    Yields:
        Line number and object.

    Raises:
        DataError: the file cannot be read, or a line is not a JSON object.
    """
    report = SkipReport.of(skipped)
    lines = ((number, line) for number, line in read_lines(path, skipped=report) if line.strip())
    yield from parse_records(lines, parse_json_object, path, report)


def parse_json_object(text: str) -> dict[str, Any]:
    """Parse one JSON object.

    Raises:
        MalformedRecordError: the text is not JSON, or not an object.
    """
    value = _parse(text, "one JSON object a line")
    if not isinstance(value, dict):
        raise MalformedRecordError(f"expected one JSON object a line, found {shown(text)}")
    return value


def read_json(path: Path) -> Any:
    """Read a file of at most 512 MiB that is one JSON value.

    Raises:
        DataError: the file cannot be read, or is not JSON.
    """
    try:
        return _parse(read_text(path, max_bytes=_MAX_FILE_BYTES), "JSON")
    except MalformedRecordError as error:
        raise DataError(f"{path}: {error}") from None


def _parse(text: str, expected: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_constant)
    except MalformedRecordError:
        raise
    except json.JSONDecodeError as error:
        raise MalformedRecordError(
            f"expected {expected}: {error.msg} at line {error.lineno} column {error.colno}, in {shown(text)}"
        ) from None
    except (ValueError, RecursionError) as error:  # a number of 4,300 digits; nesting 1,000 deep
        raise MalformedRecordError(f"expected {expected}: {error}, in {shown(text)}") from None


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        for twice, _ in pairs:
            if twice in seen:
                break
            seen.add(twice)
        raise MalformedRecordError(f"the key {shown(twice)} occurs twice in one object")
    return result


def _constant(name: str) -> None:
    """Read NaN as null, since pandas writes a missing text so. Refuse the infinities."""
    if name != "NaN":
        raise MalformedRecordError(f"{name} is not a JSON number")
