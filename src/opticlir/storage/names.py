"""Names of locks and drafts next to a target. They contain the name of the program, which proves whose they are."""

import hashlib
import json
from pathlib import Path

from opticlir.errors import ArtefactError

LOCK, DRAFT = ".opticlir-lock", ".opticlir-partial"

_LONGEST_NAME = 255  # bytes, on the file systems of Linux and macOS
_MANIFEST_KEYS = {"kind": str, "format_version": int, "files": dict, "environment": dict}


def next_to(target: Path, suffix: str) -> Path:
    """Path of the lock or draft of a target, which may be `.` or a link.

    Raises:
        ArtefactError: the target is the root of the file system.
    """
    place = target.resolve()
    if not place.name:
        raise ArtefactError(f"{target} is the root of the file system: name a folder in it")
    return place.with_name(hidden(place.name, suffix))


def hidden(name: str, suffix: str) -> str:
    """Name of a lock or draft of a file; it contains a hash of a name that is too long to be continued."""
    full = f".{name}{suffix}"
    if len(full.encode(errors="surrogateescape")) <= _LONGEST_NAME:
        return full
    return f".{hashlib.sha256(name.encode(errors='surrogateescape')).hexdigest()}{suffix}"


def is_our_manifest(path: Path) -> bool:
    """Whether a file is a readable manifest that opticlir wrote."""
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return (
        isinstance(record, dict)
        and all(isinstance(record.get(key), kind) for key, kind in _MANIFEST_KEYS.items())
        and "opticlir" in record["environment"]
    )
