"""Benchmarks mined from Wikipedia and news: WikiCLIR, CLIRMatrix, BUCC and Mewsli-X."""

import re
from pathlib import Path

import pytest

from opticlir.data.text_files import read_lines
from opticlir.errors import DataError
from opticlir.lab.collections import load_benchmark
from opticlir.records import Document, Query

MOCK = Path(__file__).parents[3].parent / "shared" / "data" / "xtreme_mock"

WIKICLIR = {
    "wiki-clir/english/wiki_en.queries": [
        "12\tAnarchism\tA political philosophy.", "25\tAutism\tA condition.", "39\tAlbedo\tA measure."
    ],
    "wiki-clir/swahili/wiki_sw.documents": ["7\tUmangi\tFalsafa ya siasa", "8\tUsonji\tHali", "9\tSiasa\tJambo"],
    "wiki-clir/swahili/en2sw.rel": ["12\t7\t2", "12\t9\t1", "25\t8\t2"],
}  # fmt: skip
CLIRMATRIX = {
    "BI-139/base/sw/sw.en.test1.base.jl.gz": [
        {"src_id": "7", "src_query": "Umangi", "tgt_results": [["12", 6], ["25", 0]]},
        {"src_id": "8", "src_query": "Usonji", "tgt_results": []},
    ],
    "DOCS/en.tsv.gz": ["12\tAnarchism is a philosophy", "25\tAutism"],
}
BUCC = {
    "bucc2018/de-en/de-en.training.de": ["de-000000001\tEins.", "de-000000002\tZwei."],
    "bucc2018/de-en/de-en.training.en": ["en-000000001\tTwo.", "en-000000002\tThree."],
    "bucc2018/de-en/de-en.training.gold": ["de-000000002\ten-000000001"],
}


def article(
    language, *mentions, text="Helsinki\n\nIn Helsinki, buses\nstop. They wait.", spans=((10, 35), (36, 46))
):
    return {
        "context": {
            "document_title": "T", "document_url": "u", "document_id": "d", "language": language, "text": text,
            "sentence_spans": [{"start": start, "end": end} for start, end in spans],
        },
        "mentions": [
            {"example_id": name, "mention_span": {"start": start, "end": end, "text": shown}, "entity_id": entity,
             "metadata": {}}
            for name, start, end, shown, entity in mentions
        ],
    }  # fmt: skip


HELSINKI = ("c795", 13, 21, "Helsinki", "Q1757")
MEWSLI_X = {
    "wikinews_mentions-dev.jsonl": [article("de", HELSINKI), article("en", ("x", 0, 8, "Helsinki", "Q1757"))],
    "candidate_set_entities.jsonl": [
        {"entity_id": "Q1757", "title": "Хельсинки", "description": "Столица.", "description_language": "ru"},
        {"entity_id": "Q33", "title": "Finland", "description": "A land.", "description_language": "en"},
    ],
}
MULTI_8 = {
    "MULTI-8/de/de.en.test1.jl.gz": [
        {"src_id": "7", "src_query": "Anarchismus", "tgt_results": [["12", 6], ["25", 0]]}
    ],
    "DOCS/en.tsv.gz": ["12\tAnarchism is a philosophy", "25\tAutism"],
}
ALL = {
    "wikiclir": (WIKICLIR, "sw", "dev"), "wikiclir-reversed": (WIKICLIR, "sw", "dev"),
    "clirmatrix": (CLIRMATRIX, "sw", "test1"), "clirmatrix-multi8": (MULTI_8, "de", "test1"),
    "bucc": (BUCC, "de", "training"), "mewsli-x": (MEWSLI_X, "de", "dev"),
}  # fmt: skip
WHENCE = {
    "wikiclir": "www.cs.jhu.edu/~kevinduh/a/wikiclir2018",
    "clirmatrix": "www.cs.jhu.edu/~shuosun/clirmatrix, data/BI-139/base",
    "clirmatrix-multi8": "www.cs.jhu.edu/~shuosun/clirmatrix, data/MULTI-8",
    "bucc": "comparable.limsi.fr/bucc2018", "mewsli-x": "get-mewsli-x.sh",
}  # fmt: skip


def load(put, name, **replaced):
    files, language, split = ALL[name]
    changed = {next(path for path in files if path.endswith(end)): lines for end, lines in replaced.items()}
    return load_benchmark(name, put(files | changed), language, split)


def test_wikiclir(put):
    task = load(put, "wikiclir")
    assert task.name == "wikiclir.swa"
    assert task.queries == (Query("12", "A political philosophy.", "eng"), Query("25", "A condition.", "eng"))
    assert task.documents[0] == Document("7", "Falsafa ya siasa", "Umangi")
    assert task.qrels == {"12": {"7": 2, "9": 1}, "25": {"8": 2}}


