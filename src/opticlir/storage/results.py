"""Files that a user names for a result: a regular file is replaced at once, a pipe or a device is written to."""

import errno
import os
import stat
import sys
from pathlib import Path

from opticlir.errors import ArtefactError
from opticlir.storage import filesystem
from opticlir.storage.files import write_bytes_atomically
from opticlir.storage.filesystem import refusals_named


def write_result(path: Path, content: str | bytes) -> None:
    """Write a result where the user wants it.

    A regular file is replaced as by `write_bytes_atomically`, also behind a link. A pipe, a device, and the output of
    this process (`/dev/stdout`) are written to.

    Args:
        path: named by the user.
        content: a text is written as UTF-8.

    Raises:
        ArtefactError: `path` is a folder, or the system refuses.
    """
    data = content.encode() if isinstance(content, str) else content
    check_result(path)
    if not path.exists():
        write_bytes_atomically(Path(os.path.realpath(path)), data)
        return
    own = _own_output(path)
    if own is None and path.is_file():
        write_bytes_atomically(Path(os.path.realpath(path)), data)
        return
    with refusals_named(path):
        sys.stdout.flush()
        descriptor = os.open(path, os.O_WRONLY) if own is None else own
        try:
            view = memoryview(data)
            while view:
                view = view[filesystem.active.write(descriptor, view) :]
        finally:
            if own is None:
                filesystem.active.close(descriptor)


def check_result(path: Path) -> None:
    """Refuse a name that no result can have, before the work for the result begins.

    Raises:
        ArtefactError: `path` is a folder, its folder is missing, or its name is not possible.
    """
    with refusals_named(path):
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            parent = Path(os.path.realpath(path)).parent
            if not parent.is_dir():
                raise OSError(errno.ENOENT, f"there is no folder {parent}") from None
        else:
            if stat.S_ISDIR(mode):
                raise OSError(errno.EISDIR, "it is a folder; name a file in it")


def refuse_inside(source: Path, target: Path) -> None:
    """Refuse to write a folder into the folder that is read: it would be read as a part of that the next time.

    Raises:
        ArtefactError: `source` is a folder, and `target` is in it or the same.
    """
    if source.is_dir() and target.resolve().is_relative_to(source.resolve()):
        raise ArtefactError(f"{target} is in {source}, which is read: choose a folder outside of it")


def _own_output(path: Path) -> int | None:
    """The descriptor of stdout or stderr if it is this file: replacing the file would lose what follows."""
    for descriptor in (1, 2):
        try:
            if os.path.samestat(path.stat(), os.fstat(descriptor)):
                return descriptor
        except OSError:  # it is closed
            continue
    return None
