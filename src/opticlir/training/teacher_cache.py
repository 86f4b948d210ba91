"""English token vectors, computed once: the teacher is frozen, so what it says of a sentence never changes.

A cache is a folder of shards that are published whole and never changed. Its name is a hash of all that
decides the vectors (weights, tokenizer, settings, precision); a shard finds a sentence by the hash of
its text. A shard that is torn or altered is ignored, and its sentences are encoded again.
"""

import hashlib
import logging
import os
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from sentence_transformers import MultiVectorEncoder

from opticlir.encoder import encode_queries, route_fingerprint
from opticlir.errors import ArtefactError
from opticlir.manifest import Manifest, read_manifest, write_manifest
from opticlir.storage import check_files, publish_folder, sha256_file
from opticlir.storage.files import Checksum

logger = logging.getLogger(__name__)

_KIND, _VERSION = "teacher cache shard", 1
_MANIFEST = "manifest.json"
_SHARD_TEXTS = 4096
_DIGEST = np.dtype("S20")

Progress = Callable[[int, int], None]
"""Called with the number of texts done and of all."""


def default_cache_folder() -> Path:
    """`$OPTICLIR_CACHE`, or `opticlir` in the user's cache folder."""
    if folder := os.environ.get("OPTICLIR_CACHE"):
        return Path(folder)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "opticlir"


class TeacherTokens:
    """Token matrices of a list of texts, memory-mapped; made by `TeacherCache.encode`."""

    def __init__(self, rows: list[tuple[npt.NDArray[np.float16], int, int]]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, text: int) -> npt.NDArray[np.float16]:
        """(tokens, dim) float16, unit rows."""
        vectors, start, end = self._rows[text]
        return vectors[start:end]


class TeacherCache:
    """Vectors of one teacher under one set of options.

    Args:
        folder: where caches of all teachers live.
        teacher: encodes the English side by its query route, since the student is to replace that one.
        bfloat16: compute in bfloat16 autocast; kept apart from vectors computed in float32.
    """

    def __init__(self, folder: Path, teacher: MultiVectorEncoder, *, bfloat16: bool = False) -> None:
        key = f"{route_fingerprint(teacher, 'query')} float16 bfloat16={bfloat16}"
        self.folder = folder / "teacher" / hashlib.sha256(key.encode()).hexdigest()[:24]
        self._teacher = teacher
        self._bfloat16 = bfloat16

    def encode(self, texts: Sequence[str], progress: Progress = lambda *_: None) -> TeacherTokens:
        """Vectors of `texts`, from the cache where it has them.

        What is missing is encoded and published shard by shard, so that a killed run keeps what it did.

        Raises:
            ArtefactError: the teacher gives a vector that is not finite; the message holds the text.
        """
        digests = np.array(
            [hashlib.sha1(text.encode(), usedforsecurity=False).digest() for text in texts], _DIGEST
        )
        found = self._open_shards()
        missing = [number for number in self._first_of_each(digests) if digests[number] not in found]
        # sorted by length: batches of a shard pay little for padding
        missing.sort(key=lambda number: len(texts[number]))
        for start in range(0, len(missing), _SHARD_TEXTS):
            chunk = missing[start : start + _SHARD_TEXTS]
            progress(start, len(missing))
            self._write_shard([texts[number] for number in chunk], digests[chunk])
        if missing:
            progress(len(missing), len(missing))
            found = self._open_shards()
        return TeacherTokens([found[digest] for digest in digests])

    @staticmethod
    def _first_of_each(digests: np.ndarray) -> list[int]:
        return np.sort(np.unique(digests, return_index=True)[1]).tolist()

    def _open_shards(self) -> dict[bytes, tuple[npt.NDArray[np.float16], int, int]]:
        found: dict[bytes, tuple[npt.NDArray[np.float16], int, int]] = {}
        for path in sorted(self.folder.glob("shard-*")) if self.folder.exists() else []:
            try:
                check_files(path, read_manifest(path / _MANIFEST, kind=_KIND, newest_version=_VERSION).files)
                digests, starts = np.load(path / "texts.npy"), np.load(path / "starts.npy")
                vectors = np.load(path / "vectors.npy", mmap_mode="r")
            except (ArtefactError, OSError, ValueError) as error:
                logger.warning("%s is damaged and left out of the cache: %s", path, error)
                continue
            for row, digest in enumerate(digests):
                found[digest] = (vectors, int(starts[row]), int(starts[row + 1]))
        return found

    def _write_shard(self, texts: list[str], digests: np.ndarray) -> None:
        with torch.autocast(self._teacher.device.type, dtype=torch.bfloat16, enabled=self._bfloat16):
            matrices = encode_queries(self._teacher, texts)
        for text, matrix in zip(texts, matrices, strict=True):
            if not np.isfinite(matrix).all():
                raise ArtefactError(f"the teacher gives a vector that is not finite for {text!r}")
        starts = np.cumsum([0, *(len(matrix) for matrix in matrices)])
        with publish_folder(self.folder / f"shard-{uuid.uuid4().hex}") as shard:
            arrays = {
                "texts.npy": digests,
                "starts.npy": starts,
                "vectors.npy": np.concatenate(matrices).astype(np.float16),
            }
            for name, array in arrays.items():
                np.save(shard / name, array, allow_pickle=False)
            files = {
                name: Checksum((shard / name).stat().st_size, sha256_file(shard / name)) for name in arrays
            }
            write_manifest(
                shard / _MANIFEST,
                Manifest(kind=_KIND, format_version=_VERSION, files=files,
                         counts={"texts": len(texts), "tokens": int(starts[-1])}),
            )  # fmt: skip
