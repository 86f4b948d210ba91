"""The cache of artefacts: teacher vectors, vocabularies, indexes, and other results that are reused.

An artefact is a folder `KIND/KEY` with a manifest. `KEY` is a hash of everything that decides the content,
our own source included (see `storage.made_by`). An artefact of several parts has a folder `shard-*` for each part.
The cache knows its artefacts by proof, and needs no list of kinds: a manifest of opticlir, or the empty file
`KIND/.KEY.opticlir`, which is written first. Everything else is left alone, whatever its name.
"""

import hashlib
import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from opticlir.errors import ArtefactError, SetupError
from opticlir.manifest import Manifest, read_artefact, read_manifest
from opticlir.storage import (
    MANIFEST,
    LockedError,
    exclusive_lock,
    filesystem,
    is_current,
    open_version,
    unless_shared,
)
from opticlir.storage.names import DRAFT, LOCK, is_our_manifest, next_to
from opticlir.storage.versions import POINTER, strangers, version_lock

_KEY = re.compile(r"[0-9a-f]{24}")
_PART = re.compile(r"shard-[0-9a-f]+")
_LEFTOVER = re.compile(rf"\.({_KEY.pattern}|{_PART.pattern})({re.escape(LOCK)}|{re.escape(DRAFT)})")
_MARK = re.compile(rf"\.({_KEY.pattern})\.opticlir")


def default_cache_folder() -> Path:
    """`$OPTICLIR_CACHE`, or `opticlir` in the user's cache folder.

    Raises:
        SetupError: the user has no home folder.
    """
    if folder := os.environ.get("OPTICLIR_CACHE"):
        return Path(folder)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "opticlir"
    except RuntimeError:
        raise SetupError("there is no home folder for the cache: name a folder in OPTICLIR_CACHE") from None


def key_of(content: Any) -> str:
    """Hash of plain values, as 24 hexadecimal digits.

    Example:
        >>> key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1}) != key_of({"a": 1, "b": 3})
        True
    """
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def mark_ours(artefact: Path) -> None:
    """Record that opticlir makes this artefact, before its first file is written: a damaged one is removed too."""
    with suppress(OSError):  # read-only: nothing will be written
        artefact.parent.mkdir(parents=True, exist_ok=True)
        _mark_of(artefact).touch()


