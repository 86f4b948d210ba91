"""Decompresses gzip, bzip2, xz and zstd, recognised by their first bytes, in bounded memory."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from io import BufferedIOBase
from pathlib import Path

from opticlir.errors import DataError

COMPRESSED_ENDINGS = (".gz", ".bz2", ".xz", ".zst")

MAX_RATIO = 200
"""Most decompressed bytes per compressed byte. Text stays below 20; a bomb has about 1000."""

_CHUNK_BYTES = 1 << 18
_STEP_BYTES = 1 << 10  # compressed bytes at a time, where a decompressor cannot limit what it gives
_UNCHECKED_BYTES = 1 << 26  # no ratio is checked below this size
_MEMORY_BYTES = 1 << 28  # for the dictionary of an xz or zstd stream


class _CountingReader:
    """Counts the bytes that a decompressor reads. It also works for pipes, which have no `tell`."""

    def __init__(self, raw: BufferedIOBase) -> None:
        self._raw = raw
        self.n_bytes = 0

    def read(self, size: int = -1) -> bytes:
        data = self._raw.read(size)
        self.n_bytes += len(data)
        return data


def plain_name(path: Path) -> str:
    """Return the name of a file without the ending of its compression.

    Example:
        >>> plain_name(Path("news.tsv.zst")), plain_name(Path("news.tsv"))
        ('news.tsv', 'news.tsv')
    """
    for ending in COMPRESSED_ENDINGS:
        if path.name.lower().endswith(ending):
            return path.name[: -len(ending)]
    return path.name


def decompressed(raw: BufferedIOBase, path: Path) -> Iterator[bytes]:
    """Yield the bytes of an open file, decompressed if it is compressed.

    Args:
        raw: the file, with `peek`.
        path: its path, for messages.

    Raises:
        DataError: the stream is cut off or damaged, or grows by more than `MAX_RATIO` beyond its first 64 MiB.
    """
    magic = raw.peek(6)[:6]  # type: ignore[attr-defined]  # a BufferedReader
    name, chunks = next(
        (found for start, found in _FORMATS.items() if magic.startswith(start)), ("", _plain_chunks)
    )
    counting = _CountingReader(raw)
    n_bytes = 0
    try:
        for chunk in chunks(counting):
            n_bytes += len(chunk)
            if name and n_bytes > max(_UNCHECKED_BYTES, MAX_RATIO * counting.n_bytes):
                raise DataError(
                    f"{path}: {counting.n_bytes} compressed bytes have become {n_bytes}, more than "
                    f"{MAX_RATIO} times as many: this looks like a {name} bomb; "
                    "decompress it yourself if you trust it"
                )
            yield chunk
    except EOFError:
        if not name:
            raise
        raise DataError(
            f"{path}: the {name} stream ends early: the file is cut off, fetch it again"
        ) from None
    except (OSError, zlib.error, lzma.LZMAError, _DamagedError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # of the disk, not of the data
            raise
        raise DataError(f"{path}: damaged {name} file ({error}): fetch it again") from None


class _DamagedError(Exception):
    """A zstd stream is damaged."""


def _plain_chunks(raw: _CountingReader) -> Iterator[bytes]:
    while chunk := raw.read(_CHUNK_BYTES):
        yield chunk


def _gzip_chunks(raw: _CountingReader) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=raw, mode="rb") as stream:  # type: ignore[call-overload]  # needs `read` alone
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk


def _bzip2_chunks(raw: _CountingReader) -> Iterator[bytes]:
    decoder = bz2.BZ2Decompressor()
    data = b""
    while True:
        if decoder.eof:
            data = decoder.unused_data or raw.read(_STEP_BYTES)
            if not data:
                return
            decoder = bz2.BZ2Decompressor()
        elif decoder.needs_input:
            data = raw.read(_STEP_BYTES)
            if not data:
                raise EOFError
        if chunk := decoder.decompress(data, _CHUNK_BYTES):
            yield chunk
        data = b""


def _xz_chunks(raw: _CountingReader) -> Iterator[bytes]:
    decoder = _new_xz()
    while True:
        if decoder.eof:  # another stream, or padding of zeros, may follow
            data = (decoder.unused_data or raw.read(_STEP_BYTES)).lstrip(b"\0")
            if not data and not (data := raw.read(_STEP_BYTES).lstrip(b"\0")):
                return
            decoder = _new_xz()
        elif not (data := raw.read(_STEP_BYTES)):
            raise EOFError
        if chunk := decoder.decompress(data):
            yield chunk


def _new_xz() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY_BYTES)


def _zstd_chunks(raw: _CountingReader) -> Iterator[bytes]:
    import zstandard  # noqa: PLC0415

    decompressor = zstandard.ZstdDecompressor(max_window_size=_MEMORY_BYTES)
    decoder = decompressor.decompressobj()
    while True:
        if decoder.eof:
            data = decoder.unused_data or raw.read(_STEP_BYTES)
            if not data:
                return
            decoder = decompressor.decompressobj()
        elif not (data := raw.read(_STEP_BYTES)):
            raise EOFError
        try:
            chunk = decoder.decompress(data)
        except zstandard.ZstdError as error:
            raise _DamagedError(str(error)) from None
        if chunk:
            yield chunk


_FORMATS: dict[bytes, tuple[str, Callable[[_CountingReader], Iterator[bytes]]]] = {
    b"\x1f\x8b": ("gzip", _gzip_chunks),
    b"BZh": ("bzip2", _bzip2_chunks),
    b"\xfd7zXZ\x00": ("xz", _xz_chunks),
    b"\x28\xb5\x2f\xfd": ("zstd", _zstd_chunks),
}
