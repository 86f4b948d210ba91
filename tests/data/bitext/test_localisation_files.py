"""Files of translators: XLIFF, plural rules of gettext, markup inside TMX, archives of OPUS."""

import gzip
import zipfile

import pytest

from opticlir.data import SkipReport, bitext_files, read_bitext
from opticlir.errors import DataError, SettingsError


def pairs(tmp_path, text, name, **options):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [(pair.english, pair.foreign) for pair in read_bitext(path, **options)]


def catalogue(rule, forms):
    header = f'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals={len(forms)}; plural={rule};\\n"\n\n'
    lines = "".join(f'msgstr[{at}] "{form}"\n' for at, form in enumerate(forms))
    return f'{header}msgid "one day"\nmsgid_plural "%d days"\n{lines}'


@pytest.mark.parametrize(
    ("rule", "forms", "expected"),
    [
        ("n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5",
         ["zero", "one", "two", "few", "many", "other"], [("one day", "one"), ("%d days", "other")]),
        ("(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2)",
         ["один", "два", "пять"], [("one day", "один"), ("%d days", "пять")]),
        ("0", ["日"], [("%d days", "日")]),
        ("(n > 1)", ["jour", "jours"], [("one day", "jour"), ("%d days", "jours")]),
        ("(n != 1 ? 0 : 1)", ["many", "one"], [("one day", "one"), ("%d days", "many")]),
    ],
)  # fmt: skip
def test_plural_forms_follow_the_rule_of_the_catalogue(tmp_path, rule, forms, expected):
    assert pairs(tmp_path, catalogue(rule, forms), "f.po") == expected


@pytest.mark.parametrize("rule", ["__import__('os')", "n n", "1/0", "(" * 500])
def test_a_rule_that_cannot_be_used_is_refused(tmp_path, rule):
    text = catalogue(rule, ["a", "b"]) + '\nmsgid "water"\nmsgstr "maji"\n'
    with pytest.raises(DataError, match=r"f.po:1: the rule in Plural-Forms cannot be used"):
        pairs(tmp_path, text, "f.po")
    assert ("water", "maji") in pairs(tmp_path, text, "f.po", skipped=SkipReport())


def test_many_forms_without_a_rule_are_counted(tmp_path):
    report = SkipReport()
    text = catalogue("0", ["a", "b", "c"]).replace("Plural-Forms", "X") + '\nmsgid "water"\nmsgstr "maji"\n'
    assert pairs(tmp_path, text, "f.po", skipped=report) == [("water", "maji")]
    assert report.dropped == {"with plural forms and no rule for them": 1}


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        (r"caf\303\251", "café"),
        (r"caf\xc3\xa9", "café"),
        (r"\341\273\215m\341\273\215", "ọmọ"),
        ('caf\\303"\n"\\251', "café"),
        (r"na\303\257ve café", "naïve café"),
    ],
)
def test_bytes_written_as_escapes_are_utf_8(tmp_path, escaped, text):
    assert pairs(tmp_path, f'msgid "x"\nmsgstr "{escaped}"\n', "f.po") == [("x", text)]


def test_escapes_that_are_not_utf_8_are_malformed(tmp_path):
    text = 'msgid "x"\nmsgstr "caf\\351"\n\nmsgid "water"\nmsgstr "maji"\n'
    with pytest.raises(DataError, match=r"f.po:1: the escapes in this entry are not UTF-8"):
        pairs(tmp_path, text, "f.po")
    assert pairs(tmp_path, text, "f.po", skipped=SkipReport()) == [("water", "maji")]


def tmx(segment, more=""):
    return (
        f'<tmx version="1.4"><body><tu><tuv xml:lang="en"><seg>{segment}</seg></tuv>'
        f'<tuv xml:lang="sw"><seg>maji</seg></tuv>{more}</tu></body></tmx>'
    )


