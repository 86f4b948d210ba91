"""Reads text files safely: plain or gzipped, strict UTF-8, line by line, in constant memory.

Only LF ends a line. U+2028, U+0085, VT and FF occur inside sentences, and splitting there (as
`str.splitlines` does) would misalign the two sides of a bitext.
"""

import codecs
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from opticlir.data.skipping import MalformedRecordError, SkipReport
from opticlir.data.visible import shown
from opticlir.errors import DataError

MAX_LINE_BYTES = 10_000_000
MAX_GZIP_RATIO = 200
"""Most decompressed bytes per compressed byte. Text stays below 20; a gzip bomb has about 1000."""

_CHUNK_BYTES = 1 << 18
_UNCHECKED_BYTES = 1 << 26  # no ratio is checked below this size
_HEAD_BYTES = 4096

_UTF_16_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_MAGIC = (
    (b"PK\x03\x04", "a zip archive or office document: unpack it or export it as text"),
    (b"%PDF-", "a PDF: extract its text first"),
    (b"\xd0\xcf\x11\xe0", "an old office document: export it as UTF-8 text"),
    (b"\x1f\x8b", "gzip inside gzip: decompress it once"),
    (b"\xfd7zXZ\x00", "an xz archive: decompress it first"),
    (b"BZh91AY&SY", "a bzip2 archive: decompress it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive: decompress it first"),
    (b"PAR1", "a Parquet table: export it as TSV or JSON lines"),
    (b"SQLite format 3\x00", "an SQLite database: export it as TSV or JSON lines"),
)


