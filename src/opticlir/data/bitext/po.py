"""Bitext as gettext catalogues: `msgid` is English, `msgstr` its translation."""

import gettext
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from opticlir.data.bitext.sides import RawPair, Selection
from opticlir.data.skipping import MalformedRecordError, SkipReport
from opticlir.data.text_files import read_lines
from opticlir.visible import shown

_KEYWORD = re.compile(r'(msgctxt|msgid_plural|msgid|msgstr(?:\[\d{1,2}\])?)\s*(".*")\Z', re.DOTALL)
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"\Z', re.DOTALL)
_ESCAPE = re.compile(r"\\([0-7]{1,3}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_PLURAL_RULE = re.compile(r"^Plural-Forms:[^\n]*?\bplural\s*=([^;\n]+)", re.MULTILINE | re.IGNORECASE)
_LARGE_NUMBER = 1000
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", '"': '"', "\\": "\\"}


@dataclass
class _Entry:
    line: int = 0
    is_fuzzy: bool = False
    strings: dict[str, str] = field(default_factory=dict)
    keyword: str | None = None
    """The keyword that continuation lines belong to."""


def read_po(path: Path, selection: Selection) -> Iterator[RawPair]:
    """Read the translated entries of a catalogue, in file order.

    The header and obsolete entries (`#~`) are ignored. Entries marked fuzzy, which no translator confirmed, are
    dropped and counted. The singular goes with the form for 1, the plural with the form for a large number, by
    the rule in the header (`Plural-Forms`). Without a rule, of two forms the first is for 1.

    Args:
        path: the catalogue, plain or compressed.
        selection: its report stops at a malformed line if it is strict. The language is not used, since a
            catalogue has one.

    Yields:
        Each pair with the line of its entry; an untranslated entry gives an empty side.

    Raises:
        DataError: a line or the plural rule is malformed and the report is strict.
    """
    report = selection.report
    rule: Callable[[int], int] | None = None
    for entry in _entries(path, report):
        if entry.strings.get("msgid") == "" and "msgctxt" not in entry.strings:
            try:
                rule = _plural_rule(entry.strings.get("msgstr", ""))
            except MalformedRecordError as error:
                report.malformed(path, entry.line, str(error))
            continue
        if "msgid" not in entry.strings:
            continue
        if entry.is_fuzzy:
            report.drop("marked fuzzy", f"{path}:{entry.line}")
            continue
        for english, foreign in _pairs(entry.strings, rule):
            if foreign is None:
                report.drop("with plural forms and no rule for them", f"{path}:{entry.line}")
            else:
                yield RawPair(entry.line, english, foreign)


def _plural_rule(header: str) -> Callable[[int], int] | None:
    """The form for each number, by the header of a catalogue; None if it gives no rule."""
    found = _PLURAL_RULE.search(header)
    if not found:
        return None
    try:
        rule: Callable[[int], int] = gettext.c2py(found[1].strip())
        rule(1), rule(_LARGE_NUMBER)
    except (ValueError, OverflowError, ZeroDivisionError, RecursionError) as error:
        raise MalformedRecordError(f"the rule in Plural-Forms cannot be used: {error}") from None
    return rule


def _pairs(strings: dict[str, str], rule: Callable[[int], int] | None) -> Iterator[tuple[str, str | None]]:
    """The singular and the plural with their translations; None where no rule says which form it is."""
    if "msgid_plural" not in strings:
        yield strings["msgid"], strings.get("msgstr", strings.get("msgstr[0]", ""))
        return
    forms = {int(key[7:-1]): text for key, text in strings.items() if key.startswith("msgstr[")}
    if rule:
        one, many = rule(1), rule(_LARGE_NUMBER)
    elif len(forms) <= 2:
        one, many = 0, max(forms, default=0)
    else:
        yield strings["msgid"], None
        return
    if one != many:
        yield strings["msgid"], forms.get(one, "")
    yield strings["msgid_plural"], forms.get(many, "")


def _entries(path: Path, report: SkipReport) -> Iterator[_Entry]:
    entry = _Entry()
    for number, line in read_lines(path, skipped=report):
        text = line.strip()
        if _begins_entry(text, entry):
            yield from _finished(entry, path, report)
            entry = _Entry()
        try:
            _take(text, number, entry)
        except MalformedRecordError as error:
            report.malformed(path, number, str(error))
            entry.strings.clear()  # half an entry is not used
            entry.keyword = None
    if entry.strings:
        yield from _finished(entry, path, report)


def _finished(entry: _Entry, path: Path, report: SkipReport) -> Iterator[_Entry]:
    """The entry, with the bytes that were written as escapes decoded; nothing if they are not UTF-8."""
    try:
        for keyword, text in entry.strings.items():
            entry.strings[keyword] = text.encode("utf-8", "surrogateescape").decode()
    except UnicodeDecodeError as error:
        reason = f"the escapes in this entry are not UTF-8 ({error.reason})"
        report.malformed(path, entry.line, reason)
    except UnicodeEncodeError:  # half of a surrogate pair, which the reader of pairs refuses
        yield entry
    else:
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
    if code[0] in "01234567" and int(code, 8) < 256:
        return _byte(int(code, 8))
    if code[0] == "x" and len(code) == 3:
        return _byte(int(code[1:], 16))
    raise MalformedRecordError(f"unknown escape {shown(escape[0])}")


def _byte(value: int) -> str:
    """A byte as a character; those of longer UTF-8 sequences wait until their string is whole."""
    return chr(value) if value < 128 else chr(0xDC00 + value)
