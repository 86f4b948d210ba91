"""Query and document ids. They are compared as text: "007" and "7" differ."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from opticlir.data.skipping import MalformedRecordError, SkipReport
from opticlir.errors import DataError
from opticlir.visible import shown

Record = TypeVar("Record")

MAX_ID_BYTES = 1 << 16


def checked_id(value: Any, kind: str) -> str:
    """Check an id and return it unchanged.

    Args:
        value: the id in the file; a JSON integer becomes its digits.
        kind: "document" or "query", for the message.

    Raises:
        MalformedRecordError: the id is missing, blank, longer than 64 KiB, not text, or contains NUL, a
            line end or a tab.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise MalformedRecordError(f"expected a {kind} id as text, found {shown(repr(value))}")
    if not value.strip():
        raise MalformedRecordError(f"the {kind} id {shown(value)} is blank")
    try:
        n_bytes = len(value.encode())
    except UnicodeEncodeError:
        raise MalformedRecordError(
            f"the {kind} id {shown(value)} contains half of a surrogate pair"
        ) from None
    if n_bytes > MAX_ID_BYTES:
        raise MalformedRecordError(
            f"the {kind} id {shown(value)} has {n_bytes} bytes, the most is {MAX_ID_BYTES}"
        )
    if not {"\0", "\n", "\r", "\t"}.isdisjoint(value):
        raise MalformedRecordError(f"the {kind} id {shown(value)} contains NUL, a line end or a tab")
    return value


def allowed_id(value: Any, kind: str) -> str:
    """`checked_id` of an id that comes from no file. Raises DataError in its place."""
    try:
        return checked_id(value, kind)
    except MalformedRecordError as error:
        raise DataError(str(error)) from None


def refuse_duplicates(
    records: Iterable[tuple[int, Record]],
    identify: Callable[[Record], str],
    path: Path,
    report: SkipReport,
    earlier: set[str] | None = None,
) -> Iterator[Record]:
    """Yield each record whose id is new.

    Args:
        records: line number and record.
        identify: returns the id of a record.
        path: the file, for messages.
        report: a strict one stops at a duplicate; a lenient one keeps the first record.
        earlier: ids in earlier files of the same collection; those of this file are added at its end.

    Yields:
        The records without their line numbers.

    Raises:
        DataError: two records have the same id, and the report is strict.
    """
    first_line: dict[str, int] = {}
    before = set[str]() if earlier is None else earlier
    for number, record in records:
        identifier = identify(record)
        if identifier in first_line or identifier in before:
            line = first_line.get(identifier)
            where = "in an earlier file of the collection" if line is None else f"on line {line}"
            report.malformed(path, number, f"id {shown(identifier)} is also {where}")
        else:
            first_line[identifier] = number
            yield record
    before.update(first_line)
