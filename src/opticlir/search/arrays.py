"""Arrays of an index on disk, in numpy's own format. Reading checks them: an index can come from a stranger."""

import json
from io import BytesIO
from pathlib import Path
from tokenize import TokenError

import numpy as np
import numpy.typing as npt

from opticlir.errors import ArtefactError
from opticlir.manifest import Manifest
from opticlir.search.codecs import STORES
from opticlir.storage import MANIFEST, Checksum, write_file

_UNREADABLE = (
    ValueError, OSError, OverflowError, SyntaxError, TypeError, RecursionError, MemoryError, TokenError
)  # fmt: skip
"""What numpy raises for bytes that are no array."""


def damaged(path: Path, reason: str) -> ArtefactError:
    """The error for a file with right checksums and wrong content."""
    return ArtefactError(f"{path} is damaged, {reason}: build it again, or restore it from a copy")


def write_array(path: Path, values: np.ndarray) -> Checksum:
    """Write an array without pickle."""
    buffer = BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return write_file(path, buffer.getbuffer())


def read_array(
    path: Path, dtype: npt.DTypeLike, length: int | None = None, *, width: int | None = None
) -> np.ndarray:
    """Read an array of one dimension, or of two.

    Args:
        path: the file.
        dtype: what it must hold.
        length: how many numbers or rows it must hold; None is any number.
        width: of a row, for an array of two dimensions.

    Raises:
        ArtefactError: the file holds anything else.
    """
    try:
        values = np.array(np.lib.format.open_memmap(path, mode="r"))
    except _UNREADABLE as error:
        raise damaged(path, "it holds no array") from error
    rank = 1 if width is None else 2
    if values.ndim != rank or values.dtype != np.dtype(dtype) or (rank == 2 and values.shape[1] != width):
        raise damaged(
            path,
            f"it holds {values.dtype} of shape {values.shape}, not {np.dtype(dtype)} in {rank} dimensions",
        )
    if length is not None and len(values) != length:
        raise damaged(path, f"it holds {len(values)} numbers, not {length}")
    return values


def read_bounds(path: Path, *, parts: int | None = None, stop: int, may_be_empty: bool = False) -> np.ndarray:
    """Read where each of several parts begins and the last one ends.

    Args:
        path: of (parts + 1,) int64 that rise from 0 to `stop`.
        parts: how many there must be; None is any number.
        stop: where the last one must end.
        may_be_empty: whether a part may have no length.

    Raises:
        ArtefactError: the file holds anything else.
    """
    bounds = read_array(path, np.int64, None if parts is None else parts + 1)
    steps = bounds[1:] > bounds[:-1] if not may_be_empty else bounds[1:] >= bounds[:-1]
    if not len(bounds) or bounds[0] != 0 or bounds[-1] != stop or not steps.all():
        raise damaged(path, f"its numbers do not rise from 0 to {stop}")
    return bounds


def read_texts(path: Path) -> list[str]:
    """Read a JSON list of texts that differ.

    Raises:
        ArtefactError: the file holds anything else.
    """
    return checked_texts(path.read_bytes(), path)


def checked_texts(content: bytes, path: Path) -> list[str]:
    """`read_texts`, of the content of a file."""
    try:
        texts = json.loads(content)
    except (ValueError, RecursionError):
        texts = None
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise damaged(path, "it is no list of texts")
    if len(set(texts)) < len(texts):
        raise damaged(path, "a text comes twice")
    return texts


def check_manifest(manifest: Manifest, folder: Path) -> None:
    """Check the fields of a manifest that reading its index relies on.

    Args:
        manifest: of the version.
        folder: of the version, for the message.

    Raises:
        ArtefactError: a field is wrong or missing.
    """
    config, counts, path = manifest.config, manifest.counts, folder / MANIFEST
    for name, is_right in (
        ("dim", type(config.get("dim")) is int and config["dim"] > 0),
        ("store", config.get("store", config.get("dtype")) in STORES),
        ("store_dim", type(config.get("store_dim", 1)) is int and config.get("store_dim", 1) > 0),
        ("encoder", isinstance(config.get("encoder"), str)),
        *((name, type(config.get(name)) in (int, type(None))) for name in ("window", "stride")),
        *((name, counts.get(name, -1) >= 0) for name in ("documents", "tokens", "empty_documents")),
    ):
        if not is_right:
            raise damaged(path, f"its {name!r} is wrong or missing")
