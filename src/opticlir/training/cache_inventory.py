"""What the cache of trainings holds, whether it is whole, and making room in it."""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from opticlir.errors import ArtefactError
from opticlir.storage import check_files, filesystem, unless_held
from opticlir.training.teacher_shards import Shard, last_use, read_shard_manifest
from opticlir.training.vocabulary_cache import VOCABULARIES, read_vocabulary_manifest


@dataclass(frozen=True, kw_only=True)
class CacheEntry:
    """The vectors of one teacher under one set of options."""

    folder: str
    """A hash of all that decides the vectors."""
    teacher: str
    """The name it was given; empty where the shards do not say."""
    vectors: str
    """`float16` or `int8`."""
    bfloat16: bool
    """Whether they were computed in bfloat16."""
    shards: int
    texts: int
    tokens: int
    bytes: int
    last_used: str
    """UTC, ISO 8601."""
    in_use: bool
    """Whether a training reads it now."""


@dataclass(frozen=True, kw_only=True)
class VocabularyEntry:
    """An encoder's vocabulary with the words of one bitext."""

    folder: str
    """A hash of all that decides it."""
    encoder: str
    """The name it was given."""
    pairs: int
    words: int
    bytes: int
    last_used: str
    """UTC, ISO 8601."""


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """What making room came to."""

    removed: int
    """Shards and vocabularies."""
    freed: int
    """Bytes."""
    left: int
    """Bytes that the cache still takes."""
    in_use: int
    """Bytes of those that belong to a teacher somebody trains with."""


def list_entries(cache: Path) -> list[CacheEntry]:
    """Each teacher's part of a cache, the one used last first; shards that do not say what they hold are left out.

    Args:
        cache: as `default_cache_folder` gives it.
    """
    entries = [entry for folder in _teachers(cache) if (entry := _entry(folder))]
    return sorted(entries, key=lambda entry: entry.last_used, reverse=True)


def list_vocabularies(cache: Path) -> list[VocabularyEntry]:
    """Each vocabulary of a cache, the one used last first; those that do not say what they are are left out.

    Args:
        cache: as `default_cache_folder` gives it.
    """
    entries = []
    for path in _pieces(cache / VOCABULARIES):
        with suppress(ArtefactError):
            manifest = read_vocabulary_manifest(path)
            entries.append(
                VocabularyEntry(
                    folder=path.name,
                    encoder=manifest.config.get("encoder", ""),
                    pairs=manifest.config.get("pairs", 0),
                    words=manifest.counts.get("words", 0),
                    bytes=_n_bytes(path),
                    last_used=_said(_use(path)),
                )
            )
    return sorted(entries, key=lambda entry: entry.last_used, reverse=True)


def torn_pieces(cache: Path) -> Iterator[tuple[Path, str]]:
    """Every shard and vocabulary that is not as it was written, with the reason; each byte of the cache is read."""
    for folder in _folders(cache):
        for path in _pieces(folder):
            try:
                if folder.name == VOCABULARIES:
                    check_files(path, read_vocabulary_manifest(path).files)
                else:
                    _ = Shard(path).vectors
            except (ArtefactError, OSError, ValueError, KeyError) as error:
                yield path, str(error)


def prune(
    cache: Path, *, max_bytes: float | None = None, older_than: float | None = None, now: float | None = None
) -> Pruned:
    """Remove shards and vocabularies, those first that were not used for longest, and what killed writers left.

    A teacher that somebody trains with keeps all it has.

    Args:
        cache: as `default_cache_folder` gives it.
        max_bytes: go on until the cache takes no more than this; None is no bound.
        older_than: remove all that was not used for so many seconds; None is no bound.
        now: seconds since 1970; None is the clock.
    """
    now = time.time() if now is None else now
    sizes = {path: _n_bytes(path) for folder in _folders(cache) for path in folder.iterdir()}
    held = _held(cache)
    left, removed, freed = sum(sizes.values()), 0, 0
    for path in sorted((path for folder in _folders(cache) for path in _pieces(folder)), key=_use):
        is_old = older_than is not None and now - _use(path) > older_than
        is_too_much = max_bytes is not None and left > max_bytes
        if path.parent not in held and (is_old or is_too_much) and _take_away(path):
            removed, freed, left = removed + 1, freed + sizes[path], left - sizes[path]
    for folder in _folders(cache):
        swept = _sweep(folder)
        freed, left = freed + swept, left - swept
    in_use = sum(size for path, size in sizes.items() if path.parent in held)
    return Pruned(removed=removed, freed=freed, left=left, in_use=in_use)


def _entry(folder: Path) -> CacheEntry | None:
    manifests = []
    for path in _pieces(folder):
        with suppress(ArtefactError):
            manifests.append(read_shard_manifest(path))
    if not manifests:
        return None
    config = manifests[-1].config
    with unless_held(folder) as is_free:
        in_use = not is_free
    return CacheEntry(
        folder=folder.name,
        teacher=config.get("teacher", ""),
        vectors=config.get("vectors", "float16"),
        bfloat16=config.get("bfloat16", False),
        shards=len(manifests),
        texts=sum(manifest.counts.get("texts", 0) for manifest in manifests),
        tokens=sum(manifest.counts.get("tokens", 0) for manifest in manifests),
        bytes=sum(map(_n_bytes, folder.iterdir())),
        last_used=_said(max(map(_use, _pieces(folder)))),
        in_use=in_use,
    )


def _teachers(cache: Path) -> list[Path]:
    return sorted(path for path in (cache / "teacher").glob("*") if path.is_dir())


def _folders(cache: Path) -> list[Path]:
    """What may be in use: each teacher by itself, and the vocabularies."""
    vocabularies = cache / VOCABULARIES
    return [*_teachers(cache), *([vocabularies] if vocabularies.is_dir() else [])]


def _pieces(folder: Path) -> list[Path]:
    """Shards of a teacher, or vocabularies: what was published whole, and may go."""
    return sorted(path for path in folder.glob("[!.]*") if path.is_dir())


def _said(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _use(piece: Path) -> float:
    """Seconds since 1970; what has no manifest serves nobody, and goes first."""
    try:
        return last_use(piece)
    except OSError:
        return 0.0


def _n_bytes(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _held(cache: Path) -> set[Path]:
    held = set()
    for folder in _folders(cache):
        with unless_held(folder) as is_free:
            if not is_free:
                held.add(folder)
    return held


def _take_away(piece: Path) -> bool:
    """Remove a piece, unless somebody began to use its folder; readers see it whole or not at all."""
    with unless_held(piece.parent) as is_free:
        if is_free:
            leaving = piece.with_name(f".{piece.name}.partial")
            filesystem.active.rename(piece, leaving)
            filesystem.active.remove(leaving)
    return is_free


def _sweep(folder: Path) -> int:
    """Remove what killed writers left in a folder that nobody holds, and the folder once it is empty."""
    freed = 0
    with unless_held(folder) as is_free:
        if not is_free:
            return 0
        for path in folder.glob(".*"):
            freed += _n_bytes(path)
            filesystem.active.remove(path)
        if not any(folder.iterdir()):
            folder.rmdir()
    return freed
