"""One writer at a time, and folders that nobody takes away from under their readers."""

import fcntl
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from opticlir.errors import ArtefactError
from opticlir.storage import filesystem
from opticlir.storage.filesystem import refusals_named


class HeldError(ArtefactError):
    """Somebody else is writing it: nothing is wrong, and later it can be had."""


@contextmanager
def exclusive_lock(target: Path) -> Iterator[None]:
    """Be the only writer of `target`; somebody else's lock is an error at once, never a wait.

    The lock is the kernel's (`flock` on a file beside the target): a holder that dies gives it back,
    and the file that it leaves behind is taken over.

    Raises:
        HeldError: another process, or another thread, is writing `target`.
        ArtefactError: the disk refuses.
    """
    path = target.with_name(f".{target.name}.lock")
    with refusals_named(target):
        descriptor = _take(path)
    if descriptor is None:
        raise HeldError(
            f"{target} is being written by another process{_holder(path)}: wait for its end, or stop it"
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
        filesystem.active.unlock(descriptor)  # its holder removed the file after we had opened it
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


class FolderHold:
    """A claim on a folder of shared files, as long as this object or its process lives.

    Any number may hold a folder and write new files into it; `unless_held` tells those who would remove
    old ones. The lock is the kernel's, on the folder itself: nothing is left behind, and a folder that
    may only be read can be held too.

    Args:
        folder: made where it is absent.

    Raises:
        ArtefactError: it cannot be made or opened.
    """

    def __init__(self, folder: Path) -> None:
        with refusals_named(folder):
            descriptor = _open_folder(folder)
            while not _is_same_file(descriptor, folder):
                os.close(descriptor)  # it was removed before we had it
                descriptor = _open_folder(folder)
        self.release = weakref.finalize(self, os.close, descriptor)


def _open_folder(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)  # waits for one who is removing files
    return descriptor


@contextmanager
def unless_held(folder: Path) -> Iterator[bool]:
    """Keep others from holding an existing folder while the block runs; yields False where somebody does.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> hold = FolderHold(folder)
        >>> with unless_held(folder) as is_ours:
        ...     is_ours
        False
        >>> _ = hold.release()
        >>> with unless_held(folder) as is_ours:
        ...     is_ours
        True
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
