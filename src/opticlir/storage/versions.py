"""Artefacts of several files that are replaced while they are in use.

`versions/NNNNNN/` holds the files of one version and their `manifest.json`. `CURRENT` names one version
and the SHA-256 of its manifest. The rename of `CURRENT` publishes a version. A version is built under a draft name
(see `names`). A folder that neither has this name nor a manifest of opticlir is left alone. The lock of the writer
is in the artefact's folder, so that nothing else has to be writable.
"""

import logging
import os
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
from opticlir.storage.names import DRAFT, LOCK, hidden, is_our_manifest, next_to

MANIFEST = "manifest.json"
"""File that describes an artefact and names the checksums of its other files."""

POINTER = "CURRENT"
"""File that names the current version."""

_POINTER_LINE = re.compile(rb"(\d{6}) ([0-9a-f]{64})\n")
_VERSION = re.compile(r"\d{6}")
_VERSIONS = "versions"
_LOCK = hidden(_VERSIONS, LOCK)
_T = TypeVar("_T")

logger = logging.getLogger(__name__)


@contextmanager
def version_lock(root: Path) -> Iterator[None]:
    """Be the only writer of a folder of versions, which must exist; see `exclusive_lock`."""
    with exclusive_lock(root, file=root.resolve() / _LOCK):
        yield


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
    next_to(root, LOCK)  # refuses the root of the file system
    with refusals_named(root):
        if is_new := not root.exists():
            make_folders(root.resolve())
    if not root.is_dir():
        raise ArtefactError(f"{root} is a file, a folder was expected: choose another name")
    try:
        with version_lock(root), _next_version(root) as draft:
            yield draft
    except BaseException:
        if is_new:
            with suppress(OSError):  # refused if it holds anything
                filesystem.active.remove_empty(root.resolve())
        raise


@contextmanager
def _next_version(root: Path) -> Iterator[Path]:
    """Build and publish a version, by the only writer."""
    _refuse_strangers(root)
    versions = root / _VERSIONS
    is_new = not versions.exists()
    with refusals_named(root):
        make_folders(versions)
        current = _current_version(root)
        # a damaged pointer may be repaired by hand: its versions stay until the new one is complete
        if current is not None or not (root / POINTER).exists():
            _remove_others(versions, current)
        folder = versions / f"{_free_number(versions, current):06d}"
        draft = next_to(folder, DRAFT)
        filesystem.active.make_folder(draft)
    try:
        with refusals_named(root, only_full_disk=True):
            yield draft
        with refusals_named(root):
            sync_tree(draft)
            filesystem.active.rename(draft, folder)
            filesystem.active.sync_path(versions)
            _point_to(root, folder)
    except BaseException:
        with suppress(OSError):
            if _current_version(root) != folder:
                filesystem.active.remove(draft if draft.exists() else folder)
            if is_new:  # refused if a version was published
                filesystem.active.remove_empty(versions)
        raise
    with suppress(OSError):  # the version is published: the next build removes the rest
        _remove_others(versions, folder)
    if current is not None and os.path.lexists(current):
        logger.warning("%s stays: it has no manifest of opticlir, remove it yourself", current)


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


def current_version(root: Path) -> str:
    """The number of the current version and the beginning of its checksum: `000003-5f2a9c01`.

    Raises:
        ArtefactError: there is no version, or the pointer is damaged.
    """
    folder, digest = _read_pointer(root)
    return version_name(folder, digest)


def has_version(root: Path) -> bool:
    """Whether a version was published in a folder."""
    return (root / POINTER).is_file()


def version_name(folder: Path, digest: str) -> str:
    """The name of a version by its folder and the SHA-256 of its manifest."""
    return f"{folder.name}-{digest[:8]}"


def _point_to(root: Path, folder: Path) -> None:
    partial = next_to(root / _VERSIONS / POINTER, DRAFT)  # the next build removes what a crash leaves here
    line = f"{folder.name} {sha256_file(folder / MANIFEST)}\n"
    if partial.exists():
        filesystem.active.remove(partial)
    write_file(partial, line.encode(), target=root / POINTER)
    filesystem.active.rename(partial, root / POINTER)
    confirm(root / POINTER)


def _read_pointer(root: Path) -> tuple[Path, str]:
    try:
        line = (root / POINTER).read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise ArtefactError(f"{root} holds no finished index: build it first") from None
    if not (match := _POINTER_LINE.fullmatch(line)):
        raise ArtefactError(f"{root / POINTER} is damaged: build it again, or restore it from a copy")
    return root / _VERSIONS / match[1].decode(), match[2].decode()


def _current_version(root: Path) -> Path | None:
    """The version that `CURRENT` names; None if there is none, or it is not readable."""
    with suppress(ArtefactError):
        return _read_pointer(root)[0]
    return None


def _free_number(versions: Path, current: Path | None) -> int:
    """The lowest number above all versions that is no name of another program's folder."""
    numbers = [int(path.name) for path in versions.iterdir() if path == current or _is_version(path)]
    number = max(numbers, default=0) + 1
    while os.path.lexists(versions / f"{number:06d}"):
        number += 1
    return number


def _is_version(path: Path) -> bool:
    """Whether a folder is a complete version of ours."""
    return bool(_VERSION.fullmatch(path.name)) and not path.is_symlink() and is_our_manifest(path / MANIFEST)


def _remove_others(versions: Path, current: Path | None) -> None:
    for path in sorted(versions.iterdir()):
        if path != current and (path.name.endswith(DRAFT) or _is_version(path)):
            filesystem.active.remove(path)


def strangers(root: Path) -> Iterator[Path]:
    """Everything in a folder of versions that opticlir did not demonstrably write."""
    versions, pointer = root / _VERSIONS, root / POINTER
    found = list(versions.iterdir()) if versions.is_dir() else []
    ours = {path for path in found if path.name.endswith(DRAFT) or _is_version(path)}
    with suppress(ArtefactError, OSError):
        current, digest = _read_pointer(root)
        if sha256_file(current / MANIFEST) == digest:
            ours.add(current)
    yield from (path for path in root.iterdir() if path not in (versions, pointer, root / _LOCK))
    yield from (path for path in found if path not in ours)
    if os.path.lexists(pointer) and not ours and _current_version(root) is None:
        yield pointer


def _refuse_strangers(root: Path) -> None:
    """Refuse a link that leads out, and a folder that holds anything else."""
    for path in (root / POINTER, root / _VERSIONS):
        if path.is_symlink():
            raise ArtefactError(f"{path} is a link: choose another folder, or replace it by what it leads to")
    if _current_version(root) is None and (stranger := next(strangers(root), None)):
        raise ArtefactError(
            f"{root} holds something else ({stranger.relative_to(root)}): choose another folder, or remove it"
        )