class _CountingReader:
    """Counts the bytes that a decompressor reads. It also works for pipes, which have no `tell`."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self.n_bytes = 0

    def read(self, size: int = -1) -> bytes:
        data = self._raw.read(size)
        self.n_bytes += len(data)
        return data


def read_chunks(path: Path) -> Iterator[bytes]:
    """Read a plain or gzipped file in chunks. Gzip is recognised by its first bytes, not by the name.

    Args:
        path: the file to read.

    Yields:
        Decompressed bytes, at most 256 KiB at a time, never an empty chunk.

    Raises:
        DataError: the file is missing, unreadable or empty; the gzip stream is cut off or damaged, or grows
            by more than `MAX_GZIP_RATIO` beyond its first 64 MiB.
    """
    is_empty = True
    try:
        with path.open("rb") as raw:
            for chunk in _decompressed(raw, path):
                is_empty = False
                yield chunk
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise DataError(f"{path}: this is a folder, expected a file") from None
    except EOFError:
        raise DataError(f"{path}: the gzip stream ends early: the file is cut off, fetch it again") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: damaged gzip file ({error}): fetch it again") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    if is_empty:
        raise DataError(f"{path}: the file is empty")


def _decompressed(raw: BinaryIO, path: Path) -> Iterator[bytes]:
    """Yield the bytes of an open file; decompress gzip."""
    if not raw.peek(2).startswith(b"\x1f\x8b"):  # type: ignore[attr-defined]  # a BufferedReader
        while chunk := raw.read(_CHUNK_BYTES):
            yield chunk
        return
    counting = _CountingReader(raw)
    n_bytes = 0
    with gzip.GzipFile(fileobj=counting, mode="rb") as stream:  # type: ignore[call-overload]  # needs `read` alone
        while chunk := stream.read(_CHUNK_BYTES):
            n_bytes += len(chunk)
            if n_bytes > max(_UNCHECKED_BYTES, MAX_GZIP_RATIO * counting.n_bytes):
                raise DataError(
                    f"{path}: {counting.n_bytes} compressed bytes have become {n_bytes}, more than "
                    f"{MAX_GZIP_RATIO} times as many: this looks like a gzip bomb; "
                    "decompress it yourself if you trust it"
                )
            yield chunk


def read_lines(
    path: Path, *, skipped: SkipReport | None = None, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[tuple[int, str]]:
    """Read a UTF-8 text file line by line, plain or gzipped.

    Lines end at LF. One CR before it is removed, so mixed line ends are no problem. A byte order mark at the
    start is removed.

    Args:
        path: the file to read.
        skipped: None refuses a line that is not UTF-8, contains NUL or is too long; a lenient report
            skips and counts it.
        max_line_bytes: longest line that is read; a longer one is never in memory.

    Yields:
        Line number, from 1, and the line without its end.

    Raises:
        DataError: the file cannot be read, is empty or binary, or a line is malformed and refused.
    """
    report = SkipReport.of(skipped)
    for number, raw_line in enumerate(_split_at_lf(_text_chunks(path), max_line_bytes), start=1):
        try:
            line = _decode(raw_line, max_line_bytes)
        except MalformedRecordError as error:
            report.malformed(DataError(f"{path}:{number}: {error}"))
        else:
            yield number, line


def read_text(path: Path, *, max_bytes: int) -> str:
    """Read a whole UTF-8 file, plain or gzipped, of at most `max_bytes` decompressed bytes.

    Raises:
        DataError: the file cannot be read, is empty, binary, not UTF-8, or larger than `max_bytes`.
    """
    data = bytearray()
    for chunk in _text_chunks(path):
        data += chunk
        if len(data) > max_bytes:
            raise DataError(f"{path}: larger than {max_bytes} bytes, the most that is read at once")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path}:{line}: byte 0x{data[error.start]:02x} is not UTF-8 ({error.reason})"
        ) from None


def _text_chunks(path: Path) -> Iterator[bytes]:
    """Yield the chunks of a text file without its byte order mark. Refuse binary files."""
    chunks = read_chunks(path)
    head = next(chunks)
    while len(head) < _HEAD_BYTES and (more := next(chunks, b"")):  # a pipe gives a few bytes at a time
        head += more
    _refuse_binary(head[:_HEAD_BYTES], path)
    head = head.removeprefix(codecs.BOM_UTF8)
    if not head:
        raise DataError(f"{path}: the file is empty (a byte order mark and nothing else)")
    yield head
    yield from chunks


def _refuse_binary(head: bytes, path: Path) -> None:
    """Raise DataError if a file does not begin as UTF-8 text. The message names the likely format."""
    for magic, description in _MAGIC:
        if head.startswith(magic):
            raise DataError(f"{path}:1: this looks like {description}")
    n_nul, n_pairs = head.count(0), len(head) // 2
    # ASCII in UTF-16 has NUL in every second byte, always on the same side
    is_utf_16 = n_nul > 0 and max(head[::2].count(0), head[1::2].count(0)) == n_nul >= 0.3 * n_pairs
    if head.startswith(_UTF_16_BOMS) or is_utf_16:
        raise DataError(f"{path}:1: this looks like UTF-16: convert it with iconv -f UTF-16 -t UTF-8")
    if n_nul:
        at = head.index(0)
        raise DataError(
            f"{path}:{head.count(10, 0, at) + 1}: NUL byte at byte {at}: this looks like a binary file"
        )


def _split_at_lf(chunks: Iterator[bytes], max_line_bytes: int) -> Iterator[bytes | None]:
    """Split a byte stream at LF. A line above the limit is yielded as None, and its bytes are released."""
    pending = bytearray()
    is_overlong = False
    for chunk in chunks:
        for at, piece in enumerate(chunk.split(b"\n")):
            if at:  # an LF was before this piece: the pending line is complete
                if not is_overlong:
                    yield bytes(pending)
                pending.clear()
                is_overlong = False
            if is_overlong:
                continue
            pending += piece
            if len(pending) > max_line_bytes:
                is_overlong = True
                pending.clear()
                yield None
    if pending:
        yield bytes(pending)


def _decode(raw_line: bytes | None, max_line_bytes: int) -> str:
    """Decode one line, or raise MalformedRecordError with the reason."""
    if raw_line is None:
        raise MalformedRecordError(
            f"the line is longer than {max_line_bytes} bytes: is this one record a line?"
        )
    try:
        line = raw_line.decode("utf-8")
    except UnicodeDecodeError as error:
        before = shown(raw_line[max(0, error.start - 20) : error.start].decode("utf-8", errors="replace"))
        raise MalformedRecordError(
            f"byte 0x{raw_line[error.start]:02x} at byte {error.start + 1} of the line, after {before}, "
            f"is not UTF-8 ({error.reason}): find the encoding of the file and convert it with iconv"
        ) from None
    if "\0" in line:
        raise MalformedRecordError(
            f"NUL character at byte {raw_line.index(0) + 1} of the line: text contains none"
        )
    return line.removesuffix("\r")
