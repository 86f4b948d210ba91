"""Locks between processes: one writer of a target, many readers of a folder.

All locks are the kernel's (`flock`). A process that dies releases its locks, and nothing needs repair.
"""

import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from opticlir.errors import ArtefactError
from opticlir.storage import filesystem
from opticlir.storage.filesystem import refusals_named
from opticlir.storage.names import LOCK, next_to


class LockedError(ArtefactError):
    """Another process is writing the target. Nothing is damaged: try again later."""


@contextmanager
def exclusive_lock(target: Path, *, file: Path | None = None) -> Iterator[None]:
    """Be the only writer of `target`. If another process is, raise at once and never wait.

    If a killed process left the file of the lock, the next writer takes it over.

    Args:
        target: what is written, for the message.
        file: the file of the lock; None is `.NAME.opticlir-lock` in the folder of the target.

    Raises:
        LockedError: another process, or another thread, is writing `target`.
        ArtefactError: the system refuses.
    """
    path = file or next_to(target, LOCK)
    with refusals_named(target):
        descriptor = _take(path)
    if descriptor is None:
        raise LockedError(
            f"{target} is being written by another process{_holder(path)}: wait until it ends, or stop it"
        )
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        try:
            with suppress(OSError):
                filesystem.active.remove(path)
        finally:
            filesystem.active.unlock(descriptor)


def _take(path: Path) -> int | None:
    while (descriptor := filesystem.active.lock(path)) is not None and not _is_same_file(descriptor, path):
        filesystem.active.unlock(descriptor)  # the owner of the lock removed the file after we opened it
    return descriptor


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _holder(path: Path) -> str:
    with suppress(OSError, ValueError):
        return f" (process {int(path.read_text())})"
    return ""


class SharedLock:
    """A shared lock on a folder: while it exists, no process removes files from the folder.

    Many processes may have one at the same time, and may add files. A process that removes files checks with
    `unless_shared`. The lock is on the folder itself, so that a read-only folder can be locked too.

    Args:
        folder: created if absent.

    Raises:
        ArtefactError: it cannot be created or opened.
    """

    def __init__(self, folder: Path) -> None:
        with refusals_named(folder):
            while (descriptor := _lock_new(folder)) is None or not _is_same_file(descriptor, folder):
                if descriptor is not None:
                    filesystem.active.unlock(descriptor)  # the folder was removed before it was locked
        self.release = weakref.finalize(self, os.close, descriptor)

    def last_as_long_as(self, owner: object) -> None:
        """Release the lock when `owner` is collected."""
        weakref.finalize(owner, lambda lock: lock.release(), self)


def _lock_new(folder: Path) -> int | None:
    folder.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        return filesystem.active.lock_folder(folder, shared=True)
    return None


@contextmanager
def unless_shared(folder: Path) -> Iterator[bool]:
    """Keep others from a `SharedLock` of an existing folder during the block; yield False if one has it.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> lock = SharedLock(folder)
        >>> with unless_shared(folder) as is_free:
        ...     is_free
        False
        >>> _ = lock.release()
        >>> with unless_shared(folder) as is_free:
        ...     is_free
        True
    """
    descriptor = filesystem.active.lock_folder(folder, shared=False)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            os.close(descriptor)
