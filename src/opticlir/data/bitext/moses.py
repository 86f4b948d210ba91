"""Bitext in two files (Moses, OPUS): line n of one translates line n of the other."""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from opticlir.data.archives import archive_of, is_archive, member_paths
from opticlir.data.bitext.samples import parse_score
from opticlir.data.bitext.sides import AmbiguousSideError, MissingSideError, RawPair, Selection, choose_sides
from opticlir.data.compression import COMPRESSED_ENDINGS, plain_name
from opticlir.data.skipping import MalformedRecordError, SkipReport
from opticlir.data.text_files import read_lines
from opticlir.errors import DataError, SettingsError
from opticlir.languages import known_code

_COMPANIONS = {"ids", "scores", "xml"}  # files that OPUS puts beside the two, by endings that are codes too


def is_moses(path: Path) -> bool:
    """Whether a path is a Moses pair: `english.txt,foreign.txt`, `PREFIX` or `PREFIX.sw`."""
    if "," in str(path) and not path.exists():
        return True
    return any(_has_english(prefix) for prefix in _prefixes(path))


def read_moses(path: Path, selection: Selection) -> Iterator[RawPair]:
    """Read two line-aligned files.

    Args:
        path: `ENGLISH,FOREIGN`, two paths joined by a comma (the second can be a bare name in the folder of
            the first); or `PREFIX`, for `PREFIX.en` and `PREFIX.sw` with any form of the codes; or one of
            those two files. If scores are needed, they are in `PREFIX.scores`, one a line.
        selection: what to take. Its language can be None if `PREFIX` has only one other language.

    Yields:
        Each pair with its line.

    Raises:
        DataError: the pair is missing or ambiguous, a line is malformed and the report is strict, or one file
            is longer than the other.
        SettingsError: the path has more than one comma, or scores are needed and there are none.
    """
    paths = list(moses_files(path, selection))
    if selection.needs_score:
        paths.append(_score_file(paths[0]))
    sides = [_every_line(each, selection.report) for each in paths]
    for rows in zip_longest(*sides):
        if None in rows:
            short, long = (
                paths[rows.index(None)],
                next(each for each, row in zip(paths, rows, strict=True) if row),
            )
            number = next(row[0] for row in rows if row)
            raise DataError(
                f"{short}:{number}: the file ends before this line and {long} continues: "
                "they are not translations of each other line by line"
            )
        number = rows[0][0]
        english, foreign, *score = (text for _, text in rows)
        if english is None or foreign is None or None in score:
            continue
        try:
            yield RawPair(number, english, foreign, *(parse_score(text, "scores") for text in score))
        except MalformedRecordError as error:
            selection.report.malformed(paths[-1], number, str(error))


def _score_file(english: Path) -> Path:
    """The scores that belong to the English file."""
    prefix = english.parent / Path(plain_name(english)).stem
    for ending in ("", *COMPRESSED_ENDINGS):
        path = prefix.with_name(f"{prefix.name}.scores{ending}")
        if path in _neighbours(english.parent):
            return path
    raise SettingsError(f"{english}: no scores: expected a file {prefix.name}.scores with one number a line")


def moses_files(path: Path, selection: Selection) -> tuple[Path, Path]:
    """Return the English and the foreign file of a Moses pair; arguments and errors as in `read_moses`."""
    return _split(path) if "," in str(path) and not path.exists() else _find(path, selection)


def moses_prefixes(folder: Path) -> list[Path]:
    """Return the prefixes of all Moses pairs in a folder, or in a folder of an archive."""
    endings = ((each, _ending(each)) for each in _neighbours(folder))
    return [
        each.with_name(plain_name(each).removesuffix(f".{ending}"))
        for each, ending in endings
        if ending and known_code(ending) == "eng"
    ]


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


def _find(path: Path, selection: Selection) -> tuple[Path, Path]:
    prefix = next(prefix for prefix in _prefixes(path) if _has_english(prefix))
    siblings = _siblings(prefix)
    own = _ending(path) if path.is_file() or archive_of(path) else None
    language = selection.language
    if language is None and own and known_code(own) != "eng":
        language = own
    try:
        english, foreign = choose_sides(list(siblings), language, selection.report)
    except MissingSideError:
        first = next(name for name in siblings if known_code(name) == "eng")
        others = (each.name for name, each in siblings.items() if known_code(name) != "eng")
        there = ", ".join(sorted(others)) or "nothing else"
        wanted = (
            "name the foreign one with --language"
            if language is None
            else f"none of them is {selection.code!r}"
        )
        raise DataError(f"{path}: found {siblings[first].name} and {there}; {wanted}") from None
    except AmbiguousSideError:
        names = ", ".join(sorted(each.name for each in siblings.values()))
        raise DataError(
            f"{path}: two of {names} are the same language: give the two files, joined by a comma"
        ) from None
    return siblings[english], siblings[foreign]


def _prefixes(path: Path) -> Iterator[Path]:
    """Yield the possible prefixes: the path itself, and the path without its language code."""
    yield path
    ending = _ending(path)
    if ending and known_code(ending):
        yield path.with_name(plain_name(path).removesuffix(f".{ending}"))


def _has_english(prefix: Path) -> bool:
    return any(known_code(name) == "eng" for name in _siblings(prefix))


def _ending(path: Path) -> str:
    """What follows the last dot of a name, without the ending of a compression."""
    return Path(plain_name(path)).suffix.removeprefix(".")


def _siblings(prefix: Path) -> dict[str, Path]:
    """Files `PREFIX.<code>`, plain or compressed, by the code as it is spelled."""
    if not prefix.name:
        return {}
    found: dict[str, Path] = {}
    for candidate in _neighbours(prefix.parent):
        name = plain_name(candidate)
        ending = name.removeprefix(f"{prefix.name}.")
        if ending != name and ending not in _COMPANIONS and known_code(ending):
            found.setdefault(ending, candidate)
    return found


def _neighbours(folder: Path) -> list[Path]:
    """The files of a folder or of an archive, sorted."""
    if is_archive(folder):
        return [each for each in member_paths(folder) if each.parent == folder]
    archive = archive_of(folder)
    if archive:
        return [each for each in member_paths(archive) if each.parent == folder]
    return sorted(folder.iterdir()) if folder.is_dir() else []
