"""Bitext as gettext catalogues: `msgid` is English, `msgstr` its translation."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from opticlir.data.bitext.sides import RawPair
from opticlir.data.skipping import MalformedRecordError, SkipReport
from opticlir.data.text_files import read_lines
from opticlir.data.visible import shown
from opticlir.errors import DataError

_KEYWORD = re.compile(r'(msgctxt|msgid_plural|msgid|msgstr(?:\[\d{1,2}\])?)\s*(".*")\Z', re.DOTALL)
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"\Z', re.DOTALL)
_ESCAPE = re.compile(r"\\([0-7]{1,3}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", '"': '"', "\\": "\\"}


@dataclass
class _Entry:
    line: int = 0
    is_fuzzy: bool = False
    strings: dict[str, str] = field(default_factory=dict)
    keyword: str | None = None
    """The keyword that continuation lines belong to."""


def read_po(path: Path, language: str | None, report: SkipReport) -> Iterator[RawPair]:  # noqa: ARG001
    """Read the translated entries of a catalogue, in file order.

    The header and obsolete entries (`#~`) are ignored. Entries marked fuzzy, which no translator confirmed, are
    dropped and counted. The singular goes with the first plural form, the plural with the last.

    Args:
        path: the catalogue, plain or gzipped.
        language: not used, since a catalogue has one language.
        report: a strict one stops at a malformed line.

    Yields:
        Line number of the entry, `msgid`, `msgstr`; an untranslated entry gives an empty side.

    Raises:
        DataError: a line is malformed and the report is strict.
    """
    for entry in _entries(path, report):
        is_header = entry.strings.get("msgid") == "" and "msgctxt" not in entry.strings
        if is_header or "msgid" not in entry.strings:
            continue
        if entry.is_fuzzy:
            report.drop("marked fuzzy", f"{path}:{entry.line}")
            continue
        for english, foreign in _pairs(entry.strings):
            yield entry.line, english, foreign


def _pairs(strings: dict[str, str]) -> Iterator[tuple[str, str]]:
    forms = [text for keyword, text in sorted(strings.items()) if keyword.startswith("msgstr")]
    if "msgid_plural" not in strings:
        yield strings["msgid"], forms[0] if forms else ""
        return
    if len(forms) > 1:
        yield strings["msgid"], forms[0]
    yield strings["msgid_plural"], forms[-1] if forms else ""


def _entries(path: Path, report: SkipReport) -> Iterator[_Entry]:
    entry = _Entry()
    for number, line in read_lines(path, skipped=report):
        text = line.strip()
        if _begins_entry(text, entry):
            yield entry
            entry = _Entry()
        try:
            _take(text, number, entry)
        except MalformedRecordError as error:
            report.malformed(DataError(f"{path}:{number}: {error}"))
            entry.strings.clear()  # half an entry is not used
            entry.keyword = None
    if entry.strings:
        yield entry


def _begins_entry(text: str, entry: _Entry) -> bool:
    """Whether a line begins a new entry."""
    has_translation = any(keyword.startswith("msgstr") for keyword in entry.strings)
    return has_translation and not text.startswith(('"', "msgstr"))


def _take(text: str, number: int, entry: _Entry) -> None:
    """Add one line to an entry."""
    if not text or text.startswith("#"):
        entry.is_fuzzy |= text.startswith("#,") and "fuzzy" in text
        entry.keyword = None
        return
    if text.startswith('"'):
        if entry.keyword is None:
            raise MalformedRecordError(f"a string without msgid or msgstr before it: {shown(text)}")
        entry.strings[entry.keyword] += _unquoted(text)
        return
    found = _KEYWORD.match(text)
    if not found:
        raise MalformedRecordError(f'expected msgid "..." or msgstr "...", found {shown(text)}')
    keyword, string = found.groups()
    if keyword in entry.strings:
        raise MalformedRecordError(f"{keyword} occurs twice in the entry that begins at line {entry.line}")
    entry.line = entry.line or number
    entry.keyword = keyword
    entry.strings[keyword] = _unquoted(string)


def _unquoted(text: str) -> str:
    found = _STRING.match(text)
    if not found:
        raise MalformedRecordError(f"the string does not end with one unescaped quote: {shown(text)}")
    return _ESCAPE.sub(_unescaped, found[1])


def _unescaped(escape: re.Match[str]) -> str:
    code = escape[1]
    if code in _ESCAPES:
        return _ESCAPES[code]
    if code[0] in "01234567":
        return chr(int(code, 8))
    if code[0] == "x" and len(code) == 3:
        return chr(int(code[1:], 16))
    raise MalformedRecordError(f"unknown escape {shown(escape[0])}")
