import gzip
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opticlir.data import SkipReport, read_bitext
from opticlir.data.bitext import xml_events
from opticlir.data.normalisation import normalise_text
from opticlir.errors import DataError
from opticlir.records import SentencePair

# what XML 1.0 can hold, without what its line end rule turns into LF
XML_TEXT = st.characters(
    codec="utf-8", exclude_characters="\r\ufeff\ufffe\uffff", exclude_categories=["Cc", "Cs"]
)
SIDE = st.text(XML_TEXT).map(normalise_text).filter(bool)
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<tmx version="1.4"><header srclang="en"/><body>\n'


def unit(english, foreign, codes=("en", "sw")):
    variants = zip(codes, (english, foreign), strict=True)
    return "<tu>" + "".join(f'<tuv xml:lang="{c}"><seg>{t}</seg></tuv>\n' for c, t in variants) + "</tu>\n"


def pairs(tmp_path, text, **options):
    path = tmp_path / "f.tmx"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [(pair.english, pair.foreign) for pair in read_bitext(path, **options)]


def whole(*units):
    return HEAD + "".join(units) + "</body></tmx>"


@given(st.lists(st.tuples(SIDE, SIDE), min_size=1), st.sampled_from(["utf-8", "utf-16"]))
def test_round_trip(tmp_path_factory, sides, encoding):
    path = tmp_path_factory.mktemp("tmx") / "f.tmx"
    text = whole(*(unit(escape(a), escape(b)) for a, b in sides)).replace("UTF-8", encoding)
    path.write_bytes(text.encode(encoding))
    assert list(read_bitext(path)) == [SentencePair(*pair) for pair in sides]


@pytest.mark.parametrize("codes", [("en", "sw"), ("EN-US", "SW"), ("en_GB", "swh_Latn"), ("eng", "swh")])
def test_any_form_of_the_codes(tmp_path, codes):
    assert pairs(tmp_path, whole(unit("water", "maji", codes)), language="swa") == [("water", "maji")]


def test_a_doctype_a_bom_and_the_old_attribute_are_fine(tmp_path):
    text = (
        '\ufeff<?xml version="1.0"?><!DOCTYPE tmx SYSTEM "tmx11.dtd">'
        + whole(unit("a", "b")).split("\n", 1)[1]
    )
    assert pairs(tmp_path, text.replace("xml:lang", "lang")) == [("a", "b")]


def test_inline_codes_are_no_text_and_highlights_are(tmp_path):
    seg = (
        '<bpt i="1">&lt;b&gt;</bpt>Press<ept i="1">&lt;/b&gt;</ept> <hi>the <ph>x</ph>button</hi> &amp; wait'
    )
    assert pairs(tmp_path, whole(unit(seg, "bonyeza"))) == [("Press the button & wait", "bonyeza")]


def test_notes_and_properties_are_no_text(tmp_path):
    text = whole("<tu><note>n</note><prop type='x'>p</prop>" + unit("a", "b").removeprefix("<tu>"))
    assert pairs(tmp_path, text) == [("a", "b")]


def test_units_without_the_language_are_counted(tmp_path):
    report = SkipReport(lenient=False)
    text = whole(unit("a", "b"), unit("c", "d", ("en", "fr")), unit("e", "f", ("de", "sw")))
    assert pairs(tmp_path, text, language="sw", skipped=report) == [("a", "b")]
    assert report.dropped == {"without an English and a 'swa' side": 2}
    assert report.first_dropped["without an English and a 'swa' side"].endswith("f.tmx:6")


def test_several_languages_need_a_choice(tmp_path):
    three = (
        "<tu>" + "".join(f'<tuv xml:lang="{c}"><seg>{c}</seg></tuv>' for c in ("en", "sw", "ha")) + "</tu>"
    )
    assert pairs(tmp_path, whole(three), language="ha") == [("en", "ha")]
    with pytest.raises(DataError, match=r"in several languages \(en, sw, ha\): name one with --language"):
        pairs(tmp_path, whole(three))


def test_cdata_and_character_references(tmp_path):
    assert pairs(tmp_path, whole(unit("<![CDATA[a < b]]>", "&#x1ECD;&#769;"))) == [("a < b", "ọ́")]


LAUGHS = "<!DOCTYPE tmx [" + '<!ENTITY a "ha">' + '<!ENTITY b "&a;&a;">' + "]>"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (whole(unit("a", "b")).replace("<tmx", LAUGHS + "<tmx"), "declares the entity 'a'"),
        (
            whole(unit("&x;", "b")).replace(
                "<tmx", '<!DOCTYPE tmx [<!ENTITY x SYSTEM "file:///etc/passwd">]><tmx'
            ),
            "declares the entity 'x'",
        ),
        (
            whole(unit("a", "b")).replace("<tmx", '<!DOCTYPE tmx [<!ENTITY % p SYSTEM "http://x/">%p;]><tmx'),
            "declares the entity 'p'",
        ),
        (whole(unit("&nbsp;", "b")), "not well-formed XML: undefined entity"),
        (
            whole(unit("&nbsp;", "b")).replace("<tmx", '<!DOCTYPE tmx SYSTEM "t.dtd"><tmx'),
            "unknown entity &nbsp;",
        ),
        (whole(unit("a", "b"))[:-20], "not well-formed XML: no element found"),
        (
            whole(unit("a & b", "c")),
            r"f.tmx:3: not well-formed XML: not well-formed \(invalid token\) \(column",
        ),
        (whole(unit("a", "b")).replace("</tu>", ""), "mismatched tag"),
        ("<html><body/></html>", "expected <tmx> as the root of a TMX file, found <html>"),
        (whole("<tu><tuv><seg>a</seg></tuv></tu>"), "f.tmx:3: expected <tuv xml:lang=...>"),
        (b"\xff\xff\xff", "not well-formed XML"),
        ("water\tmaji\n", "not well-formed XML: syntax error"),
        (whole(), "no sentence pair in it"),
        ("", "the file is empty"),
        (HEAD.encode() + b"\xe9", "not well-formed"),
    ],
)
def test_what_is_no_tmx_is_refused_even_leniently(tmp_path, text, message):
    for skipped in (None, SkipReport()):
        with pytest.raises(DataError, match=message):
            pairs(tmp_path, text, skipped=skipped)


def test_a_huge_segment_or_tag_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(xml_events, "MAX_UNIT_CHARACTERS", 1000)
    with pytest.raises(DataError, match="a translation unit of more than 1000 characters"):
        pairs(tmp_path, whole(unit("x" * 1001, "b")))
    monkeypatch.setattr("opticlir.data.compression._CHUNK_BYTES", 500)
    with pytest.raises(DataError, match="a tag or comment of more than 1000 bytes"):
        pairs(tmp_path, whole(f"<!-- {'x' * 5000} -->", unit("a", "b")))


def test_memory_stays_flat(tmp_path, peak_memory):
    path = tmp_path / "many.tmx.gz"
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.write(HEAD)
        for number in range(2_500):
            file.write(unit(f"sentence {number}", f"sentensi {number}"))
        file.write("</body></tmx>")
    counts = []
    assert peak_memory(lambda: counts.append(sum(1 for _ in read_bitext(path)))) < 2_000_000
    assert counts == [2_500]
