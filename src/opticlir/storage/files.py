"""Single files: written durably, replaced by a rename, checked by their SHA-256."""

import hashlib
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from opticlir.errors import ArtefactError
from opticlir.storage import filesystem
from opticlir.storage.filesystem import confirm, refusals_named

_REPAIR = "build it again, or restore it from a copy"


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a file must be: its size in bytes and the SHA-256 of its content, in hexadecimal."""

    n_bytes: int
    sha256: str


class DurableFile:
    """A new file, written from front to back in a `with` block or up to `close`; `finish` ends it.

    Args:
        path: a name that must not exist yet.
        target: what the file is to become, where a message should name that instead.
        block_size: where given, `block_digests` gets the SHA-256 (32 bytes) of each block of that many
            bytes, so that a reader can check the blocks that it touches and no others.

    Raises:
        ArtefactError: the disk refuses, here or in any method.
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
        """Close the descriptor; a file that was not finished is not durable."""
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
        """Force the bytes to the disk and give the checksum of the whole file."""
        if self._block_size and self._n_bytes % self._block_size:
            self._end_block()
        with refusals_named(self._target):
            filesystem.active.sync(self._descriptor)
        return Checksum(self._n_bytes, self._whole.hexdigest())


def write_file(path: Path, data: bytes | memoryview, *, target: Path | None = None) -> Checksum:
    """Write a new file, durable but not yet published, and give its checksum. See `DurableFile`."""
    with DurableFile(path, target=target) as file:
        file.write(data)
        return file.finish()


def write_bytes_atomically(path: Path, data: bytes) -> None:
    """Replace a file, or create it: a reader sees the old bytes or all the new ones.

    Raises:
        ArtefactError: the disk refuses; the old file stands as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.partial")
    try:
        with refusals_named(path):
            if temporary.exists():  # left by a dead process that had our number
                filesystem.active.remove(temporary)
            write_file(temporary, data, target=path)
            filesystem.active.rename(temporary, path)
    except ArtefactError:
        with suppress(OSError):
            filesystem.active.remove(temporary)
        raise
    confirm(path)


def write_text_atomically(path: Path, text: str) -> None:
    """Replace a UTF-8 text file, or create it, as `write_bytes_atomically` does."""
    write_bytes_atomically(path, text.encode("utf-8"))


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's content in hexadecimal, read as a stream."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_file(path: Path, expected: Checksum, *, content: bool = True) -> None:
    """Refuse a file that is not the one that was written.

    Args:
        path: the file.
        expected: its size and digest when it was written.
        content: read and hash the bytes; where False only presence and size are looked at.

    Raises:
        ArtefactError: the file is missing, truncated, longer, or its bytes differ.
    """
    if not path.is_file():
        raise ArtefactError(f"{path} is missing: {_REPAIR}")
    if (n_bytes := path.stat().st_size) != expected.n_bytes:
        raise ArtefactError(
            f"{path} has {n_bytes} bytes, {expected.n_bytes} were written: it is damaged; {_REPAIR}"
        )
    if content and sha256_file(path) != expected.sha256:
        raise ArtefactError(f"{path} is not what was written, its SHA-256 differs: it is damaged; {_REPAIR}")


def check_files(folder: Path, expected: Mapping[str, Checksum]) -> None:
    """Refuse a folder of which a named file is missing, truncated or altered (see `check_file`)."""
    for name, checksum in expected.items():
        check_file(folder / name, checksum)
