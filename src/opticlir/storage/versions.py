"""Artefacts of several files that are replaced while they are in use.

`versions/NNNNNN/` holds the files of one version and their `manifest.json`; `CURRENT` names one version
and the SHA-256 of its manifest. Replacing `CURRENT` by a rename is the moment of publication.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from opticlir.errors import ArtefactError
from opticlir.storage import filesystem
from opticlir.storage.files import sha256_file, write_file
from opticlir.storage.filesystem import confirm, make_folders, refusals_named, sync_tree
from opticlir.storage.locks import exclusive_lock

MANIFEST = "manifest.json"
"""The file that a version must hold; it should name the checksums of the others."""

_POINTER = "CURRENT"
_POINTER_LINE = re.compile(rb"(\d{6}) ([0-9a-f]{64})\n")
_VERSIONS = "versions"
_T = TypeVar("_T")


@contextmanager
def publish_version(root: Path) -> Iterator[Path]:
    """Build the next version of an artefact; readers go on with the current one until the block ends.

    Versions that `CURRENT` does not name are removed then, and before the next build. A reader that
    holds files of an older version open keeps them. A first build that fails leaves no folder behind.

    Args:
        root: the artefact's folder; created where absent, refused where it holds something else.

    Yields:
        The folder to write into; the block must leave a `manifest.json` there.

    Raises:
        ArtefactError: `root` is not such a folder, somebody else is writing it, or the disk refuses.
    """
    with refusals_named(root):
        make_folders(root.parent)
    with exclusive_lock(root):
        _refuse_strangers(root)
        versions = root / _VERSIONS
        new = [path for path in (versions, root) if not path.exists()]
        with refusals_named(root):
            make_folders(versions)
            current = _current_version(root)
            # the versions under a damaged pointer stay until the new one stands: it may be mended by hand
            if current is not None or not (root / _POINTER).exists():
                _remove_others(versions, current)
            folder = versions / f"{_highest_number(versions) + 1:06d}"
            filesystem.active.make_folder(folder)
        try:
            with refusals_named(root, only_full_disk=True):
                yield folder
            with refusals_named(root):
                sync_tree(folder)
                filesystem.active.sync_path(versions)
                _point_to(root, folder)
        except BaseException:
            with suppress(OSError):
                if _current_version(root) != folder:
                    filesystem.active.remove(folder)
                for path in new:  # refused where something was published after all
                    filesystem.active.remove_empty(path)
            raise
        with suppress(OSError):  # it is published: the next build removes what stays
            _remove_others(versions, folder)


def open_version(root: Path, load: Callable[[Path], _T]) -> _T:
    """Open the current version: its manifest is checked, then `load` is given its folder.

    Where a writer publishes a newer version in between and removes this one, the newer one is opened.

    Raises:
        ArtefactError: there is no version, the pointer or the manifest is damaged, or `load` refuses.
    """
    while True:
        folder, digest = _read_pointer(root)
        try:
            manifest = folder / MANIFEST
            if not manifest.is_file():
                raise ArtefactError(f"{manifest} is missing: build it again, or restore it from a copy")
            if sha256_file(manifest) != digest:
                raise ArtefactError(f"{manifest} is not the one that {_POINTER} names: it is damaged")
            return load(folder)
        except (ArtefactError, FileNotFoundError):
            if _read_pointer(root)[0] == folder:
                raise


def _point_to(root: Path, folder: Path) -> None:
    partial = root / _VERSIONS / _POINTER  # what a crash leaves there is swept up with the old versions
    line = f"{folder.name} {sha256_file(folder / MANIFEST)}\n"
    if partial.exists():
        filesystem.active.remove(partial)
    write_file(partial, line.encode(), target=root / _POINTER)
    filesystem.active.rename(partial, root / _POINTER)
    confirm(root / _POINTER)


def _read_pointer(root: Path) -> tuple[Path, str]:
    try:
        line = (root / _POINTER).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise ArtefactError(f"{root} holds no finished index: build it first") from None
    if not (match := _POINTER_LINE.fullmatch(line)):
        raise ArtefactError(f"{root / _POINTER} is damaged: build it again, or restore it from a copy")
    return root / _VERSIONS / match[1].decode(), match[2].decode()


def _current_version(root: Path) -> Path | None:
    """The version that `CURRENT` names; None where there is none, or none that can be read."""
    with suppress(ArtefactError):
        return _read_pointer(root)[0]
    return None


def _highest_number(versions: Path) -> int:
    return max((int(path.name) for path in versions.iterdir() if path.name.isdecimal()), default=0)


def _remove_others(versions: Path, current: Path | None) -> None:
    for path in sorted(versions.iterdir()):
        if path != current:
            filesystem.active.remove(path)


def _refuse_strangers(root: Path) -> None:
    """Never write into a folder, or over a file, that is not ours."""
    if not root.exists():
        return
    if not root.is_dir():
        raise ArtefactError(f"{root} is a file, a folder was expected: choose another name")
    if not (root / _POINTER).exists():
        for path in root.iterdir():
            if path.name != _VERSIONS:
                raise ArtefactError(f"{root} holds something else ({path.name}): choose another folder")
