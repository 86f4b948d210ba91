"""Files inside zip archives. Their path is that of the archive with their name behind: `en-sw.zip/OPUS.en-sw.en`."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path, PurePosixPath
from typing import cast

from opticlir.data.compression import MAX_RATIO
from opticlir.errors import DataError

_OFFICE_MEMBERS = {"[Content_Types].xml", "mimetype"}
_MAX_MEMBERS = 10_000
_UNCHECKED_BYTES = 1 << 26  # no ratio is checked below this size


def is_archive(path: Path) -> bool:
    """Whether a path is a zip archive."""
    return path.is_file() and zipfile.is_zipfile(path)


def archive_of(path: Path) -> Path | None:
    """Return the archive that a path leads into; None if it leads into none."""
    if path.exists():
        return None
    parent = next((each for each in path.parents if each.exists()), None)
    return parent if parent is not None and is_archive(parent) else None


def member_paths(path: Path) -> list[Path]:
    """Return the paths of the files in an archive, sorted.

    Raises:
        DataError: the archive is damaged, holds more than 10,000 files, or is an office document.
    """
    with _opened(path) as archive:
        names = [info.filename for info in archive.infolist() if not info.is_dir()]
    if _OFFICE_MEMBERS.intersection(names):
        raise DataError(f"{path}: this looks like an office document: export it as UTF-8 text")
    if len(names) > _MAX_MEMBERS:
        raise DataError(f"{path}: {len(names)} files in it, more than {_MAX_MEMBERS}: unpack it")
    return sorted(path / name for name in names if _is_inside(name))


@contextmanager
def opened_member(path: Path, archive_path: Path) -> Iterator[BufferedIOBase]:
    """Open a file inside an archive.

    Args:
        path: its path, as `member_paths` gives it.
        archive_path: the archive.

    Raises:
        DataError: there is no such file, it is encrypted, or the archive is damaged.
    """
    name = path.relative_to(archive_path).as_posix()
    try:
        with _opened(archive_path) as archive:
            info = archive.getinfo(name)
            if info.file_size > max(_UNCHECKED_BYTES, MAX_RATIO * info.compress_size):
                raise DataError(
                    f"{path}: {info.compress_size} compressed bytes become {info.file_size}: this looks like a "
                    "zip bomb; unpack it yourself if you trust it"
                )
            with archive.open(info) as member:
                yield cast("BufferedIOBase", member)
    except KeyError:
        raise DataError(f"{path}: no such file in the archive") from None
    except (RuntimeError, NotImplementedError) as error:
        raise DataError(f"{path}: cannot be unpacked: {error}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataError(f"{path}: damaged zip archive ({error}): fetch it again") from None


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise DataError(f"{path}: damaged zip archive ({error}): fetch it again") from None
    with archive:
        yield archive


def _is_inside(name: str) -> bool:
    """Whether a name leads to a file below the archive, and is no rubbish of a file manager."""
    parts = PurePosixPath(name).parts
    return not name.startswith("/") and ".." not in parts and "__MACOSX" not in parts and "\\" not in name