def test_wikiclir_reversed(put):
    task = load(put, "wikiclir-reversed")
    assert task.queries == (Query("7", "Umangi", "swa"), Query("8", "Usonji", "swa")), (
        "an article without mate asks nothing"
    )
    assert task.documents == (
        Document("12", "A political philosophy.", "Anarchism"), Document("25", "A condition.", "Autism")
    )  # fmt: skip
    assert task.qrels == {"7": {"12": 2}, "8": {"25": 2}}
    assert task.english_queries == (Query("7", "Anarchism", "eng"), Query("8", "Autism", "eng"))


def test_clirmatrix(put):
    task = load(put, "clirmatrix")
    assert task.name == "clirmatrix.swa.test1"
    assert task.queries == (Query("7", "Umangi", "swa"),), "a title that finds nothing is left out"
    assert task.documents == (Document("12", "Anarchism is a philosophy"), Document("25", "Autism"))
    assert task.qrels == {"7": {"12": 6, "25": 0}}


EDITIONS = re.findall(
    r"\w+",
    "af als am an ar arz ast az azb ba bar be bg bn bpy br bs bug ca cdo ce ceb ckb cs cv cy da de diq el "
    "eml eo es et eu fa fi fo fr fy ga gd gl gu he hi hr hsb ht hu hy ia id ilo io is it ja jv ka kk kn "
    "ko ku ky la lb li lmo lt lv mai mg mhr min mk ml mn mr mrj ms my mzn nap nds ne new nl nn no oc or "
    "os pa pl pms pnb ps pt qu ro ru sa sah scn sco sd sh si sk sl sq sr su sv sw szl ta te tg th tl tr "
    "tt uk ur uz vec vi vo wa war wuu xmf yi yo zh ",
)
"""Of Wikipedia, those of BI-139 but English and Simple English."""


def edition(code):
    return {
        f"BI-139/base/{code}/{code}.en.dev.base.jl.gz": [
            {"src_id": "7", "src_query": f"title in {code}", "tgt_results": [["12", 6]]}
        ]
    }


ENGLISH = {"DOCS/en.tsv.gz": CLIRMATRIX["DOCS/en.tsv.gz"]}


def test_every_edition_of_clirmatrix_is_read_by_its_own_code(put):
    folder = put({path: lines for code in EDITIONS for path, lines in edition(code).items()} | ENGLISH)
    tasks = {code: load_benchmark("clirmatrix", folder, code, "dev") for code in EDITIONS}
    assert {code: task.queries[0].text for code, task in tasks.items()} == {
        code: f"title in {code}" for code in EDITIONS
    }
    assert len({task.name for task in tasks.values()}) == len(EDITIONS) == 137
    assert tasks["als"].queries[0].language == "gsw", "Alemannic, not Albanian"


@pytest.mark.parametrize(
    ("language", "there", "listed"),
    [("ckb", "ku", "kur"), ("ku", "ckb", "ckb"), ("sq", "als", "gsw"), ("als", "sq", "sqi")],
)
def test_clirmatrix_reads_no_other_language_in_place_of_a_missing_one(put, language, there, listed):
    with pytest.raises(DataError, match=rf"no .* for '\w+': there are {listed}; CLIRMatrix"):
        load_benchmark("clirmatrix", put(edition(there) | ENGLISH), language, "dev")


def test_other_codes_of_a_language_find_its_edition_of_clirmatrix(put):
    folder = put(edition("sq") | edition("als") | edition("sw") | ENGLISH)
    for language, expected in {"als_Latn": "sq", "sqi": "sq", "gsw": "als", "swh": "sw"}.items():
        task = load_benchmark("clirmatrix", folder, language, "dev")
        assert task.queries[0].text == f"title in {expected}"


def test_clirmatrix_multi8(put):
    task = load(put, "clirmatrix-multi8")
    assert task.name == "clirmatrix-multi8.deu.test1"
    assert task.queries == (Query("7", "Anarchismus", "deu"),)
    assert task.qrels == {"7": {"12": 6, "25": 0}}


def test_bucc(put):
    task = load(put, "bucc")
    assert task.name == "bucc.deu.training"
    assert task.queries == (Query("de-000000002", "Zwei.", "deu"),), "only what has a translation is asked"
    assert [document.doc_id for document in task.documents] == ["en-000000001", "en-000000002"]
    assert task.qrels == {"de-000000002": {"en-000000001": 1}}


