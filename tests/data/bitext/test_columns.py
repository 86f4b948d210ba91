"""Tables: which columns are read, in any layout that users have."""

import json

import pytest

from opticlir.data import Columns, SkipReport, parse_columns, read_bitext
from opticlir.errors import DataError, SettingsError

WATER = ("Clean water.", "Maji safi.")


def pairs(tmp_path, text, name="f.tsv", **options):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    options.setdefault("language", "swa")
    return [(pair.english, pair.foreign) for pair in read_bitext(path, **options)]


@pytest.mark.parametrize(
    "heading",
    ["sw\ten", "swh_Latn\teng_Latn", "Swahili\tEnglish", "SWA\tENG", "swahili_text\tenglish_text",
     "sentence_swh_Latn\tsentence_eng_Latn", "text (sw)\ttext (en)", "sw-KE\ten-GB",
     "foreign\tenglish", "sw_text\ten_text", "target\tEnglish", "Kiswahili\tEnglish", "Lugha yetu\tENGLISH"],
)  # fmt: skip
def test_the_heading_decides_the_order(tmp_path, heading):
    assert pairs(tmp_path, f"{heading}\nMaji safi.\tClean water.\n") == [WATER]


def test_a_heading_in_another_language_than_asked_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"f.tsv:1: without an English and a 'yor' side"):
        pairs(tmp_path, "sw\ten\nMaji safi.\tClean water.\n", language="yor")


def test_swapped_columns_without_a_heading_are_said(tmp_path, caplog):
    lines = "".join(f"Maji safi ya watu {n}\tThe clean water of the people {n}\n" for n in range(20))
    report = SkipReport()
    pairs(tmp_path, lines, skipped=report)
    assert "are the columns swapped?" in report.summary()
    pairs(tmp_path, lines)
    assert "are the columns swapped?" in caplog.text
    report = SkipReport()
    pairs(
        tmp_path,
        "".join("\t".join(reversed(line.split("\t"))) + "\n" for line in lines.splitlines()),
        skipped=report,
    )
    assert report.summary() == ""


