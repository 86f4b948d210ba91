"""Single files: written durably, replaced by a rename, checked by their SHA-256."""

import errno
import hashlib
import json
import os
import stat
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from opticlir.errors import ArtefactError
from opticlir.storage import filesystem
from opticlir.storage.filesystem import confirm, refusals_named
from opticlir.storage.names import DRAFT, hidden

REPAIR = "build it again, or restore it from a copy"
"""What to do about a damaged file."""

T = TypeVar("T")
_NO_SECOND_NAME = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS)
_COPIED = 2**20


@dataclass(frozen=True, slots=True)
class Checksum:
    """Size of a file in bytes, and SHA-256 of its content in hexadecimal."""

    n_bytes: int
    sha256: str


class DurableFile:
    """A new file, written from front to back in a `with` block; `finish` makes it durable.

    Args:
        path: a name that must not exist yet.
        target: the path that error messages name, if `path` is a temporary file.
        block_size: bytes of a block. `block_digests` then gets the SHA-256 (32 bytes) of each block, so that
            a reader can check only the blocks that it reads.

    Raises:
        ArtefactError: the system refuses, here or in any method.
    """

    def __init__(self, path: Path, *, target: Path | None = None, block_size: int | None = None) -> None:
        self.block_digests: list[bytes] = []
        self._target = target or path
        self._block_size = block_size
        self._block = hashlib.sha256()
        self._whole = hashlib.sha256()
        self._n_bytes = 0
        with refusals_named(self._target):
            self._descriptor = filesystem.active.create(path)

    def __enter__(self) -> "DurableFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; before `finish` it is not durable."""
        with refusals_named(self._target):
            filesystem.active.close(self._descriptor)

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes."""
        view = memoryview(data)
        if view.nbytes == 0:
            return
        view = view.cast("B")
        self._whole.update(view)
        self._hash_blocks(view)
        self._n_bytes += len(view)
        with refusals_named(self._target):
            while view:
                view = view[filesystem.active.write(self._descriptor, view) :]

    def _hash_blocks(self, view: memoryview) -> None:
        position = self._n_bytes
        while self._block_size and view:
            part = view[: self._block_size - position % self._block_size]
            self._block.update(part)
            position, view = position + len(part), view[len(part) :]
            if position % self._block_size == 0:
                self._end_block()

    def _end_block(self) -> None:
        self.block_digests.append(self._block.digest())
        self._block = hashlib.sha256()

    def finish(self) -> Checksum:
        """Sync the file and return the checksum of its content."""
        if self._block_size and self._n_bytes % self._block_size:
            self._end_block()
        with refusals_named(self._target):
            filesystem.active.sync(self._descriptor)
        return Checksum(self._n_bytes, self._whole.hexdigest())


def write_file(path: Path, data: bytes | memoryview, *, target: Path | None = None) -> Checksum:
    """Write a new file, sync it, and return its checksum. See `DurableFile`."""
    with DurableFile(path, target=target) as file:
        file.write(data)
        return file.finish()


def link_file(source: Path, target: Path) -> None:
    """Give a file a second name, so that it takes no space twice; copy it where the file system has no such names.

    Raises:
        ArtefactError: the system refuses.
        FileNotFoundError: there is no `source`.
    """
    try:
        filesystem.active.link(source, target)
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno not in _NO_SECOND_NAME:
            with refusals_named(target):
                raise
        with source.open("rb") as old, DurableFile(target) as new:
            while part := old.read(_COPIED):
                new.write(part)
            new.finish()


def link_tree(source: Path, target: Path) -> None:
    """Give every file under a folder a second name under an empty one; see `link_file`.

    If a run before was interrupted, what it left in `target` is removed.
    """
    with refusals_named(target):
        for left in target.iterdir():
            filesystem.active.remove(left)
    for path in sorted(source.rglob("*")):
        place = target / path.relative_to(source)
        if path.is_dir() and not path.is_symlink():
            with refusals_named(target):
                filesystem.active.make_folder(place)
        else:
            link_file(path, place)


def write_bytes_atomically(path: Path, data: bytes) -> None:
    """Replace or create a file: a reader sees the old bytes or all the new ones. Permissions stay.

    Raises:
        ArtefactError: `path` is a link, a device or a pipe, or the system refuses. The old file is unchanged.
    """
    with refusals_named(path):
        mode = _mode_of(path)
    temporary = path.with_name(hidden(f"{path.name}.{os.getpid()}-{threading.get_ident()}", DRAFT))
    try:
        with refusals_named(path):
            if os.path.lexists(temporary):  # left by a killed process with the same process id
                filesystem.active.remove(temporary)
            write_file(temporary, data, target=path)
            if mode is not None:
                filesystem.active.set_mode(temporary, mode)
            filesystem.active.rename(temporary, path)
    except ArtefactError:
        with suppress(OSError):
            filesystem.active.remove(temporary)
        raise
    confirm(path)


def _mode_of(path: Path) -> int | None:
    """Mode of a file, None if there is none; refuse what a rename must not replace."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(mode):
        raise OSError(errno.ELOOP, "it is a link; name the file that it leads to")
    if stat.S_ISDIR(mode):
        raise OSError(errno.EISDIR, "it is a folder; name a file in it")
    if not stat.S_ISREG(mode):
        raise OSError(errno.EEXIST, "it is a device or a pipe, not a file")
    return mode


def read_record(path: Path, parse: Callable[[Any], T], repair: str) -> T:
    """Read a small JSON file that opticlir wrote.

    Args:
        path: the file.
        parse: makes the result; it raises TypeError, ValueError or KeyError for another content.
        repair: what to do about a damaged one, after "restore it from a copy, or".

    Raises:
        ArtefactError: the file is damaged.
    """
    try:
        return parse(json.loads(path.read_bytes()))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ArtefactError(f"{path} is damaged: restore it from a copy, or {repair}") from None


def write_text_atomically(path: Path, text: str) -> None:
    """Replace or create a UTF-8 text file; see `write_bytes_atomically`."""
    write_bytes_atomically(path, text.encode("utf-8"))


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's content in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksums_of(folder: Path) -> dict[str, Checksum]:
    """Checksum of each file under a folder, by its path in the folder."""
    return {
        path.relative_to(folder).as_posix(): Checksum(path.stat().st_size, sha256_file(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def check_file(path: Path, expected: Checksum, *, content: bool = True) -> None:
    """Refuse a file that is not as it was written.

    Args:
        path: the file.
        expected: its checksum when it was written.
        content: False checks presence and size only, and does not read the file.

    Raises:
        ArtefactError: the file is missing, truncated, longer, or its bytes differ.
    """
    if not path.is_file():
        raise ArtefactError(f"{path} is missing: {REPAIR}")
    if (n_bytes := path.stat().st_size) != expected.n_bytes:
        raise ArtefactError(
            f"{path} has {n_bytes} bytes, {expected.n_bytes} were written: it is damaged; {REPAIR}"
        )
    if content and sha256_file(path) != expected.sha256:
        raise ArtefactError(f"{path} is not what was written, its SHA-256 differs: it is damaged; {REPAIR}")


def check_files(folder: Path, expected: Mapping[str, Checksum]) -> None:
    """Refuse a folder in which a named file is missing or damaged; see `check_file`."""
    for name, checksum in expected.items():
        check_file(folder / name, checksum)
