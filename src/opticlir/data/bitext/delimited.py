"""Bitext in columns: TSV, and CSV as spreadsheets write it."""

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

from opticlir.data.bitext.headings import find_sides, language_of_heading
from opticlir.data.bitext.samples import N_SAMPLED, ColumnSamples, is_number, parse_score
from opticlir.data.bitext.sides import MissingSideError, RawPair, Selection
from opticlir.data.compression import plain_name
from opticlir.data.english import english_share
from opticlir.data.skipping import MalformedRecordError, SkipReport, parse_records
from opticlir.data.text_files import read_lines
from opticlir.errors import DataError, SettingsError
from opticlir.languages import known_code
from opticlir.visible import shown

Row = list[str]
Places = tuple[int, int, int | None]
"""Places of the English, the foreign and the score column, from 0."""

_CSV_SEPARATORS = ",;\t|"
_MAX_JOINED_LINES = 100
_REPEATED = 0.1
"""Share of the lines that may repeat a heading; a dictionary has the word `English` too."""
_GENERIC = frozenset({"foreign", "target", "non_english", "translation"})


def read_delimited(path: Path, selection: Selection) -> Iterator[RawPair]:
    """Read two columns of a table: those that the user named, or those that the headings name, or the only two.

    A first line of language codes or names is a heading, in any order. Quotes are literal in TSV, except in a
    file that a spreadsheet has written (its quotes inside quotes are doubled). In CSV, quotes enclose a field.

    Args:
        path: the file, plain or compressed.
        selection: what to take.

    Yields:
        Each pair; a blank line gives two empty sides.

    Raises:
        DataError: nothing says which columns to read, or a line has another number of columns and the report is
            strict.
        SettingsError: a score is needed, and no column is one.
    """
    report = selection.report
    lines = read_lines(path, skipped=report)
    head_lines = list(islice(lines, N_SAMPLED))
    is_csv = Path(plain_name(path)).suffix.lower() == ".csv"
    separator = _separator(head_lines) if is_csv else "\t"
    if head_lines and head_lines[0][1].lower() == f"sep={separator}":
        head_lines.pop(0)  # a note of Excel
    all_lines = chain(head_lines, lines)
    if is_csv or _is_quoted_by_spreadsheet(head_lines):
        rows = _quoted_rows(all_lines, separator, path, report)
    else:
        rows = ((number, line.split("\t") if line.strip() else []) for number, line in all_lines)
    head = list(islice(rows, N_SAMPLED))
    places, n_columns, has_heading = _layout([row for _, row in head if row], path, selection)

    def pair(row: Row) -> tuple[str, str, float | None]:
        if not any(field.strip() for field in row):
            return "", "", None
        if len(row) != n_columns:
            raise MalformedRecordError(_wrong_number(row, n_columns, separator))
        english, foreign, score = places
        return row[english], row[foreign], None if score is None else parse_score(row[score], str(score + 1))

    body: Iterator[tuple[int, Row]] = chain(head, rows)
    if has_heading:
        body = _after_heading(body)
    for number, (english, foreign, score) in parse_records(body, pair, path, report):
        yield RawPair(number, english, foreign, score)