@pytest.mark.parametrize(
    ("segment", "text"),
    [
        ('Wash hands<ph type="lb"/>with soap', "Wash hands with soap"),
        ("Wash hands<ph>&lt;br/&gt;</ph>with soap.", "Wash hands with soap."),
        ("Wash hands<ut>x</ut>with <it pos='begin'>y</it>soap", "Wash hands with soap"),
        ('one<bpt i="1">&lt;/p&gt;</bpt>two<ept i="1">&lt;p&gt;</ept>', "one two"),
        ('un<bpt i="1">&lt;b&gt;</bpt>believ<ept i="1">&lt;/b&gt;</ept>able', "unbelievable"),
        ("Hello <ph>%s</ph>!", "Hello !"),
        ('See <ph>&lt;img alt="<sub>the map</sub>"&gt;</ph> here', "See the map here"),
        ("a<hi>b</hi>c", "abc"),
    ],
)
def test_codes_in_a_segment_neither_glue_words_nor_add_text(tmp_path, segment, text):
    assert pairs(tmp_path, tmx(segment), "f.tmx") == [(text, "maji")]


def test_a_second_text_of_a_language_is_counted(tmp_path):
    report = SkipReport()
    text = tmx("water", '<tuv xml:lang="sw"><seg>majimaji</seg></tuv>')
    assert pairs(tmp_path, text, "f.tmx", skipped=report) == [("water", "maji")]
    assert report.dropped == {"with a second text of one language, not read": 1}
    report = SkipReport()
    text = tmx("water", '<tuv xml:lang="sw-KE"><seg>majimaji</seg></tuv>')
    assert pairs(tmp_path, text, "f.tmx", language="sw-KE", skipped=report) == [("water", "majimaji")]
    assert pairs(tmp_path, text, "f.tmx", language="sw", skipped=report) == [("water", "maji")]