@pytest.mark.skipif(not MOCK.is_dir(), reason="the gold pairs of BUCC are not beside this checkout")
@pytest.mark.parametrize("language", ["de", "fr", "ru", "zh"])
def test_real_pairs_of_bucc(put, language):
    gold = MOCK / "labels" / "bucc2018" / f"test-{language}.tsv"
    pairs = [line.split("\t") for _, line in read_lines(gold)]
    sides = {
        f"{language}-en.test.{side}": [f"{each}\tx" for each in sorted({pair[at] for pair in pairs})]
        for at, side in enumerate((language, "en"))
    }
    folder = put(sides | {f"{language}-en.test.gold": gold.read_text("utf-8")})
    task = load_benchmark("bucc", folder, language, "test")
    assert sum(map(len, task.qrels.values())) == len(pairs) > 5


def test_mewsli_x(put):
    task = load(put, "mewsli-x")
    assert task.name == "mewsli-x.deu.dev"
    assert task.queries == (Query("c795", "Helsinki In Helsinki, buses stop.", "deu"),), (
        "the name and its sentence"
    )
    assert task.documents[0] == Document("Q1757", "Столица.", "Хельсинки")
    assert task.qrels == {"c795": {"Q1757": 1}}
    outside = load_benchmark("mewsli-x", put(MEWSLI_X), "en", "dev").queries
    assert outside[0].text == "Helsinki", "a name outside of every sentence is asked alone"


@pytest.mark.parametrize(
    ("name", "end", "lines", "message"),
    [
        ("wikiclir", "wiki_en.queries", ["12\tAnarchism"],
         r"wiki_en.queries:1: expected 3 columns, .* found 2 in '12\\tAnarchism'"),
        ("wikiclir", "en2sw.rel", ["12\t7\t2", "12\t7"], r"en2sw.rel:2: expected id<TAB>docid.* found '12\\t7'"),
        ("wikiclir-reversed", "en2sw.rel", ["12\t7\t5"], r"en2sw.rel:1: .* with grade 0, 1 or 2, found '12\\t7\\t5'"),
        ("wikiclir", "wiki_sw.documents", ["7\ta\tb", "8\tc"], r"wiki_sw.documents:2: expected 3 columns"),
        ("clirmatrix", "jl.gz", [{"src_id": "7", "src_query": "x", "tgt_results": [["12", "6"]]}],
         r"jl.gz:1: expected src_id, src_query and tgt_results .*'6'"),
        ("clirmatrix", "jl.gz", [{"src_id": "7", "src_query": " ", "tgt_results": []}], r"jl.gz:1: expected src_id"),
        ("clirmatrix", "jl.gz", [{"src_query": "x", "tgt_results": []}], r"jl.gz:1: expected a query id as text"),
        ("clirmatrix", "jl.gz", [{"src_id": 7, "src_query": "x", "tgt_results": []}] * 2,
         r"jl.gz:2: id '7' is also on line 1"),
        ("bucc", "gold", ["de-1 en-1"], r"training.gold:1: expected 2 columns, .* found 'de-1 en-1'"),
        ("bucc", "training.en", ["en-1"], r"training.en:1: expected 3 columns, docid<TAB>title<TAB>text"),
        ("mewsli-x", "dev.jsonl", [article("de", HELSINKI, text="")], r"dev.jsonl:1: the article has no text"),
        ("mewsli-x", "dev.jsonl", [article("de", ("c", 0, 3, "Oslo", "Q1"))],
         r"dev.jsonl:1: mention 'c' is 'Oslo', but characters 0 to 3 of the text are 'Hel'"),
        ("mewsli-x", "dev.jsonl", [article("??", HELSINKI)], r"dev.jsonl:1: expected context > language"),
        ("mewsli-x", "dev.jsonl", [article("en", HELSINKI)], r"dev.jsonl: no article in 'deu': there are eng"),
        ("mewsli-x", "entities.jsonl", [{"entity_id": "Q1", "title": "T"}],
         r"entities.jsonl:1: expected entity_id, title and description"),
    ],
)  # fmt: skip
def test_a_malformed_line_is_named(put, name, end, lines, message):
    with pytest.raises(DataError, match=message):
        load(put, name, **{end: lines})


@pytest.mark.parametrize(("name", "part"), [(name, part) for name in WHENCE for part in ALL[name][0]])
def test_a_missing_file_is_named_with_where_its_owner_publishes_it(put, name, part):
    files, language, split = ALL[name]
    folder = put(files)
    (folder / part).unlink()
    with pytest.raises(DataError, match=rf"no .* for '\w+': there .*; .*{WHENCE[name]}"):
        load_benchmark(name, folder, language, split)
