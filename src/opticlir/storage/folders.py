"""Folders of several files that are written once and published whole."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from opticlir.errors import ArtefactError
from opticlir.storage import filesystem
from opticlir.storage.filesystem import confirm, make_folders, refusals_named, sync_tree
from opticlir.storage.locks import exclusive_lock


@contextmanager
def publish_folder(target: Path) -> Iterator[Path]:
    """Build a folder under a temporary name and publish it whole when the block ends.

    Whatever ends the block early leaves no `target`; what a killed process left behind is removed by
    the next one. Files may be written into the folder by any means: all are synced before the rename.

    Args:
        target: the folder to be; it must not exist, or be empty.

    Yields:
        The folder to write into, a sibling of `target`.

    Raises:
        ArtefactError: `target` holds something, somebody else is writing it, or the disk refuses.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp(), "model")
        >>> with publish_folder(target) as folder:
        ...     _ = (folder / "config.json").write_text("{}")
        >>> [path.name for path in target.iterdir()]
        ['config.json']
    """
    temporary = target.with_name(f".{target.name}.partial")
    with refusals_named(target):
        make_folders(target.parent)
    with exclusive_lock(target):
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise ArtefactError(f"{target} exists already: remove it first, or choose another name")
        with refusals_named(target):
            if temporary.exists():
                filesystem.active.remove(temporary)
            filesystem.active.make_folder(temporary)
        try:
            with refusals_named(target, only_full_disk=True):
                yield temporary
            with refusals_named(target):
                sync_tree(temporary)
                filesystem.active.rename(temporary, target)
        except BaseException:
            with suppress(OSError):
                filesystem.active.remove(temporary)
            raise
        confirm(target)