def _after_heading(rows: Iterable[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
    is_past = False
    for number, row in rows:
        if is_past:
            yield number, row
        is_past |= bool(row)


def _layout(rows: list[Row], path: Path, selection: Selection) -> tuple[Places, int, bool]:
    """The places to read, the number of columns, and whether the first line is a heading."""
    if not rows:
        return (0, 1, None), 2, False
    first, asked = rows[0], selection.columns
    numbers = [place for place in (asked.english, asked.foreign, asked.score) if place is not None]
    if numbers and all(place.isdecimal() for place in numbers):
        return _numbered(rows, path, selection)
    samples = ColumnSamples(dict(zip(first, row, strict=False)) for row in rows[1:])
    try:
        names = [name for place, name in enumerate(first) if not _is_repeated(rows, place)]
        is_heading = _is_heading(names, selection)
        sides = find_sides(first, samples, selection) if numbers or is_heading else None
    except (MissingSideError, DataError) as error:
        raise DataError(f"{path}:1: {error} (heading {shown(' '.join(first), 100)})") from None
    if sides is None:
        if selection.needs_score:
            raise SettingsError(f"{path}: say which column is the score, as in {_suggestion(rows)}")
        counts = {len(row) for row in rows}
        if len(counts) == 1 and len(first) > 2 and "\r" not in "".join(first):
            raise DataError(
                f"{path}:1: expected 2 columns, english<TAB>foreign, found {len(first)} in "
                f"{shown(chr(9).join(first))}: name those to read, as in {_suggestion(rows)}"
            )
        return (0, 1, None), 2, False
    for name in (sides.english, sides.foreign):
        if first.count(name) > 1:
            raise DataError(f"{path}:1: the heading {name!r} occurs twice: name columns by number")
    if selection.needs_score and sides.score is None:
        raise SettingsError(f"{path}: no column of scores: name it with --columns score=N")
    score = None if sides.score is None else first.index(sides.score)
    return (first.index(sides.english), first.index(sides.foreign), score), len(first), True


def _numbered(rows: list[Row], path: Path, selection: Selection) -> tuple[Places, int, bool]:
    """The layout by the numbers that the user gave."""
    asked, first = selection.columns, rows[0]
    english = int(asked.english or (2 if asked.foreign == "1" else 1)) - 1
    foreign = int(asked.foreign or (1 if english == 1 else 2)) - 1
    score = None if asked.score is None else int(asked.score) - 1
    n_columns = max(map(len, rows)) if len({len(row) for row in rows[:5]}) > 1 else len(first)
    if max(english, foreign, score or 0) >= n_columns:
        raise DataError(
            f"{path}:1: found {n_columns} columns in {shown(chr(9).join(first))}, fewer than asked"
        )
    if selection.needs_score and score is None:
        raise SettingsError(f"{path}: no column of scores: name it with --columns score=N")
    is_heading = score is not None and len(rows) > 1 and not is_number(first[score])
    is_heading |= _is_heading([first[english], first[foreign]], selection)
    return (english, foreign, score), n_columns, is_heading


def _is_repeated(rows: list[Row], place: int) -> bool:
    """Whether the first field of a column comes again below: it holds codes, and no heading or sentences."""
    first, *below = rows
    again = sum(row[place : place + 1] == first[place : place + 1] for row in below)
    return again > _REPEATED * len(below)


def _is_heading(fields: Row, selection: Selection) -> bool:
    """Whether a first line is a heading, such as `en<TAB>hau` or `Yoruba<TAB>English`, and no pair."""
    names = [field.strip() for field in fields]
    plain = [name.casefold() for name in names]
    if any(source in plain and target in plain for source, target in (("source", "target"), ("src", "tgt"))):
        return True
    # a language by a name that no table has, such as Kiswahili; English before it may be a word of a dictionary
    if len(names) == 2 and plain[1] == "english" and not language_of_heading(names[0]):
        return True
    english = [name for name in names if known_code(language_of_heading(name) or "") == "eng"]
    if not english:
        return False
    others = [name for name in names if name not in english]
    for name in others:
        tag = language_of_heading(name)
        is_asked = bool(tag) and known_code(tag or "") == selection.code
        if is_asked or name.casefold() in _GENERIC or known_code(name):
            return True
    return False


def _suggestion(rows: list[Row]) -> str:
    """The option that would probably read a table without headings."""
    n_columns = max(map(len, rows))
    samples = ColumnSamples({str(at): field for at, field in enumerate(row, start=1)} for row in rows)
    places = [str(at) for at in range(1, n_columns + 1)]
    texts = [place for place in places if samples.has_text(place) and not _is_repeated(rows, int(place) - 1)][
        :2
    ]
    if len(texts) < 2:
        return "--columns english=2,foreign=4"
    english, foreign = sorted(texts, key=lambda place: -english_share(samples.texts(place)))
    scores = [place for place in places if samples.has_numbers(place) and _has_point(samples, place)]
    score = f",score={scores[0]}" if len(scores) == 1 else ""
    return f"--columns english={english},foreign={foreign}{score}"


def _has_point(samples: ColumnSamples, place: str) -> bool:
    """Whether the numbers of a column are scores and not identifiers."""
    return all("." in text for text in samples.texts(place))


def _wrong_number(row: Row, n_columns: int, separator: str) -> str:
    text = separator.join(row)
    hint = "; there are carriage returns inside it: convert old line ends to LF" if "\r" in text else ""
    names = ", english<TAB>foreign," if n_columns == 2 else ","
    return f"expected {n_columns} columns{names} found {len(row)} in {shown(text)}{hint}"


def _separator(lines: list[tuple[int, str]]) -> str:
    """The separator of a CSV file: the one that gives most lines the same number of columns, above one."""

    def agreement(separator: str) -> tuple[int, int]:
        counts = [len(row) for _, row in _quoted_rows(iter(lines), separator, Path(), SkipReport())]
        usual = max(set(counts), key=counts.count, default=1)
        return (counts.count(usual) if usual > 1 else 0), usual

    return max(_CSV_SEPARATORS, key=agreement)


def _is_quoted_by_spreadsheet(lines: list[tuple[int, str]]) -> bool:
    """Whether all quotes are those of a spreadsheet, and some are doubled inside a field: it is no chance then."""
    has_doubled = False
    for _, line in lines:
        if line.startswith('"') or '\t"' in line:
            try:
                row = next(csv.reader([line], delimiter="\t", strict=True), [])
            except csv.Error as error:
                if "unexpected end" not in str(error):  # the field may continue on the next line
                    return False
            else:
                has_doubled |= any('"' in field for field in row)
    return has_doubled


def _quoted_rows(
    lines: Iterator[tuple[int, str]], separator: str, path: Path, report: SkipReport
) -> Iterator[tuple[int, Row]]:
    """Yield line number and fields. A field in quotes may continue on up to 100 lines."""
    waiting: list[tuple[int, str]] = []  # lines of the record so far
    again: deque[tuple[int, str]] = deque()  # lines after one whose quote does not end
    while numbered := again.popleft() if again else next(lines, None):
        waiting.append(numbered)
        try:
            row = next(
                csv.reader(["\n".join(line for _, line in waiting)], delimiter=separator, strict=True), []
            )
        except csv.Error as error:
            if "unexpected end" in str(error) and len(waiting) < _MAX_JOINED_LINES:
                if again:
                    continue
                if more := next(lines, None):
                    again.append(more)
                    continue
            _refuse(waiting[0], str(error), path, report)
            again.extendleft(reversed(waiting[1:]))
        else:
            yield waiting[0][0], row
        waiting = []


def _refuse(numbered: tuple[int, str], reason: str, path: Path, report: SkipReport) -> None:
    number, line = numbered
    report.malformed(path, number, f"broken quotes ({reason}) in {shown(line)}")