LAYOUTS = {
    "tatoeba": ("1276\tClean water.\t1111\tMaji safi.\n1277\tIt is fire 1.\t42\tNi moto 1.\n", "english=2,foreign=4"),
    "anki": ("Clean water.\tMaji safi.\tCC-BY 2.0 (France) #1 (CK)\nIt is fire 1.\tNi moto 1.\tCC-BY 2.0 #2 (x)\n",
             "english=1,foreign=2"),
    "bicleaner": ("http://a.org/x\thttp://b.org/y\tClean water.\tMaji safi.\t0.83\n"
                  "http://a.org/x\thttp://b.org/y\tIt is fire 1.\tNi moto 1.\t0.31\n",
                  "english=3,foreign=4,score=5"),
    "wikimatrix": ("1.25\tClean water.\tMaji safi.\n1.03\tIt is fire 1.\tNi moto 1.\n",
                   "english=2,foreign=3,score=1"),
    "foreign first": ("0.9\tMaji safi.\tThe clean water is for people.\n0.4\tNi moto\tIt was the big fire\n",
                      "english=3,foreign=2,score=1"),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_more_columns_are_refused_with_the_option_that_reads_them(tmp_path, layout):
    text, columns = LAYOUTS[layout]
    with pytest.raises(
        DataError, match=rf"f.tsv:1: expected 2 columns.*name those to read, as in --columns {columns}"
    ):
        pairs(tmp_path, text, skipped=SkipReport())
    found = pairs(tmp_path, text, columns=parse_columns(columns))
    assert len(found) == 2
    assert found[0][1] == "Maji safi."
    if "score" in columns:
        least = 1.1 if layout == "wikimatrix" else 0.5
        report = SkipReport()
        assert (
            len(pairs(tmp_path, text, columns=parse_columns(columns), min_score=least, skipped=report)) == 1
        )
        assert report.dropped == {f"with a score below {least:g}": 1}


def test_columns_by_heading(tmp_path):
    text = "id\tsrc_sw\tsrc_en\tlaser_score\n7\tMaji safi.\tClean water.\t0.9\n8\tMoto\tFire\t0.2\n"
    assert pairs(tmp_path, text) == [WATER, ("Fire", "Moto")]
    assert pairs(tmp_path, text, min_score=0.5) == [WATER]
    named = Columns("src_en", "src_sw", "laser_score")
    assert pairs(tmp_path, text, columns=named, min_score=0.5) == [WATER]
    with pytest.raises(DataError, match="no column 'en': the columns are id, src_sw"):
        pairs(tmp_path, text, columns=Columns("en", "src_sw"))
    assert pairs(tmp_path, text, columns=parse_columns("english=3,foreign=2,score=4")) == [
        WATER,
        ("Fire", "Moto"),
    ]


def test_scores_that_are_not_there_or_no_numbers(tmp_path):
    with pytest.raises(SettingsError, match="say which column is the score"):
        pairs(tmp_path, "a\tb\n", min_score=0.5)
    named = parse_columns("english=1,foreign=2,score=3")
    with pytest.raises(DataError, match=r"f.tsv:2: expected a number as score under '3', found 'nan'"):
        pairs(tmp_path, "a\tb\t1\nc\td\tnan\n", columns=named, min_score=0.5)


@pytest.mark.parametrize(
    "argument",
    ["english", "english=0", "english=1,english=2", "left=1", "english=1,foreign=1", "", "english="],
)
def test_columns_that_cannot_be_meant(argument):
    with pytest.raises(SettingsError, match="columns"):
        parse_columns(argument)


def test_a_line_with_another_number_of_columns_is_malformed(tmp_path):
    text = "1\ta\tb\n2\tc\n3\td\te\n"
    with pytest.raises(DataError, match=r"f.tsv:2: expected 3 columns, found 2"):
        pairs(tmp_path, text, columns=parse_columns("english=2,foreign=3"))


@pytest.mark.parametrize(
    "text",
    [
        'english,swahili\n"Clean, cold water.","Maji ""safi""\nbaridi"\n',
        'english;swahili\r\n"Clean, cold water.";"Maji ""safi""\nbaridi"\r\n',
        'sep=;\nenglish;swahili\n"Clean, cold water.";"Maji ""safi""\nbaridi"\n',
    ],
)
def test_csv_as_spreadsheets_write_it(tmp_path, text):
    assert pairs(tmp_path, text, "f.csv") == [("Clean, cold water.", 'Maji "safi"\nbaridi')]
    marked = ("\ufeff" + text).encode("utf-16-le")
    assert pairs(tmp_path, marked, "f.csv") == [("Clean, cold water.", 'Maji "safi"\nbaridi')]


def test_tsv_of_a_spreadsheet(tmp_path):
    text = '"She said ""come""."\t"Alisema ""njoo""."\n"a\tb"\tc\nplain\ttupu\n'
    assert pairs(tmp_path, text)[0] == ('She said "come".', 'Alisema "njoo".')
    assert len(pairs(tmp_path, text)) == 3


def test_a_quote_that_does_not_end_loses_its_own_line_alone(tmp_path):
    text = 'en,sw\nwater,maji\n"fire,moto\n' + "".join(f"word {n},neno {n}\n" for n in range(150))
    with pytest.raises(DataError, match=r"f.csv:3: broken quotes"):
        pairs(tmp_path, text, "f.csv")
    report = SkipReport()
    assert len(pairs(tmp_path, text, "f.csv", skipped=report)) == 151
    assert report.n_malformed == 1


@pytest.mark.parametrize(
    ("record", "language", "expected"),
    [
        ({"en_id": "12", "en": "Water is life.", "sw_id": "77", "sw": "Maji ni uhai."}, "sw",
         ("Water is life.", "Maji ni uhai.")),
        ({"id": "1", "eng_Latn": "Water is life.", "ind_Latn": "Air adalah kehidupan."}, "ind",
         ("Water is life.", "Air adalah kehidupan.")),
        ({"id": "doc-1", "eng_Latn": "Water", "ind_Latn": "Air"}, "ind", ("Water", "Air")),
        ({"idx": 3, "sim": 0.9, "is_gold": True, "id": 4, "en": "Water", "sw": "Maji"}, "sw", ("Water", "Maji")),
        ({"idx": 3, "sim": 0.9, "is_gold": True, "id": 4, "en": "Water", "sw": "Maji"}, None, ("Water", "Maji")),
        ({"no": "4", "en": "Water", "nb": "Vann"}, "nb", ("Water", "Vann")),
        ({"url": "http://x.org", "en": "Water", "yor": "Omi"}, None, ("Water", "Omi")),
        ({"translation": {"en": "Water", "sw": "Maji"}, "id": "x"}, "swa", ("Water", "Maji")),
        ({"source": "Maji ya watu", "target": "The water of the people"}, "sw",
         ("The water of the people", "Maji ya watu")),
        ({"src": "The water of the people", "tgt": "Maji ya watu"}, "sw",
         ("The water of the people", "Maji ya watu")),
        ({"text": {"en": "Water", "sw": "Maji"}}, "sw", ("Water", "Maji")),
        ({"Kiswahili": "Maji", "English": "Water"}, "sw", ("Water", "Maji")),
        ({"sentence_eng_Latn": "Water", "sentence_swh_Latn": "Maji"}, "sw", ("Water", "Maji")),
    ],
)  # fmt: skip
def test_keys_are_languages_only_where_they_hold_its_text(tmp_path, record, language, expected):
    assert pairs(tmp_path, json.dumps(record) + "\n", "f.jsonl", language=language) == [expected]
    assert pairs(tmp_path, json.dumps([record], indent=1), "f.json", language=language) == [expected]


@pytest.mark.parametrize("labels", [("train",), ("train", "dev"), ("ok", "bad", "unsure")])
def test_a_key_that_holds_labels_is_no_language(tmp_path, labels):
    records = [{"en": f"Water {n}", "tr": labels[n % len(labels)], "tur_Latn": f"Su {n}"} for n in range(40)]
    lines = "".join(json.dumps(record) + "\n" for record in records)
    assert pairs(tmp_path, lines, "f.jsonl", language="tur")[3] == ("Water 3", "Su 3")
    assert pairs(tmp_path, json.dumps(records), "f.json", language="tr")[3] == ("Water 3", "Su 3")
    table = "en\ttr\ttur_Latn\n" + "".join("\t".join(record.values()) + "\n" for record in records)
    assert pairs(tmp_path, table, language="tur")[3] == ("Water 3", "Su 3")


@pytest.mark.parametrize(
    ("language", "is_said"), [("tur", True), ("tr", True), ("tur_Latn", False), ("tr-CY", True)]
)
def test_two_variants_that_compete_are_said(tmp_path, language, is_said):
    report = SkipReport()
    record = {"en": "Water", "tr": "Su", "tur_Latn": "Suyu"}
    pairs(tmp_path, json.dumps(record), "f.jsonl", language=language, skipped=report)
    assert ("read the variant" in report.summary()) == is_said


def test_two_keys_for_one_side_are_refused(tmp_path):
    record = {"en": "Water", "id": "Air bersih", "ind": "Air lain"}
    with pytest.raises(DataError, match=r"f.jsonl:1: 'id' and 'ind' both name 'ind': say with --columns"):
        pairs(tmp_path, json.dumps(record), "f.jsonl", language="ind", skipped=SkipReport())
    named = Columns("en", "ind")
    assert pairs(tmp_path, json.dumps(record), "f.jsonl", language="ind", columns=named) == [
        ("Water", "Air lain")
    ]


@pytest.mark.parametrize(
    "value",
    [
        {"data": [{"translation": {"en": "a", "sw": "b"}}, {"translation": {"en": "c", "sw": "d"}}]},
        {"en": ["a", "c"], "sw": ["b", "d"]},
        [{"en": "a", "sw": "b"}, {"en": "c", "sw": "d"}],
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_whole_json_files(tmp_path, value, indent):
    assert pairs(tmp_path, json.dumps(value, indent=indent), "f.json") == [("a", "b"), ("c", "d")]


@pytest.mark.parametrize(
    ("language", "expected"),
    [("zh-TW", "臺灣"), ("zh-CN", "中国"), ("zh-Hant", "臺灣"), ("zh", "中国"), ("zho", "中国")],
)
def test_the_variant_asked_for_is_read(tmp_path, language, expected):
    report = SkipReport()
    record = {"en": "text", "zh-CN": "中国", "zh-TW": "臺灣"}
    found = pairs(tmp_path, json.dumps(record), "f.jsonl", language=language, skipped=report)
    assert found == [("text", expected)]
    assert bool(report.remarks) == (language not in {"zh-TW", "zh-CN"})
    tsv = "en\tzh-CN\tzh-TW\ntext\t中国\t臺灣\n"
    assert pairs(tmp_path, tsv, language=language) == [("text", expected)]


def test_parquet_and_arrow(tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import feather, parquet

    rows = [{"id": str(n), "translation": {"en": f"word {n}", "sw": f"neno {n}"}} for n in range(2_500)]
    table = pa.Table.from_pylist(rows)
    parquet.write_table(table, tmp_path / "f.parquet")
    feather.write_feather(table, tmp_path / "f.feather")
    for name, opened in (("stream.arrow", pa.ipc.new_stream), ("file.arrow", pa.ipc.new_file)):
        with pa.OSFile(str(tmp_path / name), "wb") as sink, opened(sink, table.schema) as writer:
            writer.write_table(table)
    expected = [(f"word {n}", f"neno {n}") for n in range(2_500)]
    for name in ("f.parquet", "f.feather", "stream.arrow", "file.arrow"):
        found = [(pair.english, pair.foreign) for pair in read_bitext(tmp_path / name, language="sw")]
        assert found == expected, name
    (tmp_path / "set").mkdir()
    for part in ("data-0.arrow", "data-1.arrow"):
        (tmp_path / "set" / part).write_bytes((tmp_path / "stream.arrow").read_bytes())
    assert len(list(read_bitext(tmp_path / "set", language="sw"))) == 5_000
    (tmp_path / "f.parquet").write_bytes((tmp_path / "f.parquet").read_bytes()[:500])
    with pytest.raises(DataError, match="not a readable Parquet or Arrow table"):
        list(read_bitext(tmp_path / "f.parquet"))


@pytest.mark.parametrize(
    ("codes", "places"),
    [
        (("eng", "swa"), "english=2,foreign=4"),
        (("en_XX", "sw_KE"), "english=2,foreign=4"),
        (("English", "Swahili"), "english=2,foreign=4"),
        (("swh_Latn", "eng_Latn"), "english=2,foreign=4"),
    ],
)
def test_a_code_before_each_sentence_is_no_heading(tmp_path, codes, places):
    """Read as a heading, the codes themselves were the pairs."""
    path = tmp_path / "pairs.tsv"
    texts = [(f"The water {number} is clean.", f"Maji {number} ni safi.") for number in range(12)]
    path.write_text(
        "".join("\t".join((codes[0], english, codes[1], foreign)) + "\n" for english, foreign in texts)
    )
    with pytest.raises(DataError, match=rf"expected 2 columns.*found 4 .*--columns {places}"):
        list(read_bitext(path, language="swa"))


def test_a_heading_may_also_be_a_word_of_a_dictionary(tmp_path):
    path = tmp_path / "words.tsv"
    rows = [("Swahili", "English"), ("Kiingereza", "English"), ("Kiswahili", "Swahili")]
    rows += [(f"neno{number}", f"word {number}") for number in range(12)]
    path.write_text("".join("\t".join(row) + "\n" for row in rows))
    pairs = list(read_bitext(path, language="swa"))
    assert (pairs[0].english, pairs[0].foreign, len(pairs)) == ("English", "Kiingereza", 14)
