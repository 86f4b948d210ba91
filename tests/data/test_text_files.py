import gzip
import os
import re
import threading
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opticlir.data import compression
from opticlir.data.skipping import SkipReport
from opticlir.data.text_files import read_chunks, read_lines, read_text
from opticlir.errors import DataError

# no NUL and no LF; a CR at the end is a line end, elsewhere it is text
LINE = st.text(st.characters(codec="utf-8", exclude_characters="\0\n\r\ufeff"), max_size=30)


def written(tmp_path, data: bytes, name: str = "f.txt"):
    path = tmp_path / name
    path.write_bytes(data)
    return path


def lines_of(path, **options):
    return [line for _, line in read_lines(path, **options)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a\nb\n", ["a", "b"]),
        (b"a\nb", ["a", "b"]),
        (b"a\r\nb\nc\r\n", ["a", "b", "c"]),
        (b"a\rb\n", ["a\rb"]),
        (b"a\r\r\n", ["a\r"]),
        (b"\n\na\n", ["", "", "a"]),
        (b"\xef\xbb\xbfa\n", ["a"]),
        (b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n", ["a", "\ufeffb"]),
        ("a\u2028b\u0085c\x0bd\x0ce\u2029f\x1cg\n".encode(), ["a\u2028b\u0085c\x0bd\x0ce\u2029f\x1cg"]),
        ("👩🏾‍⚕️\u200c\n".encode(), ["👩🏾‍⚕️\u200c"]),
    ],
)
def test_lines_end_at_lf_alone(tmp_path, data, expected):
    assert lines_of(written(tmp_path, data)) == expected
    assert lines_of(written(tmp_path, gzip.compress(data), "f.gz")) == expected


@given(st.lists(LINE, min_size=1, max_size=20), st.integers(1, 20))
def test_any_lines_come_back_whatever_the_chunks(tmp_path_factory, lines, chunk):
    path = tmp_path_factory.mktemp("lines") / "f"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="")
    before = compression._CHUNK_BYTES
    compression._CHUNK_BYTES = chunk
    try:
        assert lines_of(path) == lines
    finally:
        compression._CHUNK_BYTES = before


def test_line_numbers_count_from_one(tmp_path):
    assert list(read_lines(written(tmp_path, b"a\n\nb"))) == [(1, "a"), (2, ""), (3, "b")]


UTF_16 = "convert it with iconv -f UTF-16 -t UTF-8"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (gzip.compress(b"", mtime=0), "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        ("maji\tsafi".encode("utf-16-le"), UTF_16),
        ("maji\tsafi".encode("utf-16-be"), UTF_16),
        (gzip.compress("maji".encode("utf-16-le"), mtime=0), UTF_16),
        (b"one\ntwo\0\n", re.escape("f.txt:2: NUL byte at byte 7: this looks like a binary file")),
        (b"\x7fELF\x02\x01\x01\0\0\0\0", "looks like a binary file"),
        ("maji".encode("utf-16") + b"\x00", "says UTF-16-LE, but it is not"),
        (b"PK\x03\x04 and more", "looks like a zip archive or office document"),
        (b"%PDF-1.7\n", "looks like a PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "looks like an old office document"),
        (
            gzip.compress(gzip.compress(b"a\n", mtime=0), mtime=0),
            "looks like gzip inside another compression",
        ),
        (b"\xfd7zXZ\x00\x00", "the xz stream ends early"),
        (b"BZh91AY&SY123", "damaged bzip2 file|the bzip2 stream ends early"),
        (b"\x28\xb5\x2f\xfd\x04", "the zstd stream ends early"),
        (b"PAR1\x15\x04", "looks like a Parquet table"),
        (b"SQLite format 3\0\x10", "looks like an SQLite database"),
    ],
)
def test_what_is_no_text_is_refused_even_leniently(tmp_path, data, message):
    for skipped in (None, SkipReport()):
        with pytest.raises(DataError, match=message):
            lines_of(written(tmp_path, data), skipped=skipped)


BAD_LINES = [
    (b"ab\xe9cd", r"byte 0xe9 at byte 3 of the line, after 'ab', is not UTF-8"),  # Latin-1
    (b"\xc0\xaf", r"byte 0xc0 at byte 1"),  # overlong
    (b"\xe0\x80\xaf", r"byte 0xe0"),  # overlong, three bytes
    (b"\xf0\x80\x80\xaf", r"byte 0xf0"),
    (b"\xed\xa0\x80", r"byte 0xed"),  # a lone surrogate
    (b"\xed\xb0\x80", r"byte 0xed"),
    (b"\xf4\x90\x80\x80", r"byte 0xf4"),  # beyond U+10FFFF
    (b"\xf5\x80\x80\x80", r"byte 0xf5"),
    (b"\xff", r"byte 0xff"),
    (b"abc\xe2\x82", r"byte 0xe2 at byte 4 .*unexpected end of data"),
    (b"\x80", r".*invalid start byte"),
    (b"\xe2\x28\xa1", r".*invalid continuation byte"),
]


@pytest.mark.parametrize(("bad", "message"), BAD_LINES)
def test_invalid_utf_8_names_file_line_and_byte(tmp_path, bad, message):
    path = written(tmp_path, b"good\n" + bad + b"\nlast\n")
    with pytest.raises(DataError, match=rf"f\.txt:2: {message}"):
        lines_of(path)
    report = SkipReport()
    assert list(read_lines(path, skipped=report)) == [(1, "good"), (3, "last")]
    assert report.n_malformed == 1
    assert "f.txt:2" in report.messages[0]


