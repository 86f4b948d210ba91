"""Bitext as JSON: one object a line, one array, or one object of columns."""

from collections.abc import Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any

from opticlir.data.bitext.headings import Sides, find_sides, language_of_heading
from opticlir.data.bitext.samples import N_SAMPLED, ColumnSamples, is_number, parse_score
from opticlir.data.bitext.sides import MissingSideError, RawPair, Selection
from opticlir.data.json_files import read_json, read_json_lines
from opticlir.data.skipping import MalformedRecordError, SkipReport
from opticlir.data.text_files import read_lines
from opticlir.errors import DataError
from opticlir.languages import known_code
from opticlir.visible import shown

Record = Mapping[str, Any]
_NESTING_KEYS = ("translation", "data")


def read_json_bitext(path: Path, selection: Selection) -> Iterator[RawPair]:
    """Read a file of JSON objects; see `pairs_of_records` for the objects.

    Args:
        path: one object a line, one array of objects, an object with one such array, or an object with a list for
            each column; plain or compressed.
        selection: what to take.

    Raises:
        DataError: a record is malformed and the report is strict, or the keys do not say which texts to read.
    """
    lines = (line for _, line in read_lines(path, skipped=SkipReport()) if line.strip())
    first, second = next(lines, "").strip(), next(lines, "").strip()
    is_whole = first.startswith("[") or (first.startswith("{") and not first.endswith("}") and bool(second))
    is_columns = not second and first.startswith("{") and '":[' in first.replace(" ", "")
    if is_whole or is_columns:
        records = _records_of_value(read_json(path), path)
    else:
        records = read_json_lines(path, skipped=selection.report)
    return pairs_of_records(records, path, selection)


def pairs_of_records(
    records: Iterator[tuple[int, Record]], path: Path, selection: Selection
) -> Iterator[RawPair]:
    """Read a pair from each record, in one of these forms.

    `{"english": ..., "foreign": ...}`, `{"english": ..., "non_english": ...}`,
    `{"translation": {"en": ..., "sw": ...}}` (or `data` instead), `{"en": ..., "sw": ...}`,
    `{"source": ..., "target": ...}`; or by the columns that the user named.

    Args:
        records: number and content of each record.
        path: the file, for messages.
        selection: what to take.

    Yields:
        Each pair; a side is empty where its value is null.

    Raises:
        DataError: a record is malformed and the report is strict, or the keys do not say which texts to read.
    """
    head = list(islice(records, N_SAMPLED))
    samples = ColumnSamples(_flat(record) for _, record in head)
    layouts: dict[tuple[str, ...], Sides | Exception] = {}
    for number, record in chain(head, records):
        flat = _flat(record)
        names = tuple(flat)
        if names not in layouts:
            layouts[names] = _layout(names, samples, selection, record)
        layout = layouts[names]
        if isinstance(layout, MissingSideError):
            selection.report.drop(str(layout), f"{path}:{number}")
        elif isinstance(layout, MalformedRecordError):
            selection.report.malformed(path, number, str(layout))
        elif isinstance(layout, Exception):
            raise DataError(f"{path}:{number}: {layout}")
        else:
            try:
                yield _pair(number, flat, layout)
            except MalformedRecordError as error:
                selection.report.malformed(path, number, str(error))


def _layout(
    names: tuple[str, ...], samples: ColumnSamples, selection: Selection, record: Record
) -> Sides | Exception:
    """The keys to read, or why there are none."""
    try:
        found = find_sides(names, samples, selection)
    except (MissingSideError, DataError) as error:
        return error
    return found or MalformedRecordError(
        "expected the keys english and foreign, or texts by language code with en among them, "
        f"found the keys {shown(', '.join(record), 200)}: name those to read with --columns english=KEY,foreign=KEY"
    )


def _flat(record: Record) -> Record:
    """The texts of a record: those of the object inside it that has texts by language, if there is one."""
    inner = [record[key] for key in _NESTING_KEYS if isinstance(record.get(key), dict)]
    inner += [value for value in record.values() if isinstance(value, dict) and _has_english(value)]
    if not inner:
        return record
    outer = {key: value for key, value in record.items() if is_number(value) and not known_code(key)}
    return {**outer, **inner[0]}


def _has_english(texts: Record) -> bool:
    return any(known_code(language_of_heading(key) or "") == "eng" for key in texts)


def _pair(number: int, record: Record, sides: Sides) -> RawPair:
    score = None if sides.score is None else parse_score(record[sides.score], sides.score)
    return RawPair(
        number,
        _text(record[sides.english], sides.english),
        _text(record[sides.foreign], sides.foreign),
        score,
    )


def _text(value: Any, key: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedRecordError(f"expected text under {key!r}, found {shown(repr(value))}")
    return value


def _records_of_value(value: Any, path: Path) -> Iterator[tuple[int, Record]]:
    """The records of a file that is one JSON value."""
    if isinstance(value, dict) and value:
        lists = [each for each in value.values() if isinstance(each, list)]
        if len(lists) == len(value) and len({len(each) for each in lists}) == 1 and len(value) > 1:
            value = [dict(zip(value, row, strict=True)) for row in zip(*lists, strict=True)]
        elif len(lists) == 1:
            value = lists[0]
        else:
            value = [value]
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise DataError(
            f"{path}: expected an array of objects with one pair each, found {shown(repr(value))}"
        )
    yield from enumerate(value, start=1)
