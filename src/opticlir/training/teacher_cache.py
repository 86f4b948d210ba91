"""English token vectors, computed once: the teacher is frozen, so the vectors of a sentence never change.

The vectors of a teacher are in a folder of shards. A shard is published when it is complete, and never changes. The
name of the folder is a hash of all that decides the vectors: weights, tokenizer, settings, precision and source code.
A shard finds a sentence by the hash of its text. A damaged shard is ignored, and its sentences are encoded again.
"""

import hashlib
import logging
import math
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sentence_transformers import MultiVectorEncoder

from opticlir.artefacts import ArtefactCache, mark_ours, mark_used
from opticlir.encoder import encode_queries, route_fingerprint, scored_ids
from opticlir.errors import ArtefactError
from opticlir.storage import LIBRARIES, SharedLock, made_by
from opticlir.training.teacher_shards import DIGEST, Precision, Shard, write_shard
from opticlir.training.teacher_space import check_space, evenly_spread, space_needed

logger = logging.getLogger(__name__)

_SHARD_TEXTS = 4096
_CHUNK = 1024
_MOST_SHARDS = 200  # per call: each needs an open file

Progress = Callable[[int, int], None]
"""Called with the number of texts done and of all texts."""

Announce = Callable[[Path, int, int], None]
"""Called with the folder, the bytes that will be written there, and the free bytes."""


class TeacherTokens:
    """Token matrices of a list of texts, memory-mapped. `TeacherCache.encode` makes one.

    Args:
        shards: contain the matrices.
        places: (texts, 2) int64, for each text the number of its shard and its number in the shard.
        lock: keeps the shards on the disk while this object lives.
    """

    def __init__(
        self,
        shards: Sequence[Shard],
        places: npt.NDArray[np.int64] | None = None,
        lock: object = None,
    ) -> None:
        self._shards = shards
        self._places = np.empty((0, 2), np.int64) if places is None else places
        self._lock = lock

    def __len__(self) -> int:
        return len(self._places)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(texts,) tokens of each."""
        lengths = np.empty(len(self._places), np.int64)
        for number, shard in enumerate(self._shards):
            own = self._places[:, 0] == number
            lengths[own] = shard.lengths[self._places[own, 1]]
        return lengths

    def take(self, texts: npt.NDArray[np.int64]) -> "TeacherTokens":
        """The matrices of some texts, numbered from 0."""
        return TeacherTokens(self._shards, self._places[texts], self._lock)

    def of(self, texts: Sequence[int]) -> list[npt.NDArray[np.floating[Any]]]:
        """The matrices of some texts."""
        return [self[text] for text in texts]

    def __getitem__(self, text: int) -> npt.NDArray[np.float16]:
        """(tokens, dim) float16, rows of length 1 up to their precision."""
        shard, row = self._places[text].tolist()
        return self._shards[shard].matrix(row)


class LiveTokens(TeacherTokens):
    """Token matrices that are computed at every use, and not stored.

    Args:
        cache: knows the teacher; its files are neither read nor written.
        texts: English sentences.
    """

    def __init__(self, cache: "TeacherCache", texts: Sequence[str]) -> None:
        super().__init__([])
        self._cache, self._texts = cache, texts

    def __len__(self) -> int:
        return len(self._texts)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(texts,) tokens of each, from the tokenizer."""
        ids = self._cache.scored_ids(self._texts)
        return np.fromiter(map(len, ids), np.int64, count=len(self._texts))

    def take(self, texts: npt.NDArray[np.int64]) -> TeacherTokens:
        """The matrices of some texts, numbered from 0."""
        return LiveTokens(self._cache, [self._texts[text] for text in texts.tolist()])

    def of(self, texts: Sequence[int]) -> list[npt.NDArray[np.floating[Any]]]:
        """The matrices of some texts, encoded together."""
        return [*self._cache.compute([self._texts[text] for text in texts])]

    def __getitem__(self, text: int) -> npt.NDArray[np.float16]:
        """(tokens, dim) float16, rows of length 1 up to their precision."""
        (matrix,) = self.of([text])
        return matrix.astype(np.float16)