def mark_used(artefact: Path) -> None:
    """Record that an artefact, or a part of one, was used now."""
    with suppress(OSError):  # read-only, or another user's: it is readable all the same
        os.utime(_record(artefact))


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An artefact of a cache."""

    kind: str
    """Name of its folder: `teacher`, `vocabulary`, `indexes`."""
    key: str
    config: dict[str, Any]
    """Settings, from its manifest."""
    counts: dict[str, int]
    """Contents, from its manifest; summed over its parts."""
    parts: int
    """1 if it is not divided."""
    bytes: int
    last_used: str
    """UTC, ISO 8601."""
    in_use: bool
    """Whether a process reads or writes it now."""
    is_current: bool
    """Whether this version of opticlir and its libraries would use it."""


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """Result of `ArtefactCache.prune`."""

    removed: int
    """Artefacts, or parts of them."""
    freed: int
    """Bytes."""
    left: int
    """Bytes that the cache still takes."""
    in_use: int
    """Bytes of these that belong to artefacts in use by another process."""


class ArtefactCache:
    """A folder of artefacts.

    Args:
        root: the folder; None is `default_cache_folder()`.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = default_cache_folder() if root is None else root

    def path(self, kind: str, content: Mapping[str, Any]) -> Path:
        """Folder of an artefact.

        Args:
            kind: the cache has one folder per kind.
            content: plain values, everything that decides the content; `made_by` belongs there.
        """
        return self.root / kind / key_of(content)

    def entries(self) -> list[Entry]:
        """All artefacts of ours with a readable manifest, the last used first."""
        found = [entry for path in self._artefacts() if (entry := self._entry(path))]
        return sorted(found, key=lambda entry: entry.last_used, reverse=True)

    def strangers(self) -> list[Path]:
        """Folders that are named like artefacts, but are not demonstrably ours: they are left alone."""
        named = (
            path for kind in _folders_in(self.root) for path in _folders_in(kind) if _KEY.fullmatch(path.name)
        )
        return [path for path in named if not _is_artefact(path) and any(path.iterdir())]

    def damaged(self) -> Iterator[tuple[Path, str]]:
        """Every part that differs from what was written, with the reason. Reads every byte of the cache."""
        for part in self._parts():
            try:
                _open(part, read_artefact)
            except (ArtefactError, OSError) as error:
                yield part, str(error)

    def prune(
        self,
        *,
        max_bytes: float | None = None,
        older_than: float | None = None,
        now: float | None = None,
    ) -> Pruned:
        """Remove leftovers of killed processes, outdated artefacts, and then the least recently used ones.

        Artefacts that another process uses stay, and so do files that are not artefacts of ours.

        Args:
            max_bytes: stop as soon as the cache has at most this size; None is no limit.
            older_than: remove artefacts that were not used for this many seconds; None is no limit.
            now: seconds since 1970; None is the clock.
        """
        now = time.time() if now is None else now
        before, artefacts = self._n_bytes(), [*self._artefacts()]
        for folder in self._folders():
            self._remove_leftovers(folder)
        sizes = {part: _n_bytes(part) for part in sorted(self._parts(), key=_last_use)}
        left, removed, in_use = self._n_bytes(), 0, 0
        for part, size in sizes.items():
            is_old = older_than is not None and now - _last_use(part) > older_than
            is_too_much = max_bytes is not None and left > max_bytes
            with self._claimed(part) as is_free:
                if not is_free:
                    in_use += size
                elif is_old or is_too_much or not _is_current(part):
                    _remove(part)
                    removed, left = removed + 1, left - size
        for folder in artefacts:
            self._remove_if_empty(folder)
        for mark in self._marks():
            if not mark.with_name(mark.name.split(".")[1]).exists():
                with suppress(OSError):
                    filesystem.active.remove(mark)
        return Pruned(removed=removed, freed=before - left, left=left, in_use=in_use)

    def _folders(self) -> Iterator[Path]:
        """Folders that may contain leftovers: those of the kinds, and artefacts of several parts."""
        yield from _folders_in(self.root)
        yield from self._artefacts()

    def _artefacts(self) -> Iterator[Path]:
        for kind in _folders_in(self.root):
            yield from filter(_is_artefact, _folders_in(kind))

    def _marks(self) -> list[Path]:
        return [
            path for kind in _folders_in(self.root) for path in kind.iterdir() if _MARK.fullmatch(path.name)
        ]

    def _parts(self) -> Iterator[Path]:
        """Each artefact, or each of its parts. Each can be removed separately."""
        for artefact in self._artefacts():
            if parts := _shards(artefact):
                is_marked = _mark_of(artefact).exists()
                yield from (part for part in parts if is_marked or is_our_manifest(part / MANIFEST))
            elif any(artefact.iterdir()):
                yield artefact

    def _n_bytes(self) -> int:
        leftovers = (path for folder in self._folders() for path in _leftovers(folder))
        return sum(map(_n_bytes, {*self._parts(), *leftovers}))

    def _entry(self, artefact: Path) -> Entry | None:
        parts = _shards(artefact) or [artefact]
        manifests = [manifest for part in parts if (manifest := _manifest(part))]
        if not manifests:
            return None
        with ExitStack() as stack:
            in_use = not self._keep_readers_out(artefact, stack)
        counts: Counter[str] = Counter()
        for manifest in manifests:
            counts.update(manifest.counts)
        return Entry(
            kind=artefact.parent.name,
            key=artefact.name,
            config=manifests[-1].config,
            counts=dict(counts),
            parts=len(parts),
            bytes=_n_bytes(artefact),
            last_used=datetime.fromtimestamp(max(map(_last_use, parts)), UTC).isoformat(timespec="seconds"),
            in_use=in_use,
            is_current=all(is_current(manifest.made_by) for manifest in manifests),
        )

    @contextmanager
    def _claimed(self, path: Path) -> Iterator[bool]:
        """Lock an artefact for the block; yield False if another process uses it."""
        with ExitStack() as stack:
            yield self._claim(path, stack)

    def _claim(self, path: Path, stack: ExitStack) -> bool:
        try:
            if self._keep_readers_out(path, stack):
                lock = version_lock if (path / "versions").is_dir() else exclusive_lock
                stack.enter_context(lock(path))
                return True
        except (LockedError, FileNotFoundError):  # another process writes it, or has removed it
            pass
        return False

    def _keep_readers_out(self, path: Path, stack: ExitStack) -> bool:
        """Lock the artefact and the folders above it until the stack ends; False if one of them is in use."""
        folders = [path, *path.parents]
        return all(stack.enter_context(unless_shared(each)) for each in folders[: folders.index(self.root)])

    def _remove_leftovers(self, folder: Path) -> None:
        for path in _leftovers(folder):
            target = path.with_name(path.name.removeprefix(".").rpartition(".")[0])
            with suppress(LockedError), exclusive_lock(target):  # it removes the lock file when it ends
                if path.name.endswith(DRAFT) and os.path.lexists(path):
                    filesystem.active.remove(path)

    def _remove_if_empty(self, artefact: Path) -> None:
        with self._claimed(artefact) as is_free, suppress(OSError):
            if is_free:
                filesystem.active.remove_empty(artefact)


