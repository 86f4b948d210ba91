"""Finds the bitext that a path leads to: a file, the two of a Moses pair, a folder of shards, a zip archive."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

from opticlir.data.archives import archive_of, is_archive, member_paths
from opticlir.data.bitext.columnar import read_columnar
from opticlir.data.bitext.delimited import read_delimited
from opticlir.data.bitext.json_records import read_json_bitext
from opticlir.data.bitext.moses import is_moses, moses_files, moses_prefixes, read_moses
from opticlir.data.bitext.po import read_po
from opticlir.data.bitext.sides import RawPair, Selection
from opticlir.data.bitext.tmx import read_tmx
from opticlir.data.bitext.xliff import read_xliff
from opticlir.data.compression import plain_name
from opticlir.errors import DataError

Reader: TypeAlias = Callable[[Path, Selection], Iterator[RawPair]]

_READERS: dict[str, Reader] = {
    ".tsv": read_delimited, ".txt": read_delimited, ".csv": read_delimited,
    ".jsonl": read_json_bitext, ".json": read_json_bitext, ".ndjson": read_json_bitext,
    ".po": read_po, ".tmx": read_tmx,
    ".xliff": read_xliff, ".xlf": read_xliff,
    ".parquet": read_columnar, ".arrow": read_columnar, ".feather": read_columnar,
}  # fmt: skip
_SHARDS = {".parquet", ".arrow"}
_ABOUT = ("readme", "license", "licence", "info", "changes", "changelog")


def located(path: Path, selection: Selection) -> list[tuple[Path, Reader]]:
    """Return the files that a path leads to, each with its reader; a Moses pair counts as one.

    Args:
        path: as in `read_bitext`.
        selection: its language chooses among the files of an archive.

    Raises:
        DataError: the path leads to no bitext, or to several.
    """
    if is_archive(path):
        return [_in_archive(path, selection)]
    if path.is_dir() and not is_moses(path):
        return [(each, read_columnar) for each in _shards(path)]
    return [(path, _reader_of(path))]


def files_of(path: Path, selection: Selection) -> tuple[Path, ...]:
    """Return the files on disk that a path leads to: two for a Moses pair; arguments and errors as in `located`."""
    found: list[Path] = []
    for each, reader in located(path, selection):
        parts = moses_files(each, selection) if reader is read_moses else (each,)
        found.extend(archive_of(part) or part for part in parts)
    return tuple(dict.fromkeys(found))


def _reader_of(path: Path) -> Reader:
    reader = _READERS.get(_ending(path))
    if reader and (path.exists() or archive_of(path)):
        return reader
    if is_moses(path):
        return read_moses
    if reader:  # its error says that the file is missing
        return reader
    if not path.exists():
        raise DataError(f"{path}: no such file, and no Moses pair {path.name}.en with another {path.name}.*")
    raise DataError(
        f"{path}: the name has no known bitext format: expected {', '.join(sorted(_READERS))}, plain or compressed, "
        ".zip, or a Moses pair given as english.txt,foreign.txt"
    )


def _in_archive(path: Path, selection: Selection) -> tuple[Path, Reader]:
    """The one bitext in an archive."""
    members = member_paths(path)
    folders = {member.parent for member in members}
    prefixes = [prefix for folder in sorted(folders) for prefix in moses_prefixes(folder)]
    found: list[tuple[Path, Reader]] = [(prefix, read_moses) for prefix in prefixes]
    if not found:
        found = [
            (member, _READERS[_ending(member)])
            for member in members
            if _ending(member) in _READERS and not member.name.lower().startswith(_ABOUT)
        ]
    if len(found) > 1:
        named = [
            each for each in found if selection.language and selection.language in each[0].name.split(".")
        ]
        found = named if len(named) == 1 else found
    if len(found) == 1:
        return found[0]
    if not found:
        raise DataError(f"{path}: no bitext in the archive: it has {_listed(members, path)}")
    raise DataError(
        f"{path}: several bitexts in the archive: give one, as {found[0][0]}: {_listed([p for p, _ in found], path)}"
    )


def _listed(paths: list[Path], archive: Path) -> str:
    names = [each.relative_to(archive).as_posix() for each in paths[:8]]
    return ", ".join(names) + (" and more" if len(paths) > 8 else "") if names else "no files"


def _shards(folder: Path) -> list[Path]:
    """The tables in a folder that the datasets library has saved."""
    found = sorted(
        each for each in folder.iterdir() if each.suffix in _SHARDS and not each.name.startswith("cache-")
    )
    if not found:
        inner = sorted(each.name for each in folder.iterdir() if each.is_dir())
        hint = f": give one of its folders {', '.join(inner[:8])}" if inner else ""
        raise DataError(f"{folder}: no .parquet or .arrow file in this folder{hint}")
    return found


def _ending(path: Path) -> str:
    return Path(plain_name(path)).suffix.lower()
