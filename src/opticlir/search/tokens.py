"""Token vectors of the documents of a segment on disk, end to end, checked block by block as they are read."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from opticlir.errors import ArtefactError
from opticlir.maxsim import TokenRows
from opticlir.progress import Check
from opticlir.search.arrays import damaged, read_array, write_array
from opticlir.search.codecs import Codec, Store, fit_codec, is_fitted
from opticlir.storage import Checksum, DurableFile, MappedFile, write_file

TOKENS = "tokens"
"""Name of the store of token vectors; see `store_files`."""
CODEC = "codec.npy"
"""What was fitted for the codec; only where something was."""
_BLOCK_SIZE = 2**20
_SAMPLE = 2**26
"""Bytes of float32 vectors that a codec is fitted on: 44,000 of 384 dimensions."""
FEWEST = 4096
"""Vectors that a codec needs. A smaller collection is stored in float16, because it is small anyway."""


def store_files(name: str) -> tuple[str, str]:
    """The files of a store: a row of bytes for each vector, and the SHA-256 (32 bytes) of each block of them."""
    return f"{name}.bin", f"{name}.sha256"


class TokenWriter:
    """Appends token matrices to a new store, with one passage in memory at a time.

    A store with a fitted codec first collects 64 MB of vectors, and fits it on those.

    Args:
        folder: of an unpublished segment.
        store: how a number is kept.
        store_dim: numbers of a stored vector; None keeps those of the encoder.
        codec: one that was fitted before; None fits it here.
        name: of the store.
    """

    def __init__(
        self,
        folder: Path,
        store: Store,
        store_dim: int | None = None,
        *,
        codec: Codec | None = None,
        name: str = TOKENS,
    ) -> None:
        self.n_tokens = 0
        self.max_norm = 0.0
        self.dim = 0  # until the first matrix
        self._codec = codec
        self._store, self._store_dim = store, store_dim
        self._waiting: list[tuple[np.ndarray, str]] = []  # until the codec is fitted
        self._folder, (self._name, self._blocks) = folder, store_files(name)
        self._file = DurableFile(folder / self._name, block_size=_BLOCK_SIZE)

    def append(self, tokens: np.ndarray, doc_id: str) -> None:
        """Append the (tokens, dim) matrix of a document, or of a passage of it.

        Args:
            tokens: float vectors of the encoder; or uint8 rows of another store with the same codec, which are
                copied.
            doc_id: for messages.

        Raises:
            ArtefactError: a value is NaN or infinite, or too large for the store's precision.
            ValueError: the matrix has another width than those before it.
        """
        if tokens.dtype == np.uint8:
            self._write(tokens, doc_id)
            return
        self.dim = self.dim or tokens.shape[-1]
        if tokens.ndim != 2 or tokens.shape[1] != self.dim:
            raise ValueError(f"document {doc_id!r} has tokens {tokens.shape}, expected (tokens, {self.dim})")
        if self._codec is None and not is_fitted(self._store, self.dim, self._store_dim or self.dim):
            self._codec = Codec(self._store, self.dim)
        if self._codec is not None:
            self._encode(tokens, doc_id)
            return
        if not np.isfinite(tokens).all():
            raise _not_finite(doc_id, "float32")
        self._waiting.append((np.array(tokens, dtype=np.float32), doc_id))
        self.n_tokens += len(tokens)
        if 4 * self.dim * self.n_tokens >= _SAMPLE:
            self._fit()

    @property
    def codec(self) -> Codec:
        """How the vectors are written; known once one is. Raises ValueError before."""
        if self._codec is None:
            raise ValueError("no vector is written yet")
        return self._codec

    def _fit(self) -> None:
        """Fit the codec on the vectors that wait, and write them."""
        waiting, self._waiting = self._waiting, []
        sample = np.concatenate([tokens for tokens, _ in waiting])
        is_small = len(sample) < FEWEST
        self._codec = (
            Codec("float32" if self._store == "float32" else "float16", self.dim)
            if is_small
            else fit_codec(self._store, sample, self._store_dim)
        )
        self.n_tokens -= len(sample)
        for tokens, doc_id in waiting:
            self._encode(tokens, doc_id)

    def _encode(self, tokens: np.ndarray, doc_id: str) -> None:
        if not np.isfinite(tokens).all():  # codes of few bits cannot say so
            raise _not_finite(doc_id, self.codec.store)
        self._write(self.codec.encode(tokens), doc_id)

    def _write(self, rows: np.ndarray, doc_id: str) -> None:
        vectors = self.codec.decode(rows)
        if not np.isfinite(vectors).all():
            raise _not_finite(doc_id, self.codec.store)
        self.dim = self.codec.dim
        norms = np.linalg.norm(vectors.astype(np.float32), axis=1)
        self.max_norm = max(self.max_norm, float(norms.max()))
        self.n_tokens += len(rows)
        self._file.write(np.ascontiguousarray(rows).data)

    def finish(self) -> dict[str, Checksum]:
        """Write the block table, and return the checksums of both files."""
        if self._waiting:
            self._fit()
        tokens = self._file.finish()
        blocks = b"".join(self._file.block_digests)
        return {self._name: tokens, self._blocks: write_file(self._folder / self._blocks, blocks)}

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _not_finite(doc_id: str, store: str) -> ArtefactError:
    return ArtefactError(
        f"document {doc_id!r}: its embedding holds NaN, infinity or a value beyond {store}; nothing was stored; "
        "the model that made it is damaged"
    )


def write_codec(folder: Path, codec: Codec) -> dict[str, Checksum]:
    """Write what was fitted, if anything was, and return the checksum of its file."""
    return {} if codec.fitted is None else {CODEC: write_array(folder / CODEC, codec.fitted)}


def read_codec(folder: Path, store: Store, dim: int, width: int) -> Codec:
    """The codec of a published version.

    Args:
        folder: of the version.
        store: how a number is kept.
        dim: width of the encoder's vectors.
        width: numbers of a stored vector.

    Raises:
        ArtefactError: what was fitted for it is damaged.
    """
    if not is_fitted(store, dim, width):
        return Codec(store, dim)
    fitted = read_array(folder / CODEC, np.float32, dim + 1, width=width)
    if not np.isfinite(fitted).all():
        raise damaged(folder / CODEC, "it holds NaN or infinity")
    return Codec(store, dim, fitted)


class CheckedRows:
    """Token vectors that call a check before each slice is read.

    Args:
        rows: the vectors.
        check: raises to stop the reading.
    """

    def __init__(self, rows: TokenRows, check: Check) -> None:
        self._rows, self._check = rows, check
        self.shape = rows.shape

    def __getitem__(self, rows: slice) -> np.ndarray:
        """Read a slice."""
        self._check()
        return self._rows[rows]


class StoredTokens:
    """A memory-mapped token store. Reading a slice checks its blocks, each once.

    Args:
        folder: of a published segment whose block table has the right checksum.
        n_tokens: number of rows.
        codec: how they are written.
        name: of the store.

    Raises:
        ArtefactError: the files have another size.
    """

    def __init__(self, folder: Path, *, n_tokens: int, codec: Codec, name: str = TOKENS) -> None:
        rows, blocks = store_files(name)
        self._path = folder / rows
        self.codec = codec
        self.shape = (n_tokens, codec.width)
        self._file = MappedFile(self._path)
        if self._file.n_bytes != n_tokens * codec.row_bytes:
            raise damaged(self._path, f"it does not hold {n_tokens} vectors of {codec.width} numbers")
        self._bytes = np.frombuffer(self._file.content, np.uint8)
        self._rows = self._bytes.reshape(n_tokens, codec.row_bytes)
        table = (folder / blocks).read_bytes()
        if len(table) != 32 * -(-len(self._bytes) // _BLOCK_SIZE):
            raise damaged(folder / blocks, "it does not hold a checksum for each block of the vectors")
        self._digests = [table[start : start + 32] for start in range(0, len(table), 32)]
        self._is_checked = np.zeros(len(self._digests), dtype=bool)

    def __getitem__(self, rows: slice) -> np.ndarray:
        """(n, width) vectors of a slice with step 1: a view of the file for `float16` and `float32`, else float32.

        Raises:
            ArtefactError: as for `codes`.
        """
        return self.codec.decode(self.codes(rows))

    def codes(self, rows: slice) -> np.ndarray:
        """(n, row_bytes) uint8: the rows of a slice with step 1 as they are on disk; a view of the file.

        Raises:
            ArtefactError: a block of the slice is damaged, or the file has changed since it was opened.
        """
        self._file.check()
        start, stop, _ = rows.indices(self.shape[0])
        width = self.codec.row_bytes
        if stop > start:
            self._check(start * width // _BLOCK_SIZE, (stop * width - 1) // _BLOCK_SIZE + 1)
        return self._rows[start:stop]

    def gathered(self, parts: Sequence[slice]) -> np.ndarray:
        """The vectors of several slices with step 1, end to end, as by `__getitem__`; at least one.

        Raises:
            ArtefactError: as for `codes`.
        """
        self._file.check()
        width = self.codec.row_bytes
        for part in parts:
            self._check(part.start * width // _BLOCK_SIZE, (part.stop * width - 1) // _BLOCK_SIZE + 1)
        return self.codec.decode(np.concatenate([self._rows[part] for part in parts]))

    def _check(self, first: int, last: int) -> None:
        if self._is_checked[first:last].all():
            return
        for block in first + np.flatnonzero(~self._is_checked[first:last]):
            start = int(block) * _BLOCK_SIZE
            content = self._bytes[start : start + _BLOCK_SIZE]
            if hashlib.sha256(content.data).digest() != self._digests[block]:
                raise ArtefactError(
                    f"{self._path} is not what was written, bytes {start} to {start + len(content)}: "
                    "it is damaged; build it again, or restore it from a copy"
                )
            self._is_checked[block] = True