def _folders_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink())


def _leftovers(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if _LEFTOVER.fullmatch(path.name)]


def _shards(artefact: Path) -> list[Path]:
    return [path for path in _folders_in(artefact) if _PART.fullmatch(path.name)]


def _mark_of(artefact: Path) -> Path:
    return artefact.with_name(f".{artefact.name}.opticlir")


def _is_artefact(path: Path) -> bool:
    """Whether a folder is demonstrably an artefact of ours, complete, begun or damaged."""
    if not _KEY.fullmatch(path.name):
        return False
    if _mark_of(path).exists() or is_our_manifest(path / MANIFEST):
        return True
    names = {each.name for each in path.iterdir()}
    if all(_PART.fullmatch(name) or _LEFTOVER.fullmatch(name) for name in names):
        return any(is_our_manifest(path / name / MANIFEST) or _LEFTOVER.fullmatch(name) for name in names)
    return not any(strangers(path))


def _record(part: Path) -> Path:
    """The file whose modification time is the last use of a part."""
    pointer = part / POINTER
    return pointer if pointer.exists() else part / MANIFEST


def _last_use(part: Path) -> float:
    """Seconds since 1970; 0 without a manifest, so that it is removed first."""
    try:
        return _record(part).stat().st_mtime
    except OSError:
        return 0.0


def _open(part: Path, read: Callable[[Path], Manifest]) -> Manifest:
    return open_version(part, read) if _record(part).name == POINTER else read(part)


def _manifest(part: Path) -> Manifest | None:
    with suppress(ArtefactError, OSError):
        return _open(part, lambda folder: read_manifest(folder / MANIFEST))
    return None


def _is_current(part: Path) -> bool:
    manifest = _manifest(part)
    return manifest is not None and is_current(manifest.made_by)


def _n_bytes(path: Path) -> int:
    if not path.is_dir() or path.is_symlink():
        return path.lstat().st_size
    return sum(Path(parent, name).lstat().st_size for parent, _, names in os.walk(path) for name in names)


def _remove(part: Path) -> None:
    """Rename a part and then remove it, so that no reader sees half of it."""
    leaving = next_to(part, DRAFT)
    if os.path.lexists(leaving):
        filesystem.active.remove(leaving)
    filesystem.active.rename(part, leaving)
    filesystem.active.remove(leaving)
