"""The record of an artefact: kind, settings, seed, inputs, checksums of its files, and versions.

The manifest is written last: its presence means that the artefact is complete.
"""

import json
import platform
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path, PurePath
from typing import Any

import opticlir
from opticlir.errors import ArtefactError
from opticlir.storage import (
    MANIFEST,
    Checksum,
    check_files,
    checksums_of,
    publish_folder,
    sha256_file,
    write_text_atomically,
)
from opticlir.storage.sources import library_version

_LIBRARIES = ("torch", "sentence-transformers", "transformers", "tokenizers", "numpy", "scipy")


@cache
def environment() -> dict[str, str]:
    """Versions of opticlir, Python and the libraries that shape results, and the kind of machine.

    Versions come from package metadata: no library is imported.
    """
    return {
        "opticlir": opticlir.__version__,
        "python": platform.python_version(),
        **{name: library_version(name) for name in _LIBRARIES},
        "machine": f"{platform.system()} {platform.machine()}",
    }


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The record of an artefact.

    `kind` and `format_version` say how to read it, the other fields how to reproduce it.
    """

    kind: str
    """Name of the kind for messages: `exact index`, `training run`."""
    format_version: int
    """Increased whenever an older opticlir cannot read the artefact."""
    config: dict[str, Any] = field(default_factory=dict)
    """Every setting, with defaults filled in."""
    seed: int | None = None
    """Seed of the random generator; None if nothing is random."""
    inputs: dict[str, str] = field(default_factory=dict)
    """SHA-256 of each input file, by the name that the user gave."""
    files: dict[str, Checksum] = field(default_factory=dict)
    """Checksum of each file of the artefact, by its path in the folder."""
    counts: dict[str, int] = field(default_factory=dict)
    """Numbers of documents, tokens and so on."""
    environment: dict[str, str] = field(default_factory=environment)
    """Versions and machine."""
    made_by: dict[str, str] = field(default_factory=dict)
    """What decides a cached artefact besides its inputs (see `storage.made_by`); empty outside a cache."""


def input_checksums(paths: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of input files by path; of a folder, of each file in it."""
    files = (each for path in paths for each in (sorted(path.rglob("*")) if path.is_dir() else [path]))
    return {str(path): sha256_file(path) for path in files if path.is_file()}


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write a manifest as JSON, as the last file of an artefact."""
    record = asdict(manifest)
    if not manifest.made_by:
        del record["made_by"]  # earlier versions of opticlir read artefacts outside a cache
    text = json.dumps(record, ensure_ascii=False, indent=2, allow_nan=False)
    write_text_atomically(path, text + "\n")


@contextmanager
def publish_artefact(target: Path, manifest: Manifest) -> Iterator[Path]:
    """Publish a folder as a whole (see `publish_folder`), with the checksums of its files in `manifest.json`.

    Args:
        target: the new folder.
        manifest: without `files`; the block may still change its `counts`.

    Yields:
        The temporary folder to write into.
    """
    with publish_folder(target) as draft:
        yield draft
        write_manifest(draft / MANIFEST, replace(manifest, files=checksums_of(draft)))


def read_artefact(folder: Path, *, kind: str | None = None, newest_version: int | None = None) -> Manifest:
    """Read the manifest of a folder and check all its files.

    Raises:
        ArtefactError: as `read_manifest`; a file is missing or damaged.
    """
    manifest = read_manifest(folder / MANIFEST, kind=kind, newest_version=newest_version)
    check_files(folder, manifest.files)
    return manifest


def check_same_settings(folder: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Refuse to continue a run with other settings.

    Args:
        folder: of the run, for the message.
        found: settings by name, from the start of the run.
        wanted: settings by name, as requested now.

    Raises:
        ArtefactError: a setting differs.
    """
    for name in sorted({*wanted, *found}):
        old, new = found.get(name), wanted.get(name)
        if new != old:
            raise ArtefactError(
                f"{folder} holds another run: {name} was {_setting(old)} and is {_setting(new)} now; "
                "choose another output folder (--out) or remove it"
            )


def _setting(value: Any) -> str:
    return "not set" if value is None else repr(value)


def read_manifest(path: Path, *, kind: str | None = None, newest_version: int | None = None) -> Manifest:
    """Read a manifest, and refuse one that the caller cannot read.

    Args:
        path: the manifest's file.
        kind: the expected kind; None is any.
        newest_version: the highest format version that the caller reads; None is any.

    Raises:
        ArtefactError: the file is missing or damaged, of another kind, or of a newer format.
    """
    expected = kind or "artefact"
    try:
        record = json.loads(path.read_bytes())
        found_kind, version = record["kind"], int(record["format_version"])
    except FileNotFoundError:
        raise ArtefactError(f"{path} is missing: this {expected} is not complete; build it again") from None
    except (ValueError, TypeError, KeyError, RecursionError):
        raise _damaged(path, expected) from None
    if kind is not None and found_kind != kind:
        raise ArtefactError(f"{path} describes a {found_kind!r}, a {kind!r} was expected")
    if newest_version is not None and version > newest_version:
        raise ArtefactError(
            f"{path} has format {version}, this opticlir ({opticlir.__version__}) reads up to "
            f"{newest_version}: install {_reader(record)}, or build the {expected} again"
        )
    try:
        files = {name: Checksum(**checksum) for name, checksum in record.pop("files").items()}
        manifest = Manifest(files=files, **record)
    except (TypeError, KeyError, AttributeError):
        raise _damaged(path, expected) from None
    if not _is_well_formed(manifest) or any(
        PurePath(name).is_absolute() or ".." in PurePath(name).parts for name in files
    ):
        raise _damaged(path, expected)
    return manifest


def _is_well_formed(manifest: Manifest) -> bool:
    """Whether every part has its type: JSON can hold anything."""
    texts = (manifest.inputs, manifest.environment, manifest.made_by)
    return (
        all(isinstance(part, dict) for part in (*texts, manifest.config, manifest.counts))
        and all(isinstance(value, str) for part in texts for value in part.values())
        and all(type(count) is int for count in manifest.counts.values())
        and all(
            type(each.n_bytes) is int and isinstance(each.sha256, str) for each in manifest.files.values()
        )
    )


def _damaged(path: Path, kind: str) -> ArtefactError:
    return ArtefactError(f"{path} is damaged: build the {kind} again, or restore it from a copy")


def _reader(record: dict[str, Any]) -> str:
    """Name an opticlir that can read an artefact."""
    made_in = record.get("environment")
    version = made_in.get("opticlir") if isinstance(made_in, dict) else None
    return f"opticlir {version} or newer" if version else "a newer opticlir"
