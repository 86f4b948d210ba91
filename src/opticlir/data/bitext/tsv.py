"""Bitext as `english<TAB>foreign`, one pair per line. Quotes are literal."""

from collections.abc import Iterator
from pathlib import Path

from opticlir.data.bitext.sides import RawPair, code_or_none
from opticlir.data.skipping import MalformedRecordError, SkipReport, parse_records
from opticlir.data.text_files import read_lines
from opticlir.data.visible import shown
from opticlir.languages import language_name


def read_tsv(path: Path, language: str | None, report: SkipReport) -> Iterator[RawPair]:
    """Read two tab-separated columns. A first line of language codes or names is a header.

    Args:
        path: the file, plain or gzipped.
        language: ISO 639-3 code of the second column; None if unknown.
        report: a strict one stops at a line without two columns.

    Yields:
        Line number, English side, foreign side; a blank line gives two empty sides.

    Raises:
        DataError: a line does not have two columns, and the report is strict.
    """
    lines = read_lines(path, skipped=report)
    for number, (english, foreign) in parse_records(lines, _two_columns, path, report):
        if number > 1 or not _is_header(english, foreign, language):
            yield number, english, foreign


def _two_columns(line: str) -> tuple[str, str]:
    if not line.strip():
        return "", ""
    columns = line.split("\t")
    if len(columns) != 2:
        hint = "; there are carriage returns inside it: convert old line ends to LF" if "\r" in line else ""
        raise MalformedRecordError(
            f"expected 2 columns, english<TAB>foreign, found {len(columns)} in {shown(line)}{hint}"
        )
    return columns[0], columns[1]


def _is_header(english: str, foreign: str, language: str | None) -> bool:
    """Whether a line is a header, such as `en<TAB>hau` or `English<TAB>Yoruba`, and not a sentence pair."""
    if english.strip().casefold() not in {"en", "eng", "english"}:
        return False
    name = foreign.strip().casefold()
    if name in {"foreign", "target"} or (language and name == language_name(language).casefold()):
        return True
    return len(name) <= 3 and code_or_none(name) is not None