class TeacherCache:
    """Vectors of one teacher under one set of options.

    Args:
        folder: root of the cache.
        teacher: encodes the English side by its query route, which the student replaces.
        name: of the teacher, for `opticlir cache ls`.
        bfloat16: compute in bfloat16 autocast. These vectors are not mixed with those computed in float32.
        vectors: stored precision; int8 takes half the space of float16.
    """

    def __init__(
        self,
        folder: Path,
        teacher: MultiVectorEncoder,
        *,
        name: str = "",
        bfloat16: bool = False,
        vectors: Precision = "float16",
    ) -> None:
        self._made_by = made_by(__name__, *LIBRARIES)
        self.folder = ArtefactCache(folder).path("teacher", {
            "route": route_fingerprint(teacher, "query"), "vectors": vectors, "bfloat16": bfloat16,
            "made_by": self._made_by,
        })  # fmt: skip
        self._teacher, self._vectors, self._bfloat16 = teacher, vectors, bfloat16
        self._config = {"teacher": name, "bfloat16": bfloat16}

    def encode(
        self,
        texts: Sequence[str],
        progress: Progress = lambda *_: None,
        announce: Announce = lambda *_: None,
    ) -> TeacherTokens:
        """Read the vectors of `texts` from the cache, and encode the missing ones.

        They are published shard by shard, so the work of a killed run is not lost.

        Args:
            texts: English sentences.
            progress: called after each shard.
            announce: called once before anything is encoded.

        Raises:
            ArtefactError: the teacher gives a vector that is not finite. The message has the text.
            SetupError: the disk has no space for the missing vectors; nothing is encoded.
        """
        mark_ours(self.folder)
        folder, lock = self._place()
        digests = np.fromiter(
            (hashlib.sha1(text.encode(), usedforsecurity=False).digest() for text in texts),
            DIGEST,
            len(texts),
        )
        wanted, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
        places = np.full((len(wanted), 2), -1, np.int64)
        shards = self._open_shards(wanted, places)
        # sorted by length: batches of a shard pay little for padding
        missing = np.flatnonzero(places[:, 0] < 0)
        lengths = np.fromiter(
            (len(texts[number]) for number in first[missing].tolist()), np.int64, len(missing)
        )
        missing = missing[np.argsort(lengths, kind="stable")]
        self._check_space(folder, texts, first[missing], announce)
        for chunk in _chunks(missing):
            progress(len(missing) - int((places[:, 0] < 0).sum()), len(missing))
            path = write_shard(
                folder, wanted[chunk], self._encoded(texts, first[chunk]),
                precision=self._vectors, config=self._config, made_by=self._made_by,
            )  # fmt: skip
            shards.append(Shard(path))
            places[chunk] = np.stack([np.full(len(chunk), len(shards) - 1), np.arange(len(chunk))], axis=1)
        if len(missing):
            progress(len(missing), len(missing))
        return TeacherTokens(shards, places[inverse], lock)

    def _place(self) -> tuple[Path, object]:
        """Where new shards are written, and the locks that keep them on disk. A cache may be read-only."""
        lock: SharedLock | None = None
        reason = "it cannot be written"
        try:
            lock = SharedLock(self.folder)
        except ArtefactError as error:
            reason = str(error)
        if lock is not None and os.access(self.folder, os.W_OK):
            return self.folder, lock
        logger.warning("the teacher vectors are not kept in %s: %s", self.folder, reason)
        own = _TemporaryFolder()
        return own.path, (lock, own)

    def _open_shards(self, wanted: npt.NDArray[Any], places: npt.NDArray[np.int64]) -> list[Shard]:
        """Open the undamaged shards that contain a wanted text, and write its place into `places`."""
        shards: list[Shard] = []
        for path in sorted(self.folder.glob("shard-*")) if len(wanted) else []:
            try:
                shard = Shard(path)
                near = np.searchsorted(wanted, shard.digests).clip(max=len(wanted) - 1)
                rows = np.flatnonzero(wanted[near] == shard.digests)
                if not len(rows):
                    continue
                _ = shard.vectors  # checked now
            except (ArtefactError, OSError, ValueError, KeyError) as error:
                logger.warning("%s is damaged and ignored: %s", path, error)
                continue
            mark_used(path)
            places[near[rows]] = np.stack([np.full(len(rows), len(shards)), rows], axis=1)
            shards.append(shard)
        return shards

    def _check_space(
        self, folder: Path, texts: Sequence[str], numbers: npt.NDArray[np.int64], announce: Announce
    ) -> None:
        if not len(numbers):
            return
        sample = [texts[number] for number in evenly_spread(numbers).tolist()]
        needed = space_needed(self._teacher, sample, len(numbers), self._vectors)
        announce(folder, needed, shutil.disk_usage(folder).free)
        check_space(folder, needed, len(numbers), self._vectors)

    def _encoded(
        self, texts: Sequence[str], numbers: npt.NDArray[np.int64]
    ) -> Iterator[npt.NDArray[np.float32]]:
        """Encode some texts, a chunk at a time."""
        for start in range(0, len(numbers), _CHUNK):
            yield from self.compute([texts[number] for number in numbers[start : start + _CHUNK].tolist()])

    def scored_ids(self, texts: Sequence[str]) -> Iterator[npt.NDArray[np.int64]]:
        """Ids of the tokens that have vectors, per text."""
        return scored_ids(self._teacher, texts, "query")

    def compute(self, texts: list[str]) -> list[npt.NDArray[np.float32]]:
        """Encode some texts without the cache. Raises ArtefactError if a vector is not finite."""
        with torch.autocast(self._teacher.device.type, dtype=torch.bfloat16, enabled=self._bfloat16):
            matrices = encode_queries(self._teacher, texts, padded=True)
        for text, matrix in zip(texts, matrices, strict=True):
            if not np.isfinite(matrix).all():
                raise ArtefactError(f"the teacher gives a vector that is not finite for {text!r}")
        return matrices


class _TemporaryFolder:
    """A folder that lives as long as this object."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="opticlir-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


def _chunks(numbers: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    size = max(_SHARD_TEXTS, math.ceil(len(numbers) / _MOST_SHARDS))
    return [numbers[start : start + size] for start in range(0, len(numbers), size)]
