"""The system calls that change the disk, and nothing else: the seam for fault injection."""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from opticlir.errors import ArtefactError


class FileSystem:
    """What the operating system does for us; a test double inherits from it and fails."""

    def create(self, path: Path) -> int:
        """Create an empty file that must not exist, and give its descriptor."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """Append a part of `data`, and give the number of bytes that were taken."""
        return os.write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        """Force a file's bytes to the disk."""
        os.fsync(descriptor)

    def close(self, descriptor: int) -> None:
        """Close a file."""
        os.close(descriptor)

    def sync_path(self, path: Path) -> None:
        """Force to the disk what somebody else wrote: a file's bytes, or a folder's entries."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        """Give a file or folder a new name; a file, or an empty folder, at that name is replaced."""
        source.rename(target)

    def make_folder(self, path: Path) -> None:
        """Create a folder that must not exist, in a folder that must."""
        path.mkdir()

    def remove_empty(self, path: Path) -> None:
        """Remove a folder that must be empty."""
        path.rmdir()

    def remove(self, path: Path) -> None:
        """Remove a file, or a folder with all that is in it."""
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()

    def lock(self, path: Path) -> int | None:
        """Take the exclusive lock of a file, created where absent; None where somebody holds it."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if isinstance(error, BlockingIOError):
                return None
            raise
        return descriptor

    def unlock(self, descriptor: int) -> None:
        """Give a lock back; the kernel does it where its holder dies."""
        os.close(descriptor)


active = FileSystem()
"""What the writers of this package call."""

_DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def refusals_named(target: Path, *, only_full_disk: bool = False) -> Iterator[None]:
    """Turn the system's refusal into an `ArtefactError` that says what could not be written.

    Args:
        target: what was being written.
        only_full_disk: let other errors through, where the block also does things that are not ours.
    """
    try:
        yield
    except OSError as error:
        is_full = error.errno in _DISK_IS_FULL
        if only_full_disk and not is_full:
            raise
        hint = "; make room and try again" if is_full else ""
        raise ArtefactError(
            f"cannot write {target}: {error.strerror or error}; what was there before is unchanged{hint}"
        ) from error


def confirm(target: Path) -> None:
    """Make the rename that published `target` outlive a power cut.

    Raises:
        ArtefactError: the disk does not say that it did; `target` is complete and can be read.
    """
    try:
        active.sync_path(target.parent)
    except OSError as error:
        raise ArtefactError(
            f"{target} is written, but the disk does not confirm it ({error.strerror or error}): "
            "a power cut may undo it"
        ) from error


def make_folders(path: Path) -> None:
    """Create a folder and those above it, each where it is absent, durably."""
    if not path.is_dir():
        make_folders(path.parent)
        try:
            active.make_folder(path)
        except FileExistsError:
            if not path.is_dir():  # if it is one, another process was quicker
                raise
        active.sync_path(path.parent)


def sync_tree(folder: Path) -> None:
    """Force every file under a folder, then every folder, the deepest first, to the disk."""
    for parent, _, names in os.walk(folder, topdown=False):
        for name in names:
            active.sync_path(Path(parent, name))
        active.sync_path(Path(parent))