def test_nul_far_into_a_file_spoils_its_line_alone(tmp_path):
    path = written(tmp_path, b"a\n" * 5000 + b"b\0c\n" + b"d\n")
    with pytest.raises(DataError, match=r"f.txt:5001: NUL character at byte 2 of the line"):
        lines_of(path)
    assert len(lines_of(path, skipped=SkipReport())) == 5001


@pytest.mark.parametrize("chunk", [7, 100, 1 << 18])
@pytest.mark.parametrize(("size", "is_fine"), [(99, True), (100, True), (101, False), (1000, False)])
def test_a_long_line_is_refused(tmp_path, monkeypatch, size, is_fine, chunk):
    monkeypatch.setattr(compression, "_CHUNK_BYTES", chunk)
    path = written(tmp_path, b"a\n" + b"x" * size + b"\nb\n")
    if is_fine:
        assert len(lines_of(path, max_line_bytes=100)) == 3
        return
    with pytest.raises(DataError, match=r"f.txt:2: the line is longer than 100 bytes"):
        lines_of(path, max_line_bytes=100)
    assert list(read_lines(path, skipped=SkipReport(), max_line_bytes=100)) == [(1, "a"), (3, "b")]


def test_a_long_last_line_without_end_is_refused_once(tmp_path):
    report = SkipReport()
    path = written(tmp_path, b"a\n" + b"x" * 1000)
    assert lines_of(path, skipped=report, max_line_bytes=10) == ["a"]
    assert report.n_malformed == 1


def test_a_line_of_many_megabytes_is_never_held(tmp_path, peak_memory):
    path = tmp_path / "long.txt"
    with path.open("wb") as file:
        for _ in range(30):
            file.write(b"x" * 1_000_000)

    def read():
        with pytest.raises(DataError, match=r"long.txt:1: the line is longer than 10000000 bytes"):
            lines_of(path)

    assert peak_memory(read) < 25_000_000  # the limit, once in the buffer and once while it grows


def test_truncated_gzip_is_refused(tmp_path):
    whole = gzip.compress(b"".join(b"%d\n" % number for number in range(50_000)))
    for cut in (5, 12, len(whole) // 2, len(whole) - 4):
        path = written(tmp_path, whole[:cut], "f.tsv.gz")
        with pytest.raises(DataError, match=r"f.tsv.gz: the gzip stream ends early: the file is cut off"):
            lines_of(path)


def test_damaged_gzip_is_refused(tmp_path):
    whole = bytearray(gzip.compress(os.urandom(5000).hex().encode()))
    whole[len(whole) // 2] ^= 0xFF
    with pytest.raises(DataError, match="damaged gzip file"):
        lines_of(written(tmp_path, bytes(whole)))
    with pytest.raises(DataError, match="damaged gzip file"):
        lines_of(written(tmp_path, gzip.compress(b"a\n") + b"something else"))


def test_gzip_of_several_members_is_one_file(tmp_path):
    assert lines_of(written(tmp_path, gzip.compress(b"a\nb") + gzip.compress(b"c\n"))) == ["a", "bc"]


def test_a_gzip_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch, peak_memory):
    monkeypatch.setattr(compression, "_UNCHECKED_BYTES", 1 << 20)
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(compressor.compress((b"a" * 999 + b"\n") * 1000) for _ in range(100)) + compressor.flush()
    assert len(bomb) < 250_000
    path = written(tmp_path, bomb, "bomb.gz")

    def read():
        with pytest.raises(DataError, match="this looks like a gzip bomb"):
            for _ in read_lines(path):
                pass

    assert peak_memory(read) < 4_000_000
    with pytest.raises(DataError, match="gzip bomb"):
        list(read_lines(path, skipped=SkipReport()))


def test_repetitive_text_is_no_bomb(tmp_path):
    assert len(lines_of(written(tmp_path, gzip.compress(b"the same line\n" * 200_000)))) == 200_000


@pytest.mark.parametrize(
    ("name", "message"),
    [("missing.tsv", "missing.tsv: no such file"), (".", "this is a folder, expected a file")],
)
def test_what_cannot_be_opened(tmp_path, name, message):
    with pytest.raises(DataError, match=message):
        lines_of(tmp_path / name)


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = written(tmp_path, b"a")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", refuse)
    with pytest.raises(DataError, match="cannot be read: Permission denied"):
        lines_of(path)


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_pipe_is_read_like_a_file(tmp_path, compress):
    """`<(zcat F)` of a shell: there is no tell and no seek, and a read gives what is there."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(compress(b"a\nb\n")))
    writer.start()
    assert lines_of(pipe) == ["a", "b"]
    writer.join()


def test_memory_stays_flat_over_many_lines(tmp_path, peak_memory):
    path = tmp_path / "many.txt.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for number in range(60_000):
            file.write(b"sentence number %d of many\n" % number)

    def read():
        for _ in read_lines(path):
            pass

    assert peak_memory(read) < 3_000_000


def test_read_text_gives_the_whole_and_has_a_limit(tmp_path):
    path = written(tmp_path, b"\xef\xbb\xbfab\r\nc")
    assert read_text(path, max_bytes=10) == "ab\r\nc"
    with pytest.raises(DataError, match="larger than 4 bytes"):
        read_text(path, max_bytes=4)
    with pytest.raises(DataError, match=r"f.txt:2: byte 0xff is not UTF-8"):
        read_text(written(tmp_path, b"a\n\xff"), max_bytes=10)


def test_chunks_are_the_bytes(tmp_path):
    assert b"".join(read_chunks(written(tmp_path, b"\0\1\2"))) == b"\0\1\2"
