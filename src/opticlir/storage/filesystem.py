"""The system calls that change the disk, and nothing else: tests replace this class to inject faults."""

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from opticlir.errors import ArtefactError, SetupError

try:
    import fcntl
except ImportError as error:  # Windows
    raise SetupError("opticlir needs Linux or macOS: this system has no POSIX file locks") from error


class FileSystem:
    """System calls that change the disk; a test double inherits from it and fails."""

    def create(self, path: Path) -> int:
        """Create an empty file that must not exist, and return its descriptor."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """Append the start of `data`, and return how many bytes were written."""
        return os.write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        """Force a file's bytes to the disk."""
        os.fsync(descriptor)

    def close(self, descriptor: int) -> None:
        """Close a file."""
        os.close(descriptor)

    def sync_path(self, path: Path) -> None:
        """Force to the disk what another library wrote: a file's bytes, or a folder's entries."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        """Give a file or folder a new name; a file, or an empty folder, at that name is replaced."""
        source.rename(target)

    def link(self, source: Path, target: Path) -> None:
        """Give a file a second name; `target` must not exist."""
        os.link(source, target, follow_symlinks=False)

    def set_mode(self, path: Path, mode: int) -> None:
        """Set the permissions of a file."""
        path.chmod(stat.S_IMODE(mode))

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
        """Take the exclusive lock of a file, created if absent; None if another process has it.

        It refuses a link, and everything that is not a file, because the owner of the lock empties the file.
        """
        if path.is_symlink():
            raise OSError(errno.ELOOP, f"{path} is a link; remove it")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EEXIST, f"{path} is not a file; remove it")
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if isinstance(error, BlockingIOError):
                return None
            raise
        return descriptor

    def unlock(self, descriptor: int) -> None:
        """Release a lock; the kernel does it when the process dies."""
        os.close(descriptor)

    def lock_folder(self, path: Path, *, shared: bool) -> int | None:
        """Lock a folder itself. Shared: wait for processes that remove files. Exclusive: None if it is in use."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if isinstance(error, BlockingIOError):
                return None
            raise
        return descriptor


active = FileSystem()
"""The file system that all writers use."""

_DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def refusals_named(target: Path, *, only_full_disk: bool = False) -> Iterator[None]:
    """Turn an error of the system into an `ArtefactError` that names the target.

    Args:
        target: what was being written.
        only_full_disk: do not change other errors; for a block that runs code of the caller.
    """
    try:
        yield
    except OSError as error:
        is_full = error.errno in _DISK_IS_FULL
        if only_full_disk and not is_full:
            raise
        hint = "; free some space and try again" if is_full else ""
        raise ArtefactError(
            f"cannot write {target}: {error.strerror or error}; what was there before is unchanged{hint}"
        ) from error


def confirm(target: Path) -> None:
    """Sync the folder of `target`, so that its rename survives a power cut.

    Raises:
        ArtefactError: the sync failed; `target` is complete and readable.
    """
    try:
        active.sync_path(target.parent)
    except OSError as error:
        raise ArtefactError(
            f"{target} is written, but the disk does not confirm it ({error.strerror or error}): "
            "a power cut may undo it"
        ) from error


def make_folders(path: Path) -> None:
    """Create a folder and its missing parents, durably."""
    if not path.is_dir():
        make_folders(path.parent)
        try:
            active.make_folder(path)
        except FileExistsError:
            if not path.is_dir():  # if it is one, another process was quicker
                raise
        active.sync_path(path.parent)


def sync_tree(folder: Path) -> None:
    """Sync every file under a folder, then every folder, deepest first."""
    for parent, _, names in os.walk(folder, topdown=False):
        for name in names:
            active.sync_path(Path(parent, name))
        active.sync_path(Path(parent))
