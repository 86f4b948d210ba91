"""Bilingual dictionaries: English words and their translations."""

from collections.abc import Container, Iterator, Sequence
from pathlib import Path

from opticlir.data.english import EnglishSide
from opticlir.data.normalisation import normalise_typed
from opticlir.data.skipping import MalformedRecordError, SkipReport, parse_records
from opticlir.data.text_files import read_lines
from opticlir.errors import DataError, SettingsError
from opticlir.languages import code_of_name, language_code, language_name
from opticlir.records import SentencePair
from opticlir.visible import shown

LONGEST_ENTRY = 4
"""Words of the longest entry that `longest_entry` looks up."""


def longest_entry(words: Sequence[str], entries: Container[tuple[str, ...]]) -> int:
    """Return the number of words of the longest entry that a text begins with, at most four; 0 if there is none.

    Args:
        words: words of a text.
        entries: words of each entry of a dictionary.

    Example:
        >>> longest_entry(["maji", "safi", "sana"], {("maji",), ("maji", "safi")})
        2
    """
    lengths = range(min(LONGEST_ENTRY, len(words)), 0, -1)
    return next((length for length in lengths if tuple(words[:length]) in entries), 0)


def dictionary_pairs(
    path: Path, *, weight: float = 1.0, language: str = "", skipped: SkipReport | None = None
) -> Iterator[SentencePair]:
    """Read the entries of a dictionary as pairs to train on, in their normal form; see `read_dictionary`.

    Args:
        path: the file.
        weight: of each entry.
        language: of each entry; see `SentencePair.language`.
        skipped: None refuses a malformed line; a lenient report skips and counts it.

    Raises:
        DataError: as `read_dictionary`, or a text is no valid Unicode.
    """
    for english, foreign in read_dictionary(path, skipped=skipped):
        yield SentencePair(normalise_typed(english), normalise_typed(foreign), weight, language)


def read_dictionary(path: Path, *, skipped: SkipReport | None = None) -> Iterator[tuple[str, str]]:
    """Read `english<TAB>foreign` lines. In a line without a tab, as in MUSE, a space separates the two.

    A foreign side with several translations, separated by commas, gives one entry for each. Further columns, such
    as the part of speech or a score, are ignored. A first line that names the languages is no entry: it gives the
    order of the columns (`sw<TAB>en`). Without it, the usual English words must not be in the second column.

    Args:
        path: the file.
        skipped: None refuses a malformed line; a lenient report skips and counts it.

    Yields:
        English and foreign side of each entry, in file order.

    Raises:
        DataError: a line has only one side, the file has no entry, or its columns are the other way round.
    """
    report = SkipReport.of(skipped)
    lines = ((number, line) for number, line in read_lines(path, skipped=report) if line.strip())
    entries = [sides for _, sides in parse_records(lines, _sides, path, report)]
    heading = [_language(name) for name in entries[0]] if entries else []
    if all(heading) and "eng" in heading:
        entries = [sides if heading[0] == "eng" else sides[::-1] for sides in entries[1:]]
    elif _looks_swapped(entries):
        raise DataError(
            f"{path}: its second column is English and the first one is not: put English first, or begin the file "
            "with a line that names the languages, such as sw<TAB>en"
        )
    found = [
        (english, alternative.strip())
        for english, foreign in entries
        for alternative in foreign.split(",")
        if alternative.strip()
    ]
    if not found:
        raise DataError(f"{path}: no dictionary entry in it")
    yield from found


def _sides(line: str) -> tuple[str, str]:
    """The first two columns of a line."""
    columns = line.split("\t") if "\t" in line else line.split(" ", maxsplit=1)
    if len(columns) < 2 or not columns[0].strip() or not columns[1].strip():
        raise MalformedRecordError(f"expected ENGLISH<TAB>FOREIGN, found {shown(line.strip())}")
    return columns[0].strip(), columns[1].strip()


def _looks_swapped(entries: Sequence[tuple[str, str]]) -> bool:
    sides = EnglishSide(len(entries))
    for first, second in entries:
        sides.add(first, second)
    return sides.looks_swapped


def _language(heading: str) -> str:
    """The code of the language that a heading names; empty if it names none."""
    try:
        code = language_code(heading)
    except SettingsError:
        code = ""
    return code if code and language_name(code) != code else code_of_name(heading.strip())
