"""Folders of several files that are written once and published as a whole."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from opticlir.errors import ArtefactError
from opticlir.storage import filesystem
from opticlir.storage.filesystem import confirm, make_folders, refusals_named, sync_tree
from opticlir.storage.locks import exclusive_lock
from opticlir.storage.names import DRAFT, next_to


@contextmanager
def publish_folder(target: Path) -> Iterator[Path]:
    """Build a folder under a temporary name, and publish it as a whole when the block ends.

    A block that fails leaves no `target`. The next call removes what a killed process left. Files may be
    written by any means: all are synced before the rename.

    Args:
        target: the new folder; it must be absent or empty.

    Yields:
        The temporary folder to write into.

    Raises:
        ArtefactError: `target` is not empty, another process is writing it, or the system refuses.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp(), "model")
        >>> with publish_folder(target) as folder:
        ...     _ = (folder / "config.json").write_text("{}")
        >>> [path.name for path in target.iterdir()]
        ['config.json']
    """
    temporary = next_to(target, DRAFT)
    with refusals_named(target):
        make_folders(target.parent)
    with exclusive_lock(target):
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise ArtefactError(f"{target} exists already: remove it first, or choose another name")
        with refusals_named(target):
            if os.path.lexists(temporary):
                filesystem.active.remove(temporary)
            filesystem.active.make_folder(temporary)
        try:
            with refusals_named(target, only_full_disk=True):
                yield temporary
            with refusals_named(target):
                sync_tree(temporary)
                filesystem.active.rename(temporary, target.resolve())
        except BaseException:
            with suppress(OSError):
                filesystem.active.remove(temporary)
            raise
        confirm(target)


def move_into_parent(draft: Path, *, last: Sequence[str]) -> None:
    """Move the content of a folder into its parent, durably, and replace what has the same names.

    A crash leaves a parent without the files `last`: a reader that needs them never sees a mixture.

    Args:
        draft: a folder of synced files; it is removed.
        last: names of files that are taken away first, and moved last in this order.
    """
    disk, parent = filesystem.active, draft.parent
    for name in reversed(last):
        if os.path.lexists(parent / name):
            disk.remove(parent / name)
    disk.sync_path(parent)
    for name in sorted({path.name for path in draft.iterdir()} - set(last)):
        if os.path.lexists(parent / name):
            disk.remove(parent / name)
        disk.rename(draft / name, parent / name)
    disk.sync_path(parent)
    for name in last:
        disk.rename(draft / name, parent / name)
    disk.remove_empty(draft)
    disk.sync_path(parent)
