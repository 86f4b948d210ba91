"""Files that stay mapped into memory while they are read."""

import hashlib
import mmap
import os
import weakref
from pathlib import Path

from opticlir.errors import ArtefactError
from opticlir.storage.files import REPAIR, Checksum


class MappedFile:
    """A file in memory, read-only on disk; a change of it by another program is noticed before the next read.

    A version that is replaced keeps its bytes, since the descriptor stays open. A program that shortens the file in
    the middle of a read ends this process (SIGBUS). `check` makes that unlikely, and cannot exclude it.

    Args:
        path: the file.
        expected: its checksum, for `check_content`.

    Raises:
        ArtefactError: the file cannot be read, or cannot be mapped.
    """

    def __init__(self, path: Path, expected: Checksum | None = None) -> None:
        self._path, self._expected = path, expected
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise ArtefactError(f"cannot read {path}: {error.strerror or error}") from error
        weakref.finalize(self, os.close, self._descriptor)
        self._stamp = self._current_stamp()
        self.content: mmap.mmap | bytes = b""
        """Its bytes."""
        try:
            if self.n_bytes:
                # copy-on-write: torch wants a writable array, and nothing we do may reach the disk
                self.content = mmap.mmap(self._descriptor, self.n_bytes, access=mmap.ACCESS_COPY)
        except (ValueError, OSError) as error:
            raise ArtefactError(f"{path} cannot be mapped into memory: {error}") from error

    @property
    def n_bytes(self) -> int:
        """Its size when it was opened."""
        return self._stamp[0]

    def check(self) -> None:
        """Refuse a file whose size or time of change is not that of its opening.

        Raises:
            ArtefactError: it differs.
        """
        if self._current_stamp() != self._stamp:
            raise ArtefactError(
                f"{self._path} has changed since it was opened: restore the file, and open the index again"
            )

    def check_content(self) -> None:
        """Refuse a file whose bytes are not those that were written.

        Raises:
            ArtefactError: they differ, or the file has changed since it was opened.
        """
        self.check()
        if self._expected and hashlib.sha256(self.content).hexdigest() != self._expected.sha256:
            raise ArtefactError(
                f"{self._path} is not what was written, its SHA-256 differs: it is damaged; {REPAIR}"
            )

    def _current_stamp(self) -> tuple[int, int]:
        status = os.fstat(self._descriptor)
        return status.st_size, status.st_mtime_ns
