"""Artefacts of several files that are replaced while they are in use.

`versions/NNNNNN/` holds the files of one version and their `manifest.json`. `CURRENT` names one version
and the SHA-256 of its manifest. The rename of `CURRENT` publishes a version.
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
"""File that describes an artefact and names the checksums of its other files."""

POINTER = "CURRENT"
"""File that names the current version."""

_POINTER_LINE = re.compile(rb"(\d{6}) ([0-9a-f]{64})\n")
_VERSION = re.compile(r"\d{6}")
_VERSIONS = "versions"
_T = TypeVar("_T")


@contextmanager
def publish_version(root: Path) -> Iterator[Path]:
    """Build the next version of an artefact; readers use the current one until the block ends.

    Versions that `CURRENT` does not name are removed after that, and before the next build. A reader keeps
    the files that it has open. A first build that fails leaves no folder.

    Args:
        root: the artefact's folder; created if absent, refused if it holds anything else.

    Yields:
        The folder to write into; the block must write `manifest.json` there.

    Raises:
        ArtefactError: `root` holds something else, another process is writing it, or the system refuses.
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
            # a damaged pointer may be repaired by hand: its versions stay until the new one is complete
            if current is not None or not (root / POINTER).exists():
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
                for path in new:  # refused if a version was published
                    filesystem.active.remove_empty(path)
            raise
        with suppress(OSError):  # the version is published: the next build removes the rest
            _remove_others(versions, folder)


def open_version(root: Path, load: Callable[[Path], _T]) -> _T:
    """Check the manifest of the current version, and return what `load` makes of its folder.

    If a writer replaces this version meanwhile, the newer one is opened.

    Raises:
        ArtefactError: there is no version, the pointer or the manifest is damaged, or `load` fails.
    """
    while True:
        folder, digest = _read_pointer(root)
        try:
            manifest = folder / MANIFEST
            if not manifest.is_file():
                raise ArtefactError(f"{manifest} is missing: build it again, or restore it from a copy")
            if sha256_file(manifest) != digest:
                raise ArtefactError(f"{manifest} is not the one that {POINTER} names: it is damaged")
            return load(folder)
        except (ArtefactError, FileNotFoundError):
            if _read_pointer(root)[0] == folder:
                raise


def _point_to(root: Path, folder: Path) -> None:
    partial = root / _VERSIONS / POINTER  # the next build removes what a crash leaves here
    line = f"{folder.name} {sha256_file(folder / MANIFEST)}\n"
    if partial.exists():
        filesystem.active.remove(partial)
    write_file(partial, line.encode(), target=root / POINTER)
    filesystem.active.rename(partial, root / POINTER)
    confirm(root / POINTER)


def _read_pointer(root: Path) -> tuple[Path, str]:
    try:
        line = (root / POINTER).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise ArtefactError(f"{root} holds no finished index: build it first") from None
    if not (match := _POINTER_LINE.fullmatch(line)):
        raise ArtefactError(f"{root / POINTER} is damaged: build it again, or restore it from a copy")
    return root / _VERSIONS / match[1].decode(), match[2].decode()


def _current_version(root: Path) -> Path | None:
    """The version that `CURRENT` names; None if there is none, or it is not readable."""
    with suppress(ArtefactError):
        return _read_pointer(root)[0]
    return None


def _highest_number(versions: Path) -> int:
    return max((int(path.name) for path in versions.iterdir() if path.name.isdecimal()), default=0)


def _remove_others(versions: Path, current: Path | None) -> None:
    for path in sorted(versions.iterdir()):
        if path != current and (_VERSION.fullmatch(path.name) or path.name == POINTER):
            filesystem.active.remove(path)


def _refuse_strangers(root: Path) -> None:
    """Refuse a file, a link that leads out, and a folder that holds anything else."""
    if not root.exists():
        return
    if not root.is_dir():
        raise ArtefactError(f"{root} is a file, a folder was expected: choose another name")
    is_ours = _current_version(root) is not None
    for path in (root / POINTER, root / _VERSIONS):
        if path.is_symlink():
            raise ArtefactError(f"{path} is a link: choose another folder, or replace it by what it leads to")
    for path in root.iterdir():
        if path.name not in (_VERSIONS, POINTER) and not is_ours:
            raise ArtefactError(f"{root} holds something else ({path.name}): choose another folder")
