"""Codecs: how a token vector becomes bytes, and how it is read back.

A small store keeps a projection of each vector, in few bits a number, with a scale per vector. The projection is
fitted on vectors of the collection: the leading eigenvectors of their uncentred second moments, then a rotation
that gives all numbers about the same spread. MaxSim then compares projected vectors.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias, get_args

import numpy as np
from jaxtyping import Float, Float32, UInt8

from opticlir.errors import SettingsError

Store: TypeAlias = Literal["float32", "float16", "int8", "4bit", "2bit"]
"""How a number of a stored vector is kept."""

STORES: tuple[Store, ...] = get_args(Store)
_BITS: dict[Store, int] = {"float32": 32, "float16": 16, "int8": 8, "4bit": 4, "2bit": 2}
_UPPER_LEVELS: dict[Store, tuple[float, ...]] = {
    "2bit": (0.4528, 1.5104),
    "4bit": (0.1284, 0.3881, 0.6568, 0.9424, 1.2562, 1.6181, 2.0691, 2.7326),
}
"""The levels above 0 with the smallest squared error for a normal distribution (Max, IRE Transactions 6, 1960)."""
_SCALE = np.dtype("<f2")


@dataclass(frozen=True)
class Codec:
    """Turns (n, dim) float32 vectors into rows of bytes, and those into (n, width) float32 vectors.

    Args:
        store: how a number is kept.
        dim: width of the encoder's vectors.
        fitted: (dim + 1, width) float32: an orthonormal projection, and in the last row the mean of the projected
            vectors. None keeps the vectors as they are, for `float32` and `float16`.
    """

    store: Store
    dim: int
    fitted: np.ndarray | None = None

    @property
    def width(self) -> int:
        """Numbers of a stored vector."""
        return self.dim if self.fitted is None else int(self.fitted.shape[1])

    @property
    def row_bytes(self) -> int:
        """Bytes of a stored vector."""
        return row_bytes(self.store, self.width)

    def project(self, vectors: Float[np.ndarray, "n dim"]) -> Float32[np.ndarray, "n width"]:
        """Vectors of the encoder, of questions or documents, in the space of the store."""
        if self.fitted is None:
            return np.asarray(vectors, dtype=np.float32)
        # in float64, so that a vector does not depend on its neighbours
        return (np.asarray(vectors, np.float64) @ self.fitted[:-1].astype(np.float64)).astype(np.float32)

    def encode(self, vectors: Float[np.ndarray, "n dim"]) -> UInt8[np.ndarray, "n bytes"]:
        """Rows of `row_bytes` bytes. A value beyond float16 becomes infinite in a store of that format."""
        rows = self.project(vectors)
        if self._is_float:
            with np.errstate(over="ignore"):
                kept = np.ascontiguousarray(rows, dtype=self._float)
            return kept.view(np.uint8).reshape(len(rows), self.row_bytes)
        rows = rows - self._mean
        levels = self._levels
        spread = np.abs(rows).max(axis=1) / 127 if self.store == "int8" else np.sqrt((rows**2).mean(axis=1))
        unit = rows / np.where(spread > 0, spread, 1)[:, None]
        if self.store == "int8":
            codes = (np.rint(unit) + 128).astype(np.uint8)
        else:
            codes = np.searchsorted((levels[1:] + levels[:-1]) / 2, unit).astype(np.uint8)
        near = levels[codes]  # the scale with the smallest squared error
        scales = ((rows * near).sum(axis=1) / np.maximum((near**2).sum(axis=1), 1e-12)).astype(_SCALE)
        packed = self._packed(codes)
        return np.concatenate([packed, scales[:, None].view(np.uint8)], axis=1)

    def decode(self, rows: UInt8[np.ndarray, "n bytes"]) -> Float[np.ndarray, "n width"]:
        """The stored vectors: a view in the stored format for `float32` and `float16`, else float32."""
        if self._is_float:
            return rows.view(self._float)
        scales = np.ascontiguousarray(rows[:, -_SCALE.itemsize :]).view(_SCALE).astype(np.float32)
        return self._levels[self._unpacked(rows[:, : -_SCALE.itemsize])] * scales + self._mean

    @property
    def _is_float(self) -> bool:
        return self.store in ("float32", "float16")

    @property
    def _float(self) -> np.dtype:
        return np.dtype(self.store).newbyteorder("<")

    @property
    def _mean(self) -> np.ndarray:
        return np.zeros(self.width, np.float32) if self.fitted is None else self.fitted[-1]

    @cached_property
    def _levels(self) -> np.ndarray:
        """The number that each code stands for, before scaling."""
        if self.store == "int8":
            return np.arange(-128, 128, dtype=np.float32)
        upper = np.array(_UPPER_LEVELS[self.store], dtype=np.float32)
        return np.concatenate([-upper[::-1], upper])

    def _packed(self, codes: np.ndarray) -> np.ndarray:
        bits = _BITS[self.store]
        groups = codes.reshape(len(codes), -1, 8 // bits)
        shifts = np.arange(0, 8, bits, dtype=np.uint8)
        return np.bitwise_or.reduce(groups << shifts, axis=2)

    def _unpacked(self, packed: np.ndarray) -> np.ndarray:
        bits = _BITS[self.store]
        shifts = np.arange(0, 8, bits, dtype=np.uint8)
        return ((packed[:, :, None] >> shifts) & np.uint8(2**bits - 1)).reshape(len(packed), self.width)


def row_bytes(store: Store, width: int) -> int:
    """Bytes of a stored vector of so many numbers."""
    return width * _BITS[store] // 8 + (0 if store in ("float32", "float16") else _SCALE.itemsize)


def check_store(store: str, store_dim: int | None) -> None:
    """Refuse an unknown store or a width that it cannot pack.

    Raises:
        SettingsError: `store` is unknown, or `store_dim` is not a multiple of 4 above 0.
    """
    if store not in STORES:
        raise SettingsError(f"store is {store!r}: expected one of {', '.join(STORES)}")
    if store_dim is not None and (store_dim < 1 or store_dim % 4):
        raise SettingsError(f"store_dim is {store_dim}: expected a multiple of 4, 4 or more")


def is_fitted(store: Store, dim: int, width: int) -> bool:
    """Whether a codec needs vectors to be fitted on."""
    return width != dim or store not in ("float32", "float16")


def fit_codec(
    store: Store, sample: Float32[np.ndarray, "n dim"], width: int | None = None, *, seed: int = 0
) -> Codec:
    """Fit a codec to vectors of a collection.

    Args:
        store: how a number is kept.
        sample: at least one vector; the more, the better the projection.
        width: numbers of a stored vector; None, or more than the vectors have, keeps all dimensions. Up to three are
            left out where they would not fill a byte.
        seed: of the rotation.

    Example:
        >>> sample = np.random.default_rng(0).normal(size=(500, 16)).astype(np.float32)
        >>> codec = fit_codec("4bit", sample, 8)
        >>> codec.row_bytes, codec.decode(codec.encode(sample)).shape
        (6, (500, 8))
    """
    dim = sample.shape[1]
    width = min(width or dim, dim)
    if not is_fitted(store, dim, width):
        return Codec(store, dim)
    width -= width % max(1, 8 // _BITS[store])
    rows = sample.astype(np.float64)
    _, vectors = np.linalg.eigh(rows.T @ rows)
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(width, width)))
    basis = vectors[:, ::-1][:, :width] @ rotation
    mean = (rows @ basis).mean(axis=0)
    return Codec(store, dim, np.vstack([basis, mean]).astype(np.float32))
