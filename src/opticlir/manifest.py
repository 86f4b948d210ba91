"""What made an artefact: configuration, seed, inputs, files and the versions of everything that took part.

The manifest is written last: its presence means that the artefact is complete.
"""

import json
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import opticlir
from opticlir.errors import ArtefactError
from opticlir.storage import Checksum, sha256_file, write_text_atomically

_LIBRARIES = ("torch", "sentence-transformers", "transformers", "tokenizers", "numpy", "scipy", "bm25s")


@cache
def environment() -> dict[str, str]:
    """Versions of opticlir, Python and the libraries that shape results, and the kind of machine.

    Read from package metadata: nothing heavy is imported.
    """
    versions = {"opticlir": opticlir.__version__, "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "absent"
    return {**versions, "machine": f"{platform.system()} {platform.machine()}"}


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The record beside an artefact.

    `kind` and `format_version` say how to read the artefact; the rest says how to make it again.
    """

    kind: str
    """What it is, in words for a message: `exact index`, `training run`."""
    format_version: int
    """Raised whenever an older opticlir could not read the artefact."""
    config: dict[str, Any] = field(default_factory=dict)
    """Every setting, resolved."""
    seed: int | None = None
    """Of the one generator that everything was drawn from; None where nothing was drawn."""
    inputs: dict[str, str] = field(default_factory=dict)
    """SHA-256 of each file that was read, by the name it was given under."""
    files: dict[str, Checksum] = field(default_factory=dict)
    """Size and SHA-256 of each file of the artefact, by its name in the folder."""
    counts: dict[str, int] = field(default_factory=dict)
    """What is inside."""
    environment: dict[str, str] = field(default_factory=environment)
    """Versions and machine."""


def input_checksums(paths: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of input files, by the path they were given under; of a folder, each file in it."""
    files = (each for path in paths for each in (sorted(path.rglob("*")) if path.is_dir() else [path]))
    return {str(path): sha256_file(path) for path in files if path.is_file()}


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write a manifest as JSON; the last file of an artefact."""
    text = json.dumps(asdict(manifest), ensure_ascii=False, indent=2, allow_nan=False)
    write_text_atomically(path, text + "\n")


def read_manifest(path: Path, *, kind: str, newest_version: int) -> Manifest:
    """Read a manifest, and refuse one that this code cannot follow.

    Args:
        path: the manifest's file.
        kind: what is expected.
        newest_version: the highest format version that the caller can read.

    Raises:
        ArtefactError: there is none, it is damaged, of another kind, or of a newer format.
    """
    try:
        record = json.loads(path.read_bytes())
        found_kind, version = record["kind"], int(record["format_version"])
    except FileNotFoundError:
        raise ArtefactError(f"{path} is missing: this is no complete {kind}; build it again") from None
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ArtefactError(f"{path} is damaged: build the {kind} again, or restore it from a copy") from None
    if found_kind != kind:
        raise ArtefactError(f"{path} describes a {found_kind!r}, a {kind!r} was expected")
    if version > newest_version:
        raise ArtefactError(
            f"{path} has format {version}, this opticlir ({opticlir.__version__}) reads up to "
            f"{newest_version}: install opticlir {_maker(record)} or newer, or build the {kind} again"
        )
    try:
        files = {name: Checksum(**checksum) for name, checksum in record.pop("files").items()}
        return Manifest(files=files, **record)
    except (TypeError, KeyError, AttributeError):
        raise ArtefactError(f"{path} is damaged: build the {kind} again, or restore it from a copy") from None


def _maker(record: dict[str, Any]) -> str:
    made_in = record.get("environment")
    return str(made_in.get("opticlir", "of its time")) if isinstance(made_in, dict) else "of its time"
