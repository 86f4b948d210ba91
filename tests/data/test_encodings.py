"""Promise 13: every reader reads text exactly, and refuses other bytes with file, line and reason."""

import gzip

import pytest

from opticlir.data import SkipReport, read_bitext, read_corpus, read_dictionary, read_topics
from opticlir.errors import DataError

N_LINES = 5
PLACES = (0, 2, N_LINES - 1)
READERS = {
    "bitext": (b"water %d\t", lambda path, **how: [pair.foreign for pair in read_bitext(path, **how)]),
    "corpus": (b"d%d\t", lambda path, **how: [document.text for document in read_corpus(path, **how)]),
    "topics": (b"q%d\t", lambda path: [query.text for query in read_topics(path, "sw")]),
    "dictionary": (b"water%d\t", lambda path: [foreign for _, foreign in read_dictionary(path)]),
}
LENIENT = ("bitext", "corpus")
TEXT = {
    "a letter of four bytes": "ma𞤀ji",
    "a letter with two marks": "ọ\u0300mi",
    "an emoji of several parts": "👩🏾‍⚕️ maji",
    "a joiner and a non-joiner": "می\u200cخواهم क्\u200dष",
    "a line separator": "ma\u2028ji",
    "a paragraph separator": "ma\u2029ji",
    "a next line": "ma\u0085ji",
    "a vertical tab and a form feed": "ma\x0bji\x0csafi",
    "a separator of files": "ma\x1cji",
    "text from right to left": "\u202bماء\u202c",
}
NO_TEXT = {
    "Latin-1": (b"caf\xe9 au lait", "byte 0xe9"),
    "Windows-1252": (b"it\x92s", "byte 0x92"),
    "an overlong slash": (b"a\xc0\xafb", "byte 0xc0"),
    "an overlong slash of three bytes": (b"a\xe0\x80\xafb", "byte 0xe0"),
    "an overlong slash of four bytes": (b"a\xf0\x80\x80\xafb", "byte 0xf0"),
    "half of a surrogate pair": (b"a\xed\xa0\x80b", "byte 0xed"),
    "a surrogate pair": (b"a\xed\xa0\xbd\xed\xb8\x80b", "byte 0xed"),
    "beyond the last code point": (b"a\xf4\x90\x80\x80b", "byte 0xf4"),
    "a byte that never occurs": (b"a\xffb", "byte 0xff"),
    "half of a letter": (b"ab\xe2\x82", "byte 0xe2"),
    "the end of a letter": (b"a\x82\xacb", "byte 0x82"),
    "NUL": (b"a\0b", "NUL|binary"),
}
FILES = {
    "a byte order mark": (lambda lines: b"\xef\xbb\xbf" + b"\n".join(lines) + b"\n", None),
    "UTF-16, little end first": (lambda lines: b"\n".join(lines).decode().encode("utf-16"), None),
    "UTF-16, big end first": (
        lambda lines: b"\xfe\xff" + b"\n".join(lines).decode().encode("utf-16-be"), None,
    ),
    "UTF-16 without a mark": (lambda lines: b"\n".join(lines).decode().encode("utf-16-le"), "UTF-16|binary"),
    "UTF-32": (lambda lines: b"\n".join(lines).decode().encode("utf-32"), None),
    "UTF-32 without a mark": (lambda lines: b"\n".join(lines).decode().encode("utf-32-be"), "NUL"),
    "CRLF": (lambda lines: b"\r\n".join(lines) + b"\r\n", None),
    "CRLF and LF": (lambda lines: b"\r\n".join(lines[:2]) + b"\r\n" + b"\n".join(lines[2:]) + b"\n", None),
    "no last newline": (b"\n".join, None),
    "blank lines at the end": (lambda lines: b"\n".join(lines) + b"\n\n\n", None),
    "nothing": (lambda lines: b"", "the file is empty"),
    "a byte order mark alone": (lambda lines: b"\xef\xbb\xbf", "the file is empty"),
    "a picture": (lambda lines: b"\x89PNG\r\n\x1a\n" + bytes(40), "PNG|binary|NUL|UTF-8"),
}  # fmt: skip


def lines_with(prefix, text, place):
    return [prefix % n + (text if n == place else b"maji safi") for n in range(N_LINES)]


def packed(tmp_path, content, ending):
    path = tmp_path / f"f.tsv{ending}"
    path.write_bytes(gzip.compress(content) if ending else content)
    return path


def test_there_are_as_many_cases_as_promised():
    n_of_text = len(READERS) * 2 * len(PLACES) * (len(TEXT) + len(NO_TEXT))
    assert n_of_text + len(READERS) * 2 * len(FILES) >= 200


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", TEXT)
def test_text_is_read_exactly(tmp_path, kind, reader, ending):
    prefix, read = READERS[reader]
    for place in PLACES:
        path = packed(tmp_path, b"\n".join(lines_with(prefix, TEXT[kind].encode(), place)), ending)
        assert read(path) == [TEXT[kind] if n == place else "maji safi" for n in range(N_LINES)]


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", NO_TEXT)
def test_what_is_no_text_is_refused_with_its_line_or_left_out(tmp_path, kind, reader, ending):
    prefix, read = READERS[reader]
    damaged, message = NO_TEXT[kind]
    for place in PLACES:
        path = packed(tmp_path, b"\n".join(lines_with(prefix, damaged, place)) + b"\n", ending)
        with pytest.raises(DataError, match=rf"f\.tsv(\.gz)?:{place + 1}: .*({message})"):
            read(path)
        if reader in LENIENT and kind != "NUL":  # a NUL near the beginning is the mark of a binary file
            report = SkipReport()
            assert read(path, skipped=report) == ["maji safi"] * (N_LINES - 1)
            assert report.n_malformed == 1


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", FILES)
def test_whole_files_are_read_or_refused(tmp_path, kind, reader, ending):
    prefix, read = READERS[reader]
    pack, message = FILES[kind]
    path = packed(tmp_path, pack(lines_with(prefix, "ọ̀mi tútù".encode(), 1)), ending)
    if message is None:
        assert read(path) == ["ọ̀mi tútù" if n == 1 else "maji safi" for n in range(N_LINES)]
        return
    with pytest.raises(DataError, match=rf"f\.tsv(\.gz)?:.*({message})"):
        read(path)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_compressed_file_that_is_cut_off_is_refused(tmp_path, reader, share):
    prefix, read = READERS[reader]
    content = gzip.compress(b"\n".join(prefix % n + b"maji %d" % n for n in range(3000)))
    (tmp_path / "f.tsv.gz").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataError, match=r"f\.tsv\.gz: the gzip stream ends early"):
        read(tmp_path / "f.tsv.gz")


@pytest.mark.parametrize("reader", READERS)
def test_a_line_of_11_megabytes_is_refused_in_little_memory(tmp_path, peak_memory, reader):
    prefix, read = READERS[reader]
    path = packed(tmp_path, b"\n".join(lines_with(prefix, b"x" * 11_000_000, 2)), ".gz")

    def refused():
        with pytest.raises(
            DataError, match=r"f\.tsv\.gz:3: the line is longer than 10000000 bytes|gzip bomb"
        ):
            read(path)

    assert peak_memory(refused) < 60_000_000
