"""Files as the world has them: read, counted, compared. Skipped where they are not there."""

import shutil
from pathlib import Path

import pytest

from opticlir.data import SkipReport, read_bitext, read_dictionary, read_qrels, read_topics
from opticlir.errors import DataError
from opticlir.lab.collections import load_benchmark

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
pytestmark = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the public data sets are not beside this checkout"
)

ORIGINALS = [
    ("anki.mar.txt", "mar", 30, "Take Tom home.", "टॉमला घरी घेऊन जा."),
    ("lafand.en-hau.train.json", None, 20, "#FreeAmade: Journalist", "#FreeAmade: ɗan siyasar"),
    ("lafand.en-hau.train.tsv", None, 20, "#FreeAmade: Journalist", "#FreeAmade: ɗan siyasar"),
    ("menyo.train.tsv", "yor", 20, "Unit 1: What is", "Ìdá 1: Kín ni"),
    ("hornmt.json", "so", 10, "The Israeli Air Force", "Ciidamada Cirka"),
    ("moses.newstest2016", None, 30, "In 911 Call", "Profesör 911'i"),
    ("moses.newstest2016.tur", "tr", 30, "In 911 Call", "Profesör 911'i"),
    ("ntrex.newstest2019-src.eng.txt,ntrex.newstest2019-ref.som.txt", None, 40, "Macedonians", "Dadka reer"),
    ("tico19.all.en-sw.tmx", "swa", 20, "about how long", "je, dalili hizi"),
]


@pytest.mark.parametrize(("name", "language", "count", "english", "foreign"), ORIGINALS)
def test_original_bitext(name, language, count, english, foreign):
    report = SkipReport(lenient=False)
    pairs = list(read_bitext(SHARED / "originals" / name, language=language, skipped=report))
    assert len(pairs) == count
    assert pairs[0].english.startswith(english)
    assert pairs[0].foreign.startswith(foreign)
    assert report.summary() == ""


@pytest.mark.parametrize("name", ["bible.Swahili-NT.xml"])
def test_what_is_no_bitext_by_its_name(name):
    with pytest.raises(DataError, match="the name has no known bitext format"):
        read_bitext(SHARED / "originals" / name)


@pytest.mark.parametrize("name", ["ntrex.DOCUMENT_IDS.tsv", "sib200.swh_Latn.train.tsv"])
def test_tables_of_another_width(name):
    with pytest.raises(DataError, match=rf"{name}:1: expected 2 columns"):
        list(read_bitext(SHARED / "originals" / name))


@pytest.mark.parametrize("language", ["swa", "hau", "yor", "zul", "mar", "tha"])
def test_bitext_has_as_many_pairs_as_its_index_says(language):
    rows = [line.split("\t") for line in (SHARED / "bitext" / "counts.tsv").read_text().splitlines()[1:]]
    counts = {source: int(n_pairs) for source, code, n_pairs, *_ in rows if code == language}
    assert counts
    for source, n_pairs in counts.items():
        (path,) = (SHARED / "bitext").glob(f"{source}.{language}.tsv*")
        assert sum(1 for _ in read_bitext(path, language=language)) == n_pairs


TOPICS = [
    ("hc4.dev.topics.v1-0.jsonl", "zho", 10, ("1", "小行星危害地球")),
    (
        "topics.africlirmatrix-v1.0.en.swa.tsv",
        "eng",
        1500,
        ("18559733", "From the Cradle to the Grave (album)"),
    ),
    ("topics.ciral-v1.0-yo-dev-native.tsv", "yor", 10, ("2", "Ki ni nọmba ipe pajawiri ti ijọba gbe kalẹ ?")),
    ("topics.clef06fr.x2fr.te.txt", "tel", 49, ("301-AH", "నెస్లే ఉత్పత్తులు")),
    ("topics.fire12hi.176-225.txt", "hin", 50, ("176", "वाई एस आर रेड्डी की मौत")),
    ("topics.miracl-v1.0-yo-dev.tsv", "yor", 119, ("10020#0", "Odun wo ni wọn ṣe idije Olympiiki akọkọ?")),
    ("topics.mrtydi-v1.1-sw.dev.txt.gz", "swa", 526, ("6", "Bandari kubwa nchini Kenya iko wapi?")),
    ("topics.msmarco-passage.dev-subset.head.txt", "eng", 300, ("1048585", "what is paula deen's brother")),
    ("topics.trec02ar-ar.txt", "ara", 50, ("AR26", "مجلس المقاومة الوطني الكردستاني")),
    ("topics.trec02ar-en.txt", "eng", 50, ("AR26", "Kurdistan Independence")),
]


