"""Token vectors of all documents on disk, end to end, checked block by block as they are read."""

import hashlib
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from opticlir.errors import ArtefactError
from opticlir.storage import Checksum, DurableFile, write_file

TokenType: TypeAlias = Literal["float16", "float32"]
"""How a token vector is kept: half precision halves the store, and its rounding is below 0.001."""

TOKENS = "tokens.bin"
"""(n_tokens, dim) rows, little-endian, nothing else."""
_BLOCKS = "tokens.sha256"
"""SHA-256 (32 bytes) of each block of tokens.bin."""
_BLOCK_SIZE = 2**20


class TokenWriter:
    """Appends token matrices to a new store; one document in memory at a time.

    Args:
        folder: an unpublished folder.
        dtype: what to keep.
        dim: width of every row.
    """

    def __init__(self, folder: Path, dtype: TokenType, dim: int) -> None:
        self.n_tokens = 0
        self.max_norm = 0.0
        self.dim = dim
        self._dtype = np.dtype(dtype).newbyteorder("<")
        self._folder = folder
        self._file = DurableFile(folder / TOKENS, block_size=_BLOCK_SIZE)

    def append(self, tokens: np.ndarray, doc_id: str) -> None:
        """Append the (tokens, dim) matrix of one document.

        Raises:
            ArtefactError: a value is NaN or infinite, or too large for the store's precision.
            ValueError: the matrix has another width than those before it.
        """
        if tokens.ndim != 2 or tokens.shape[1] != self.dim:
            raise ValueError(f"document {doc_id!r} has tokens {tokens.shape}, expected (tokens, {self.dim})")
        with np.errstate(over="ignore"):
            rows = np.ascontiguousarray(tokens, dtype=self._dtype)
        if not np.isfinite(rows).all():
            raise ArtefactError(
                f"document {doc_id!r}: its embedding holds NaN, infinity or a value beyond "
                f"{self._dtype.name}; nothing was stored; the model that made it is damaged"
            )
        norms = np.linalg.norm(rows.astype(np.float32), axis=1)
        self.max_norm = max(self.max_norm, float(norms.max()))
        self.n_tokens += len(rows)
        self._file.write(rows.data)

    def finish(self) -> dict[str, Checksum]:
        """Write the block table and give the checksums of both files."""
        tokens = self._file.finish()
        return {
            TOKENS: tokens,
            _BLOCKS: write_file(self._folder / _BLOCKS, b"".join(self._file.block_digests)),
        }

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class StoredTokens:
    """A memory-mapped token store; reading a slice checks the blocks under it, each once.

    Args:
        folder: a published version whose block table has been checked already.
        n_tokens: number of rows.
        dim: width of a row.
        dtype: how they are kept.
    """

    def __init__(self, folder: Path, *, n_tokens: int, dim: int, dtype: TokenType) -> None:
        self._path = folder / TOKENS
        self.shape = (n_tokens, dim)
        self.dtype = np.dtype(dtype).newbyteorder("<")
        # copy-on-write: torch wants a writable array, and nothing we do may reach the disk
        self._rows = np.memmap(self._path, dtype=self.dtype, mode="c", shape=self.shape)
        self._bytes = self._rows.reshape(-1).view(np.uint8)
        table = (folder / _BLOCKS).read_bytes()
        self._digests = [table[start : start + 32] for start in range(0, len(table), 32)]
        self._is_checked = np.zeros(len(self._digests), dtype=bool)

    def __getitem__(self, rows: slice) -> np.ndarray:
        """Rows of a slice with step 1, as they are kept; a view of the file.

        Raises:
            ArtefactError: a block under the slice is not what was written.
        """
        start, stop, _ = rows.indices(self.shape[0])
        width = self.shape[1] * self.dtype.itemsize
        if stop > start:
            self._check(start * width // _BLOCK_SIZE, (stop * width - 1) // _BLOCK_SIZE + 1)
        return self._rows[start:stop]

    def _check(self, first: int, last: int) -> None:
        for block in first + np.flatnonzero(~self._is_checked[first:last]):
            start = int(block) * _BLOCK_SIZE
            content = self._bytes[start : start + _BLOCK_SIZE]
            if hashlib.sha256(content.data).digest() != self._digests[block]:
                raise ArtefactError(
                    f"{self._path} is not what was written, bytes {start} to {start + len(content)}: "
                    "it is damaged; build it again, or restore it from a copy"
                )
            self._is_checked[block] = True
