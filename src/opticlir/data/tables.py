"""Records with named fields: JSON lines, a JSON array, CSV and TSV with a header, Parquet and Arrow."""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

from opticlir.data.json_files import parse_json_object, read_json
from opticlir.data.skipping import MalformedRecordError, SkipReport, parse_records
from opticlir.data.text_files import MAX_LINE_BYTES, read_chunks, read_lines
from opticlir.errors import DataError
from opticlir.visible import shown

Row: TypeAlias = dict[str, Any]


class UntypedRow(Row):
    """A row of a file that has no types: every value is a text."""


"""A record: value by name of the field."""

_SEPARATORS = ("\t", ",", ";")
_WHOLE_JSON = re.compile(rb"\[\s*\{|\{\s*\n|\{\s*\"(?:[^\"\\\n]|\\.)*\"\s*:\s*[\[{]\s*\n")
"""An array of objects, or one object over several lines."""
_JSON_LINE = re.compile(r"\s*\{\s*[\"}]")
_MARKUP = re.compile(r"\s*<[A-Za-z!?]")
_PARQUET, _ARROW_FILE, _ARROW_STREAM = b"PAR1", b"ARROW1", b"\xff\xff\xff\xff"


class Records(NamedTuple):
    """The records of a file, each with its line number; a table without lines counts its rows."""

    form: Literal["rows", "lines", "markup"]
    """`rows` are dictionaries; `lines` have no names for their fields; `markup` are the lines of SGML or XML."""
    items: Iterator[tuple[int, Any]]


def read_records(path: Path, report: SkipReport, has_header: Callable[[Sequence[str]], bool]) -> Records:
    """Recognise the form of a file by its first characters, and read its records.

    Args:
        path: the file, plain or compressed. CSV without a header gives `lines` with tabs; its name ends in .csv.
        report: a strict one refuses malformed records, a lenient one counts them.
        has_header: whether the entries of the first line name the columns.

    Raises:
        DataError: the file cannot be read; or on iteration: a record is malformed and the report is strict.
    """
    head = next(read_chunks(path)).removeprefix(b"\xef\xbb\xbf").lstrip() if can_be_read_twice(path) else b""
    if head.startswith((_PARQUET, _ARROW_FILE, _ARROW_STREAM)):
        return Records("rows", _arrow_rows(path, head))
    if _WHOLE_JSON.match(head):
        return Records("rows", parse_records(_values(path), _row, path, report))
    lines = ((number, line) for number, line in read_lines(path, skipped=report) if line.strip())
    first = next(lines, None)
    if first is None:
        return Records("lines", iter(()))
    return _of_lines(path, first, lines, report, has_header)


def can_be_read_twice(path: Path) -> bool:
    """Whether a file can be opened again: a pipe and a terminal cannot."""
    return not (path.is_fifo() or path.is_char_device() or path.is_socket())


def _of_lines(
    path: Path,
    first: tuple[int, str],
    lines: Iterator[tuple[int, str]],
    report: SkipReport,
    has_header: Callable[[Sequence[str]], bool],
) -> Records:
    every = chain([first], lines)
    if _MARKUP.match(first[1]):
        return Records("markup", every)
    if _JSON_LINE.match(first[1]):
        return Records("rows", parse_records(every, parse_json_object, path, report))
    for separator in _SEPARATORS:
        names = [_unquoted(entry.strip()) for entry in first[1].split(separator)]
        if has_header(names):
            return Records("rows", _named(path, separator, names, lines, report))
    if ".csv" in path.suffixes[-2:]:
        entries = _csv(path, every, ",", report)
        return Records("lines", ((number, _joined(values)) for number, values in entries))
    return Records("lines", every)


def _named(
    path: Path, separator: str, names: list[str], lines: Iterator[tuple[int, str]], report: SkipReport
) -> Iterator[tuple[int, Row]]:
    if len(set(names)) < len(names):
        raise DataError(f"{path}:1: two columns have the same name: {shown(', '.join(names))}")
    entries: Iterator[tuple[int, list[str]]]
    if separator == "\t":
        entries = ((number, [_unquoted(entry) for entry in line.split("\t")]) for number, line in lines)
    else:
        entries = _csv(path, lines, separator, report)

    def named(values: list[str]) -> Row:
        if len(values) != len(names):
            raise MalformedRecordError(
                f"expected {len(names)} columns, {', '.join(names)}, found {len(values)} in "
                f"{shown(separator.join(values))}"
            )
        return UntypedRow(zip(names, values, strict=True))

    return parse_records(entries, named, path, report)


def _csv(
    path: Path, lines: Iterator[tuple[int, str]], separator: str, report: SkipReport
) -> Iterator[tuple[int, list[str]]]:
    """Yield the entries of each record of a CSV file. A quoted entry can have several lines."""
    csv.field_size_limit(MAX_LINE_BYTES)
    place = 1

    def texts() -> Iterator[str]:
        nonlocal place
        for number, line in lines:
            place = number
            yield line + "\n"

    reader = csv.reader(texts(), delimiter=separator, strict=True)
    while True:
        try:
            entries = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            report.malformed(path, place, f"malformed CSV: {error}")
        else:
            yield place, entries


def _unquoted(entry: str) -> str:
    """An entry without the quotes that spreadsheets write around one with quotes in it."""
    inner = entry[1:-1].replace('""', "")
    return (
        entry[1:-1].replace('""', '"')
        if len(entry) > 1 and entry[0] == entry[-1] == '"' and '"' not in inner
        else entry
    )


def _joined(entries: list[str]) -> str:
    return "\t".join(" ".join(entry.split()) for entry in entries)


def _values(path: Path) -> Iterator[tuple[int, Any]]:
    value = read_json(path)
    yield from enumerate(value if isinstance(value, list) else [value], start=1)


def _row(value: Any) -> Row:
    if not isinstance(value, dict):
        raise MalformedRecordError(f"expected an array of JSON objects, found {shown(repr(value))}")
    return value


def _arrow_rows(path: Path, head: bytes) -> Iterator[tuple[int, Row]]:
    """Yield the rows of a Parquet or Arrow file, a batch in memory at a time."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and few files need it
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        with path.open("rb") as file:
            if head.startswith(_PARQUET):
                batches = pq.ParquetFile(file).iter_batches(batch_size=1024)
            elif head.startswith(_ARROW_FILE):
                opened = pa.ipc.open_file(file)
                batches = (opened.get_batch(number) for number in range(opened.num_record_batches))
            else:
                batches = iter(pa.ipc.open_stream(file))
            number = 0
            for batch in batches:
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: cannot be read as Parquet or Arrow: {error}") from None