@pytest.mark.parametrize(("name", "language", "count", "first"), TOPICS)
def test_topics(name, language, count, first):
    queries = read_topics(SHARED / "ir_formats" / name, language)
    assert len(queries) == count
    assert (queries[0].query_id, queries[0].text) == first


QRELS = [
    ("hc4.zho.dev.qrels.v1-0.txt", 10, 466, {0, 1, 3}),
    ("qrels.africlirmatrix-v1.0.en.swa.txt", 1500, 1891, None),
    ("qrels.ciral-v1.0-sw-dev.tsv", 10, 196, {0, 1}),
    ("qrels.clef06fr.txt", 6, 2000, {0, 1}),
    ("qrels.miracl-v1.0-yo-dev.tsv", 119, 1188, {0, 1}),
    ("qrels.mrtydi-v1.1-sw.dev.txt", 526, 623, None),
    ("qrels.msmarco-passage.dev-subset.head.txt", 282, 300, {1}),
]


@pytest.mark.parametrize(("name", "n_queries", "n_judgements", "grades"), QRELS)
def test_qrels(name, n_queries, n_judgements, grades):
    qrels = read_qrels(SHARED / "ir_formats" / name)
    assert (len(qrels), sum(map(len, qrels.values()))) == (n_queries, n_judgements)
    assert grades is None or {grade for judged in qrels.values() for grade in judged.values()} == grades


AFRIQA = [
    ("hau", "dev", 222),
    ("ibo", "dev", 307),
    ("zul", "dev", 242),
    ("yor", "train", 247),
    ("twi", "dev", 348),
]


@pytest.mark.parametrize(("language", "split", "n_queries"), AFRIQA)
def test_afriqa(language, split, n_queries):
    task = load_benchmark("afriqa", SHARED / "afriqa", language, split)
    assert (len(task.documents), len(task.queries), len(task.english_queries)) == (2264, n_queries, n_queries)
    assert load_benchmark("afriqa", SHARED / "afriqa" / "clir", language, split) == task


def test_afriqa_as_published_asks_the_same(tmp_path):
    shutil.copytree(SHARED / "afriqa" / "gold_passages", tmp_path / "gold_passages")
    for language, split, n_queries in AFRIQA:
        published = load_benchmark("afriqa", tmp_path, language, split)
        flat = load_benchmark("afriqa", SHARED / "afriqa", language, split)
        assert len(published.queries) == n_queries
        assert published.queries == flat.queries
        # the flat form joins three more pairs of passages that differ in punctuation alone
        assert len(published.documents) == 2267


@pytest.mark.parametrize("language", ["es", "zh", "ru", "th"])
def test_xquad(language):
    task = load_benchmark("xquad", SHARED / "xquad", language, "dev")
    assert (len(task.documents), len(task.queries), len(task.english_queries)) == (240, 1190, 1190)
    assert {len(judged) for judged in task.qrels.values()} == {1}
    assert not any("\ufeff" in document.text for document in task.documents)


def test_ntrex_clir():
    task = load_benchmark("ntrex-clir", SHARED / "ntrex_clir", "swa", "dev")
    assert (len(task.documents), len(task.queries), len(task.english_queries)) == (123, 82, 82)


def test_no_dictionary_is_taken_for_one_the_other_way_round():
    files = [
        *SHARED.glob("dictionaries/*/*.t*"), *SHARED.glob("extra/gatitos/*.tsv"),
        *SHARED.glob("extra/wiktionary_wordnet/*.tsv"),
    ]  # fmt: skip
    assert len(files) > 90
    for path in files:
        assert next(read_dictionary(path))
