"""One shard of the teacher cache: token vectors of a few thousand texts, written once.

- `manifest.json`: teacher, precision, counts and checksums; written last
- `texts.npy`: (texts,) SHA-1 of each text
- `starts.npy`: (texts + 1,) int64, the first token of each text; the last number is that of all tokens
- `vectors.npy`: (tokens, dim) float16 or int8
- `scales.npy`: (tokens,) float32, only with int8: the factor of the numbers of each token
"""

import uuid
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from opticlir.manifest import Manifest, publish_artefact, read_manifest
from opticlir.storage import MANIFEST, check_file

Precision: TypeAlias = Literal["float16", "int8"]
"""Stored precision: two bytes per number, or one byte per number and a scale per token."""

DIGEST = np.dtype("S20")

_KIND, _VERSION = "teacher cache shard", 1
_INDEX = ("texts.npy", "starts.npy")
_STORED: dict[Precision, tuple[str, ...]] = {
    "float16": ("vectors.npy",),
    "int8": ("vectors.npy", "scales.npy"),
}
_LARGEST = 127  # of int8, both ways


class Shard:
    """A published shard; its vectors are memory-mapped at first use.

    Args:
        path: the shard's folder.

    Raises:
        ArtefactError: a file is missing or damaged, or the folder is not a shard.
        ValueError: an array cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest = read_manifest(path / MANIFEST, kind=_KIND, newest_version=_VERSION)
        for name in _INDEX:
            check_file(path / name, self.manifest.files[name])
        self.digests = np.load(path / "texts.npy")
        """(texts,) SHA-1 of each text."""
        self._starts = np.load(path / "starts.npy")

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(texts,) tokens of each text."""
        return np.diff(self._starts)

    @cached_property
    def vectors(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays of the tokens, checked and memory-mapped. Raises the errors of the class."""
        return {name: self._checked(name) for name in _STORED["int8"] if name in self.manifest.files}

    def _checked(self, name: str) -> npt.NDArray[Any]:
        check_file(self.path / name, self.manifest.files[name])
        return np.load(self.path / name, mmap_mode="r")

    def matrix(self, text: int) -> npt.NDArray[np.float16]:
        """(tokens, dim) float16 vectors of a text, by its number in the shard."""
        tokens = slice(self._starts[text], self._starts[text + 1])
        vectors = self.vectors["vectors.npy"][tokens]
        if (scales := self.vectors.get("scales.npy")) is None:
            return vectors
        return (vectors * scales[tokens, None]).astype(np.float16)


def write_shard(
    folder: Path,
    digests: npt.NDArray[Any],
    matrices: Iterable[npt.NDArray[np.float32]],
    *,
    precision: Precision,
    config: Mapping[str, Any],
    made_by: Mapping[str, str],
) -> Path:
    """Publish a shard under a new name.

    Args:
        folder: the cache of one teacher.
        digests: (texts,) SHA-1 of each text.
        matrices: (tokens, dim) per text, finite; they are written one by one.
        precision: stored precision.
        config: facts about the teacher, for the manifest.
        made_by: for the manifest (see `storage.made_by`).

    Returns:
        The shard's folder.

    Raises:
        ArtefactError: the files cannot be written.
    """
    target = folder / f"shard-{uuid.uuid4().hex}"
    manifest = Manifest(
        kind=_KIND, format_version=_VERSION, config={**config, "vectors": precision},
        counts={"texts": len(digests)}, made_by=dict(made_by),
    )  # fmt: skip
    with publish_artefact(target, manifest) as shard:
        lengths = [0]
        with ExitStack() as stack:
            growing = {name: stack.enter_context(_GrowingArray(shard / name)) for name in _STORED[precision]}
            for matrix in matrices:
                lengths.append(len(matrix))
                for name, array in _stored(matrix, precision).items():
                    growing[name].append(array)
        starts = np.cumsum(lengths)
        np.save(shard / "texts.npy", digests, allow_pickle=False)
        np.save(shard / "starts.npy", starts, allow_pickle=False)
        manifest.counts["tokens"] = int(starts[-1])
    return target


class _GrowingArray:
    """A .npy file that grows. The header of numpy has space for the number of rows."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._n_rows = 0
        self._like: npt.NDArray[Any] | None = None

    def __enter__(self) -> "_GrowingArray":
        return self

    def append(self, rows: npt.NDArray[Any]) -> None:
        if self._like is None:
            self._like = rows[:0]
            self._write_header()
        self._file.write(rows.tobytes())
        self._n_rows += len(rows)

    def __exit__(self, *_: object) -> None:
        with self._file:
            self._file.seek(0)
            self._write_header()

    def _write_header(self) -> None:
        if self._like is not None:
            header = np.lib.format.header_data_from_array_1_0(self._like)
            header["shape"] = (self._n_rows, *self._like.shape[1:])
            np.lib.format.write_array_header_1_0(self._file, header)


def bytes_of(n_texts: int, n_tokens: int, dim: int, precision: Precision) -> int:
    """Return the bytes on disk of the arrays of `n_texts` texts."""
    per_token = 2 * dim if precision == "float16" else dim + np.dtype(np.float32).itemsize
    return n_tokens * per_token + n_texts * (DIGEST.itemsize + np.dtype(np.int64).itemsize)


def _stored(vectors: npt.NDArray[np.float32], precision: Precision) -> dict[str, npt.NDArray[Any]]:
    if precision == "float16":
        return {"vectors.npy": vectors.astype(np.float16)}
    scales = np.abs(vectors).max(axis=1, initial=0.0) / _LARGEST
    whole = np.rint(vectors / np.where(scales > 0, scales, 1.0)[:, None])
    return {"vectors.npy": whole.astype(np.int8), "scales.npy": scales.astype(np.float32)}
