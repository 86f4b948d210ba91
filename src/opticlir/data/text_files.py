"""Reads text files safely: plain or compressed, strict UTF-8, line by line, in constant memory.

Only LF ends a line. U+2028, U+0085, VT and FF occur inside sentences, and splitting there (as
`str.splitlines` does) would misalign the two sides of a bitext.
"""

import codecs
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from opticlir.data.archives import archive_of, opened_member
from opticlir.data.compression import decompressed
from opticlir.data.skipping import MalformedRecordError, SkipReport
from opticlir.errors import DataError
from opticlir.visible import shown

MAX_LINE_BYTES = 10_000_000

_HEAD_BYTES = 4096

# longer marks first: that of UTF-32 begins with that of UTF-16
_UNICODE_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le", codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be",
}  # fmt: skip
_MAGIC = (
    (b"PK\x03\x04", "a zip archive or office document: unpack it or export it as text"),
    (b"%PDF-", "a PDF: extract its text first"),
    (b"\xd0\xcf\x11\xe0", "an old office document: export it as UTF-8 text"),
    (b"\x1f\x8b", "gzip inside another compression: decompress it once"),
    (b"\xfd7zXZ\x00", "xz inside another compression: decompress it once"),
    (b"BZh91AY&SY", "bzip2 inside another compression: decompress it once"),
    (b"\x28\xb5\x2f\xfd", "zstd inside another compression: decompress it once"),
    (b"PAR1", "a Parquet table: give it the ending .parquet, if bitext is wanted; else export it as text"),
    (b"SQLite format 3\x00", "an SQLite database: export it as TSV or JSON lines"),
)


def read_chunks(path: Path) -> Iterator[bytes]:
    """Read a file in chunks, decompressed.

    Gzip, bzip2, xz and zstd are recognised by their first bytes, not by the name. A path may lead into a zip
    archive: `en-sw.zip/OPUS.en-sw.en`.

    Args:
        path: the file to read.

    Yields:
        Decompressed bytes, never an empty chunk.

    Raises:
        DataError: the file is missing, unreadable or empty; its compression is cut off or damaged, or grows
            by more than `compression.MAX_RATIO` beyond its first 64 MiB.
    """
    is_empty = True
    archive = archive_of(path)
    try:
        with opened_member(path, archive) if archive else path.open("rb") as raw:
            for chunk in decompressed(raw, path):
                is_empty = False
                yield chunk
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise DataError(f"{path}: this is a folder, expected a file") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    if is_empty:
        raise DataError(f"{path}: the file is empty")


def read_lines(
    path: Path, *, skipped: SkipReport | None = None, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[tuple[int, str]]:
    """Read a UTF-8 text file line by line, plain or compressed.

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
            report.malformed(path, number, str(error))
        else:
            yield number, line


def read_text(path: Path, *, max_bytes: int) -> str:
    """Read a whole UTF-8 file, plain or compressed, of at most `max_bytes` decompressed bytes.

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


def utf8_chunks(path: Path) -> tuple[str, Iterator[bytes]]:
    """Return the encoding that a byte order mark names, and the chunks of the file without the mark in UTF-8.

    Args:
        path: the file to read.

    Returns:
        `utf-8`, `utf-16-le` and so on, empty without a mark; and the chunks, unchanged if there is no mark.

    Raises:
        DataError: as `read_chunks`; or the text is not in the encoding of its mark.
    """
    chunks = read_chunks(path)
    head = next(chunks)
    while len(head) < _HEAD_BYTES and (more := next(chunks, b"")):  # a pipe gives a few bytes at a time
        head += more
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8", _after_mark(head.removeprefix(codecs.BOM_UTF8), chunks)
    for mark, encoding in _UNICODE_MARKS.items():
        if head.startswith(mark):
            return encoding, _recoded(_after_mark(head.removeprefix(mark), chunks), encoding, path)
    return "", chain([head], chunks)


def _after_mark(head: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    return chain([head] if head else [], chunks)


def _recoded(chunks: Iterator[bytes], encoding: str, path: Path) -> Iterator[bytes]:
    """Yield chunks in UTF-8."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for chunk in chain(chunks, [b""]):
            if text := decoder.decode(chunk, final=not chunk):
                yield text.encode()
    except UnicodeError as error:
        raise DataError(
            f"{path}: its byte order mark says {encoding.upper()}, but it is not: {error}"
        ) from None


def _text_chunks(path: Path) -> Iterator[bytes]:
    """Yield the chunks of a text file in UTF-8 without its byte order mark. Refuse binary files."""
    mark, chunks = utf8_chunks(path)
    head = next(chunks, b"")
    if not head:
        raise DataError(f"{path}: the file is empty (a byte order mark and nothing else)")
    _refuse_binary(head[:_HEAD_BYTES], path, is_marked=bool(mark))
    yield head
    yield from chunks


def _refuse_binary(head: bytes, path: Path, *, is_marked: bool) -> None:
    """Raise DataError if a file does not begin as UTF-8 text. The message names the likely format."""
    for magic, description in _MAGIC:
        if head.startswith(magic):
            raise DataError(f"{path}:1: this looks like {description}")
    n_nul, n_pairs = head.count(0), len(head) // 2
    # ASCII in UTF-16 has NUL in every second byte, always on the same side
    is_utf_16 = n_nul > 0 and max(head[::2].count(0), head[1::2].count(0)) == n_nul >= 0.3 * n_pairs
    if is_utf_16 and not is_marked:
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