@pytest.mark.parametrize("bad", ["&#x1F;", "&#31;", "\x1f", "&#xFFFF;", "&#0;", "\x0b"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_control_character_does_not_refuse_the_file_with_lenient(tmp_path, bad, encoding, monkeypatch):
    text = tmx(f"clean{bad}water &#233; &amp;").encode(encoding)
    with pytest.raises(DataError, match="--lenient reads the file without control characters"):
        pairs(tmp_path, text, "f.tmx")
    for size in (1 << 18, 7):
        monkeypatch.setattr("opticlir.data.compression._CHUNK_BYTES", size)
        report = SkipReport()
        assert pairs(tmp_path, text, "f.tmx", skipped=report) == [("clean water é &", "maji")]
        assert report.n_malformed == 1
        assert "f.tmx:1: the control character U+" in report.messages[0]


def test_deep_nesting_is_refused(tmp_path):
    with pytest.raises(DataError, match="nested more than 200 deep"):
        pairs(tmp_path, tmx("<hi>" * 300 + "x" + "</hi>" * 300), "f.tmx")


XLIFF_1 = """<?xml version="1.0"?><xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2">
<file source-language="en" target-language="sw" datatype="plaintext" original="x"><body>
<trans-unit id="1"><source>Wash <g id="1">hands</g><x id="2"/>now</source><target state="final">Nawa mikono</target>
<alt-trans><source>Other</source><target>Nyingine</target></alt-trans></trans-unit>
<trans-unit id="2"><source>Open</source></trans-unit>
<trans-unit id="3"><source>Close</source><target state="needs-translation">Close</target></trans-unit>
<trans-unit id="4" translate="no"><source>ACME</source><target>ACME</target></trans-unit>
</body></file></xliff>"""
XLIFF_2 = """<xliff version="2.0" srcLang="sw" trgLang="en" xmlns="urn:oasis:names:tc:xliff:document:2.0"
 xmlns:mtc="urn:oasis:names:tc:xliff:matches:2.0">
<file id="f"><unit id="1"><mtc:matches><mtc:match><source>a</source><target>b</target></mtc:match></mtc:matches>
<segment><source>Nawa <pc id="1">mikono</pc><ph id="2"/>sasa</source><target>Wash hands now</target></segment>
<segment state="initial"><source>Fungua</source><target>Fungua</target></segment></unit></file></xliff>"""


@pytest.mark.parametrize("name", ["f.xliff", "f.xlf.gz"])
def test_xliff(tmp_path, name):
    report = SkipReport()
    data = gzip.compress(XLIFF_1.encode()) if name.endswith("gz") else XLIFF_1
    assert pairs(tmp_path, data, name, language="swa", skipped=report) == [("Wash hands now", "Nawa mikono")]
    assert report.dropped == {
        "with an empty side": 1, "marked as not translated yet": 1, "marked as not to translate": 1
    }  # fmt: skip
    report = SkipReport()
    assert pairs(tmp_path, XLIFF_2, "g.xliff", skipped=report) == [("Wash hands now", "Nawa mikono sasa")]
    assert report.dropped == {"marked as not translated yet": 1}
    with pytest.raises(DataError, match="without an English and a 'yor' side"):
        pairs(tmp_path, XLIFF_1, name.removesuffix(".gz"), language="yor")
    with pytest.raises(DataError, match="does not state its source language"):
        pairs(tmp_path, XLIFF_1.replace('source-language="en"', ""), "h.xliff")


def opus(path, **texts):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("README", "x")
        archive.writestr("LICENSE.txt", "a\tb\n")
        for name, text in texts.items():
            archive.writestr(name.replace("_", "."), text)
    return path


def test_an_archive_of_opus(tmp_path):
    path = opus(
        tmp_path / "en-sw.txt.zip", JW_en_id_en="water\nfire\n", JW_en_id_id="maji\nmoto\n", JW_en_id_ids="1\n2\n",
        JW_en_id_scores="0.9\n0.1\n",
    )  # fmt: skip
    assert [pair.foreign for pair in read_bitext(path)] == ["maji", "moto"]
    assert [pair.foreign for pair in read_bitext(path, language="id")] == ["maji", "moto"]
    assert [pair.foreign for pair in read_bitext(path, min_score=0.5)] == ["maji"]
    assert [pair.foreign for pair in read_bitext(path / "JW.en.id")] == ["maji", "moto"]
    assert bitext_files(path) == (path,)
    with pytest.raises(DataError, match="none of them is 'yor'"):
        list(read_bitext(path, language="yor"))


def test_an_archive_with_one_file_or_several(tmp_path):
    one = opus(tmp_path / "one.zip", words_csv="en,sw\nwater,maji\n")
    assert [pair.foreign for pair in read_bitext(one, language="sw")] == ["maji"]
    two = opus(tmp_path / "two.zip", a_tsv="water\tmaji\n", b_tsv="fire\tmoto\n")
    with pytest.raises(
        DataError, match=r"several bitexts in the archive: give one, as .*two.zip/a.tsv: a.tsv, b.tsv"
    ):
        read_bitext(two)
    assert [pair.foreign for pair in read_bitext(two / "b.tsv")] == ["moto"]
    with pytest.raises(DataError, match=r"no bitext in the archive: it has LICENSE.txt, README"):
        read_bitext(opus(tmp_path / "none.zip"))


@pytest.mark.parametrize(
    ("language", "expected"), [("ku", "kurmanji"), ("ckb", "sorani"), ("kur", "kurmanji")]
)
def test_the_variant_of_a_moses_file(tmp_path, language, expected):
    for name, text in (("en", "a"), ("ckb", "sorani"), ("ku", "kurmanji")):
        (tmp_path / f"kur.{name}").write_text(f"{text}\n")
    assert [pair.foreign for pair in read_bitext(tmp_path / "kur", language=language)] == [expected]


def test_two_moses_files_of_one_language_are_refused(tmp_path):
    for name in ("en", "id", "ind"):
        (tmp_path / f"c.{name}").write_text("x\n")
    with pytest.raises(DataError, match="the same language: give the two files, joined by a comma"):
        list(read_bitext(tmp_path / "c", language="ind"))
    (tmp_path / "c.ind").unlink()
    with pytest.raises(SettingsError, match=r"no scores: expected a file c.scores"):
        list(read_bitext(tmp_path / "c", language="ind", min_score=1.0))
