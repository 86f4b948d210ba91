"""Files that are compressed or inside a zip archive are read like plain ones."""

import bz2
import gzip
import lzma
import zipfile

import pytest
import zstandard

from opticlir.data import compression
from opticlir.data.archives import archive_of, member_paths
from opticlir.data.text_files import read_chunks, read_lines
from opticlir.errors import DataError


def zstd(data):
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


COMPRESSIONS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstd}


def lines_of(path):
    return [line for _, line in read_lines(path)]


@pytest.mark.parametrize("ending", COMPRESSIONS)
def test_every_compression_is_read_whatever_the_name(tmp_path, ending):
    compress = COMPRESSIONS[ending]
    text = "".join(f"sentensi {number}\n" for number in range(50_000))
    (tmp_path / f"f.tsv.{ending}").write_bytes(compress(text.encode()))
    (tmp_path / "f.tsv").write_bytes(compress(b"a\nb") + compress(b"c\n"))
    assert lines_of(tmp_path / f"f.tsv.{ending}") == text.splitlines()
    assert lines_of(tmp_path / "f.tsv") == ["a", "bc"], "several streams, one after the other, are one file"


def test_xz_may_end_in_padding(tmp_path):
    (tmp_path / "f.xz").write_bytes(lzma.compress(b"a\n") + bytes(8) + lzma.compress(b"b\n") + bytes(4))
    assert lines_of(tmp_path / "f.xz") == ["a", "b"]


@pytest.mark.parametrize("ending", COMPRESSIONS)
def test_a_file_that_is_cut_off_or_damaged_is_refused(tmp_path, ending):
    whole = COMPRESSIONS[ending]("".join(f"{number * 7919} maji\n" for number in range(20_000)).encode())
    path = tmp_path / f"f.{ending}"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="ends early: the file is cut off"):
        lines_of(path)
    damaged = bytearray(whole)
    for at in range(len(whole) // 2, len(whole) // 2 + 8):
        damaged[at] ^= 0xFF
    path.write_bytes(bytes(damaged))
    with pytest.raises(DataError, match=r"damaged .* file"):
        list(read_chunks(path))


@pytest.mark.parametrize("ending", COMPRESSIONS)
def test_a_bomb_is_refused(tmp_path, ending, monkeypatch, peak_memory):
    monkeypatch.setattr(compression, "_UNCHECKED_BYTES", 1 << 20)
    path = tmp_path / f"f.{ending}"
    path.write_bytes(COMPRESSIONS[ending](b"a" * 50_000_000))

    def read():
        with pytest.raises(DataError, match="bomb"):
            lines_of(path)

    assert peak_memory(read) < 90_000_000


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_text_as_excel_saves_it_is_read(tmp_path, encoding):
    mark = "" if encoding in {"utf-16", "utf-32"} else "\ufeff"
    text = "".join(f"ọ̀rọ̀ {number} 👩🏾\r\n" for number in range(100_000))
    (tmp_path / "f.txt").write_bytes((mark + text).encode(encoding))
    assert lines_of(tmp_path / "f.txt") == [f"ọ̀rọ̀ {number} 👩🏾" for number in range(100_000)]


def test_a_path_leads_into_a_zip_archive(tmp_path):
    path = tmp_path / "en-sw.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("deep/a.txt", "maji\n")
        archive.writestr("b.txt.gz", gzip.compress(b"moto\n"))
        archive.writestr("../outside.txt", "x")
        archive.writestr("/etc/passwd", "x")
        archive.writestr("__MACOSX/b", "x")
    assert member_paths(path) == [path / "b.txt.gz", path / "deep" / "a.txt"]
    assert lines_of(path / "deep" / "a.txt") == ["maji"]
    assert lines_of(path / "b.txt.gz") == ["moto"]
    assert archive_of(path / "b.txt.gz") == path
    assert archive_of(path) is None
    with pytest.raises(DataError, match=r"en-sw.zip/c.txt: no such file in the archive"):
        lines_of(path / "c.txt")


def test_a_damaged_archive_a_bomb_and_an_office_document_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "f.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", "a" * 30_000)
        archive.writestr("b.txt", "".join(f"{number * 7919}" for number in range(3_000)))
    whole = path.read_bytes()
    monkeypatch.setattr("opticlir.data.archives._UNCHECKED_BYTES", 1 << 10)
    with pytest.raises(DataError, match="zip bomb"):
        lines_of(path / "a.txt")
    at = whole.index(b"b.txt") + 500
    path.write_bytes(whole[:at] + bytes(64) + whole[at + 64 :])
    with pytest.raises(DataError, match="damaged zip archive"):
        lines_of(path / "b.txt")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<x/>")
    with pytest.raises(DataError, match="office document"):
        member_paths(path)
