"""Bitext in two files (Moses, OPUS): line n of one translates line n of the other."""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from opticlir.data.bitext.sides import RawPair, code_or_none
from opticlir.data.skipping import SkipReport
from opticlir.data.text_files import read_lines
from opticlir.errors import DataError, SettingsError


def is_moses(path: Path) -> bool:
    """Whether a path is a Moses pair: `english.txt,foreign.txt`, `PREFIX` or `PREFIX.sw`."""
    if "," in str(path) and not path.exists():
        return True
    return any("eng" in _siblings(prefix) for prefix in _prefixes(path))


def read_moses(path: Path, language: str | None, report: SkipReport) -> Iterator[RawPair]:
    """Read two line-aligned files.

    Args:
        path: `ENGLISH,FOREIGN`, two paths joined by a comma (the second can be a bare name in the folder of
            the first); or `PREFIX`, for `PREFIX.en` and `PREFIX.sw` with any form of the codes; or one of
            those two files.
        language: ISO 639-3 code of the foreign side; None if `PREFIX` has only one other language.
        report: a strict one stops at a malformed line.

    Yields:
        Line number, English side, foreign side.

    Raises:
        DataError: the pair is missing or ambiguous, a line is malformed and the report is strict, or one file
            is longer than the other.
        SettingsError: the path has more than one comma.
    """
    english_path, foreign_path = moses_files(path, language)
    english_lines = _every_line(english_path, report)
    foreign_lines = _every_line(foreign_path, report)
    for english_line, foreign_line in zip_longest(english_lines, foreign_lines):
        if english_line is None or foreign_line is None:
            paths = (english_path, foreign_path)
            short, long = paths if english_line is None else reversed(paths)
            number, _ = english_line or foreign_line or (0, None)
            raise DataError(
                f"{short}:{number}: the file ends before this line and {long} continues: "
                "they are not translations of each other line by line"
            )
        (number, english), (_, foreign) = english_line, foreign_line
        if english is not None and foreign is not None:
            yield number, english, foreign


def moses_files(path: Path, language: str | None) -> tuple[Path, Path]:
    """Return the English and the foreign file of a Moses pair; arguments and errors as in `read_moses`."""
    return _split(path) if "," in str(path) and not path.exists() else _find(path, language)


def _every_line(path: Path, report: SkipReport) -> Iterator[tuple[int, str | None]]:
    """Yield the numbered lines of a file, with None for a skipped line, so that the files stay aligned."""
    last = 0
    for number, line in read_lines(path, skipped=report):
        yield from ((skipped, None) for skipped in range(last + 1, number))
        last = number
        yield number, line


def _split(path: Path) -> tuple[Path, Path]:
    english, _, foreign = str(path).partition(",")
    if not english or not foreign or "," in foreign:
        raise SettingsError(f"{path}: expected two paths joined by one comma, english.txt,foreign.txt")
    neighbour = Path(english).parent / foreign
    return Path(english), Path(foreign) if Path(foreign).exists() or not neighbour.exists() else neighbour


def _find(path: Path, language: str | None) -> tuple[Path, Path]:
    prefix = next(prefix for prefix in _prefixes(path) if "eng" in _siblings(prefix))
    siblings = _siblings(prefix)
    english_path = siblings.pop("eng")
    own = (
        code_or_none(Path(path.name.removesuffix(".gz")).suffix.removeprefix(".")) if path.is_file() else None
    )
    if language is None and own in siblings:
        language = own
    if language is None and len(siblings) == 1:
        return english_path, next(iter(siblings.values()))
    if language in siblings:
        return english_path, siblings[language]
    there = ", ".join(sorted(sibling.name for sibling in siblings.values())) or "nothing else"
    wanted = "name the foreign one with --language" if language is None else f"none of them is {language!r}"
    raise DataError(f"{path}: found {english_path.name} and {there}; {wanted}")


def _prefixes(path: Path) -> Iterator[Path]:
    """Yield the possible prefixes: the path itself, and the path without its language code."""
    yield path
    bare = path.with_name(path.name.removesuffix(".gz"))
    if code_or_none(bare.suffix.removeprefix(".")):
        yield bare.with_suffix("")


def _siblings(prefix: Path) -> dict[str, Path]:
    """Files `PREFIX.<code>` or `PREFIX.<code>.gz` by ISO 639-3 code."""
    if not prefix.parent.is_dir() or not prefix.name:
        return {}
    found: dict[str, Path] = {}
    for candidate in sorted(prefix.parent.iterdir()):
        ending = candidate.name.removesuffix(".gz").removeprefix(f"{prefix.name}.")
        if (
            ending != candidate.name.removesuffix(".gz")
            and "." not in ending
            and (code := code_or_none(ending))
        ):
            found.setdefault(code, candidate)
    return found
