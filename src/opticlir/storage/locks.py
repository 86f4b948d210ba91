"""One writer at a time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from opticlir.errors import ArtefactError
from opticlir.storage import filesystem
from opticlir.storage.filesystem import refusals_named


@contextmanager
def exclusive_lock(target: Path) -> Iterator[None]:
    """Be the only writer of `target`; somebody else's lock is an error at once, never a wait.

    The lock is the kernel's (`flock` on a file beside the target): a holder that dies gives it back,
    and the file that it leaves behind is taken over.

    Raises:
        ArtefactError: another process, or another thread, is writing `target`.
    """
    path = target.with_name(f".{target.name}.lock")
    with refusals_named(target):
        descriptor = _take(path)
    if descriptor is None:
        raise ArtefactError(
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
