"""Benchmarks of topics, judgements and documents: each in the layout and form that its owner publishes."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from opticlir.data import read_qrels
from opticlir.errors import DataError
from opticlir.lab.collections import load_benchmark
from opticlir.lab.collections.trec_collection import TrecCollection
from opticlir.records import Document, Query

FORMATS = Path(__file__).parents[3].parent / "shared" / "data" / "ir_formats"
real = pytest.mark.skipif(
    not FORMATS.is_dir(), reason="the real topics and judgements are not beside this checkout"
)


def hc4_topic(topic_id, *versions):
    keys = ("lang", "source", "topic_title", "topic_description")
    return {
        "topic_id": topic_id,
        "languages_with_qrels": ["zho"],
        "topics": [dict(zip(keys, version, strict=True)) for version in versions],
        "narratives": {},
        "report": None,
    }


ASTEROIDS = hc4_topic(
    "1",
    ("eng", "original", "Asteroids", "Danger of impact."),
    ("zho", "20220114-scale21-sockeye2-tm1", "machine", "machine"),
    ("zho", "human translation", "小行星", "撞击。"),
)
FOREIGN_NEWS = {"id": "07fd-1", "title": "T", "text": "新闻", "url": "u", "time": "t", "cc_file": "c"}

LAYOUTS = {
    "miracl": {
        "miracl-v1.0-sw/topics/topics.miracl-v1.0-sw-dev.tsv": ["6\tBandari kubwa?"],
        "miracl-v1.0-sw/qrels/qrels.miracl-v1.0-sw-dev.tsv": ["6\tQ0\t32#0\t1", "6\tQ0\t33#0\t0"],
        "miracl-corpus-v1.0-sw/docs-0.jsonl.gz": [{"docid": "32#0", "title": "Mombasa", "text": "bandari"}],
        "miracl-corpus-v1.0-sw/docs-1.jsonl.gz": [{"docid": "33#0", "title": "", "text": "mji"}],
    },
    "ciral": {
        "ciral-swahili/topics/topics.ciral-v1.0-sw-dev.tsv": ["5\tWhat is the capital?"],
        "ciral-swahili/qrels/qrels.ciral-v1.0-sw-dev.tsv": ["5\tQ0\tUN#2974#0\t1"],
        "passages-v1.0/swahili_passages.jsonl": [
            {"docid": "UN#2974#0", "title": "UN", "text": "Addis", "url": "u"}
        ],
    },
    "mmarco": {
        "queries/dev/swahili_queries.dev.tsv": ["2\t Kipokezi cha androjeni", "3\tbila hukumu"],
        "queries.dev.tsv": ["2\t Androgen receptor define"],
        "qrels.dev.tsv": ["2\t0\t4339068\t1"],
        "collection.tsv": ["0\tThe presence of communication.", "4339068\tThe androgen receptor."],
    },
    "africlirmatrix": {
        "test/queries/topics.africlirmatrix-v1.0.en.swa.tsv": ["185\tFrom the Cradle (album)"],
        "test/qrels/qrels.africlirmatrix-v1.0.en.swa.txt": ["185 Q0 104757 4"],
        "africlirmatrix-v1.0-swahili/corpus.jsonl": [{"id": "104757", "contents": "Albamu"}],
    },
    "hc4": {
        "resources/hc4/dev.topics.v1-0.jsonl": [ASTEROIDS],
        "resources/hc4/zho/dev.qrels.v1-0.txt": ["1 0 07fd-1 3"],
        "data/zho/hc4_docs.jsonl": [FOREIGN_NEWS],
    },
    "neuclir": {
        "topics.0720.utf8.jsonl": [ASTEROIDS],
        "2022-qrels.zho": ["1 0 07fd-1 3"],
        "neuclir1/zho/docs.jsonl": [FOREIGN_NEWS],
    },
    "neuclir-2023": {
        "neuclir-2023-topics.0605.jsonl": [ASTEROIDS],
        "qrels.final.gains.zho": ["1 0 07fd-1 3"],
        "neuclir1/zho/docs.jsonl": [FOREIGN_NEWS],
    },
    "neuclir-bench": {
        "data/news.eng.tsv": ["1\tAsteroids Danger of impact."],
        "data/qrels.zho.gains.txt": ["1 0 07fd-1 3"],
        "data/zho-00000-of-00001.jsonl.gz": [FOREIGN_NEWS],
    },
}
WHENCE = {
    "miracl": "miracl/miracl-corpus of the Hugging Face hub",
    "ciral": "CIRAL/ciral-corpus of the Hugging Face hub",
    "mmarco": "unicamp-dl/mmarco of the Hugging Face hub",
    "africlirmatrix": "castorini/africlirmatrix",
    "hc4": "hltcoe/HC4",
    "neuclir": "trec.nist.gov/data/neuclir/2022",
    "neuclir-2023": "trec.nist.gov/data/neuclir/2023",
    "neuclir-bench": "neuclir/bench of the Hugging Face hub",
}


def language_of(name):
    return "zh" if name.startswith(("hc4", "neuclir")) else "sw"


@pytest.mark.parametrize(
    ("name", "task_name", "query", "judged", "document"),
    [
        ("miracl", "miracl.swa.dev", Query("6", "Bandari kubwa?", "swa"), {"32#0": 1, "33#0": 0},
         Document("33#0", "mji")),
        ("ciral", "ciral.swa.dev", Query("5", "What is the capital?", "eng"), {"UN#2974#0": 1},
         Document("UN#2974#0", "Addis", "UN")),
        ("mmarco", "mmarco.swa.dev", Query("2", "Kipokezi cha androjeni", "swa"), {"4339068": 1},
         Document("4339068", "The androgen receptor.")),
        ("africlirmatrix", "africlirmatrix.swa", Query("185", "From the Cradle (album)", "eng"), {"104757": 4},
         Document("104757", "Albamu")),
        ("hc4", "hc4.zho.dev", Query("1", "Asteroids Danger of impact.", "eng"), {"07fd-1": 3},
         Document("07fd-1", "新闻", "T")),
        *((name, f"{name}.zho", Query("1", "Asteroids Danger of impact.", "eng"), {"07fd-1": 3},
           Document("07fd-1", "新闻", "T")) for name in ("neuclir", "neuclir-2023", "neuclir-bench")),
    ],
)  # fmt: skip
def test_each_as_it_is_published(put, name, task_name, query, judged, document):
    task = load_benchmark(name, put(LAYOUTS[name]), language_of(name), "dev")
    assert task.name == task_name
    assert task.queries == (query,)
    assert task.qrels == {query.query_id: judged}
    assert replace(task.documents[-1], fields={}) == document


@pytest.mark.parametrize(("name", "part"), [(name, part) for name in LAYOUTS for part in LAYOUTS[name]])
def test_a_missing_file_is_named_with_where_its_owner_publishes_it(put, name, part):
    if (name, part) == ("mmarco", "queries.dev.tsv"):
        pytest.skip("the English questions may be missing")
    folder = put(LAYOUTS[name])
    for path in folder.glob(part.replace("docs-0", "docs-*").replace("docs-1", "docs-*")):
        path.unlink()
    with pytest.raises(DataError, match=rf"no .* for '\w+': there is none; .*{WHENCE[name]}"):
        load_benchmark(name, folder, language_of(name), "dev")


@pytest.mark.parametrize("name", ["miracl", "ciral", "africlirmatrix", "mmarco"])
def test_another_language_lists_those_that_are_there(put, name):
    with pytest.raises(DataError, match="for 'hau': there are swa; "):
        load_benchmark(name, put(LAYOUTS[name]), "ha", "dev")


@pytest.mark.parametrize(
    ("name", "part", "lines", "message"),
    [
        ("miracl", "miracl-v1.0-sw/topics/topics.miracl-v1.0-sw-dev.tsv", ["6\tok", "7"],
         r"sw-dev.tsv:2: expected 2 columns, .* found 1 in '7'"),
        ("miracl", "miracl-v1.0-sw/qrels/qrels.miracl-v1.0-sw-dev.tsv", ["6 Q0 32#0 yes"],
         r"sw-dev.tsv:1: expected .* integer grade, found '6 Q0 32#0 yes'"),
        ("miracl", "miracl-corpus-v1.0-sw/docs-1.jsonl.gz", [{"docid": "33#0"}],
         r"docs-1.jsonl.gz:1: expected the keys _id and text, found 'docid'"),
        ("miracl", "miracl-corpus-v1.0-sw/docs-1.jsonl.gz", [{"docid": "32#0", "text": "tena"}],
         r"the document id '32#0' occurs twice in the collection"),
        ("mmarco", "collection.tsv", ["0\ta", "1\tb\tc"], r"collection.tsv:2: expected 2 columns"),
        ("hc4", "resources/hc4/dev.topics.v1-0.jsonl", [{"topic_id": "1", "topics": ["x"]}],
         r"v1-0.jsonl:1: expected objects under topics, found"),
    ],
)  # fmt: skip
def test_a_malformed_line_is_named(put, name, part, lines, message):
    folder = put(LAYOUTS[name] | {part: lines})
    with pytest.raises(DataError, match=message):
        load_benchmark(name, folder, language_of(name), "dev")


def test_the_english_form_is_read_where_it_is_there(put):
    folder = put(LAYOUTS["mmarco"])
    assert load_benchmark("mmarco", folder, "sw", "dev").english_queries == (
        Query("2", "Androgen receptor define", "eng"),
    )
    (folder / "queries.dev.tsv").unlink()
    assert load_benchmark("mmarco", folder, "sw", "dev").english_queries == ()


@pytest.mark.parametrize(
    ("language", "file", "name"),
    [
        ("nso", "nso", "northern_sotho"), ("arz", "arz", "egyptian_arabic"), ("ary", "ary", "moroccan_arabic"),
        ("af", "afr", "afrikaans"),
    ],
)  # fmt: skip
def test_africlirmatrix_of_a_language_whose_name_is_two_words(put, language, file, name):
    layout = {
        f"test/queries/topics.africlirmatrix-v1.0.en.{file}.tsv": ["185\tCairo"],
        f"test/qrels/qrels.africlirmatrix-v1.0.en.{file}.txt": ["185 Q0 104757 4"],
        f"africlirmatrix-v1.0-{name}/corpus.jsonl": [{"id": "104757", "contents": "x"}],
    }
    task = load_benchmark("africlirmatrix", put(LAYOUTS["africlirmatrix"] | layout), language, "test")
    assert task.queries == (Query("185", "Cairo", "eng"),)
    assert task.documents == (Document("104757", "x"),)


def mmarco_copy(name, question):
    return {
        f"data/{name}/queries/dev/german_queries.dev.small.tsv": [f"2\t{question}"],
        f"data/{name}/queries/dev/german_queries.dev.tsv": [f"2\t{question}", f"3\t{question}"],
        f"data/{name}/queries/dev/english_queries.dev.small.tsv": ["2\t Androgen receptor define"],
        f"data/{name}/collections/english_collection.tsv": ["4339068\tThe androgen receptor."],
        f"data/{name}/collections/german_collection.tsv": ["4339068\tDer Rezeptor."],
    }


MMARCO_QRELS = {
    "data/qrels.dev.small.tsv": ["2\t0\t4339068\t1"],
    "data/qrels.dev.tsv": ["2\t0\t4339068\t1", "3\t0\t4339068\t1"],
}


@pytest.mark.parametrize("inside", ["data/google", "data", "."])
def test_mmarco_as_cloned_from_any_of_its_folders(put, inside):
    copies = mmarco_copy("google", "Was ist ein Rezeptor?") | mmarco_copy(
        "helsinki", "Rezeptor, was ist das?"
    )
    folder = put(copies | MMARCO_QRELS)
    task = load_benchmark("mmarco", folder / inside, "de", "dev.small")
    assert task.queries == (Query("2", "Was ist ein Rezeptor?", "deu"),), "one copy is read, the first"
    assert task.documents == (Document("4339068", "The androgen receptor."),)
    assert task.english_queries == (Query("2", "Androgen receptor define", "eng"),)
    assert len(load_benchmark("mmarco", folder / inside, "de", "dev").queries) == 2


@pytest.mark.parametrize("inside", ["data/helsinki", "data", "."])
def test_mmarco_with_the_other_translations_alone(put, inside):
    folder = put(mmarco_copy("helsinki", "Rezeptor, was ist das?") | MMARCO_QRELS)
    task = load_benchmark("mmarco", folder / inside, "de", "dev.small")
    assert task.queries[0].text == "Rezeptor, was ist das?"


def test_the_judgements_of_train_are_those_of_ms_marco(put):
    files = {"data/google/queries/train/german_queries.train.tsv": ["2\tRezeptor"]}
    with pytest.raises(
        DataError, match=r"no data/qrels\.train\.tsv .*; qrels\.train\.tsv alone is .*msmarco"
    ):
        load_benchmark("mmarco", put(mmarco_copy("google", "x") | MMARCO_QRELS | files), "de", "train")


def test_the_pools_of_ciral_judge_the_topics_of_test_a(put):
    inside = "ciral-swahili"
    files = {
        f"{inside}/topics/topics.ciral-v1.0-sw-test-a.tsv": ["5\tWhat is the capital?"],
        f"{inside}/topics/topics.ciral-v1.0-sw-test-a-native.tsv": ["5\tMji mkuu ni gani?"],
        f"{inside}/qrels/qrels.ciral-v1.0-sw-test-a.tsv": ["5\tQ0\tUN#2974#0\t0"],
        f"{inside}/qrels/qrels.ciral-v1.0-sw-test-a-pools.tsv": ["5\tQ0\tUN#2974#0\t1"],
    }
    task = load_benchmark("ciral", put(LAYOUTS["ciral"] | files), "sw", "test-a-pools")
    assert (task.name, task.qrels) == ("ciral.swa.test-a-pools", {"5": {"UN#2974#0": 1}})
    native = load_benchmark("ciral-native", put(files), "sw", "test-a-pools")
    assert (native.queries[0].text, native.english_queries) == ("Mji mkuu ni gani?", task.queries)


def test_topics_in_the_language_of_the_documents(put):
    native = {"ciral-swahili/topics/topics.ciral-v1.0-sw-dev-native.tsv": ["5\tMji mkuu ni gani?"]}
    task = load_benchmark("ciral-native", put(LAYOUTS["ciral"] | native), "swa", "dev")
    assert task.queries == (Query("5", "Mji mkuu ni gani?", "swa"),)
    assert task.english_queries == (Query("5", "What is the capital?", "eng"),)
    native = {"data/news.zho.tsv": ["1\t小行星 撞击。"]}
    for name in ("hc4", "neuclir", "neuclir-2023", "neuclir-bench"):
        task = load_benchmark(f"{name}-native", put(LAYOUTS[name] | native), "zho", "dev")
        assert task.queries == (Query("1", "小行星 撞击。", "zho"),), (
            "a person's translation, not a machine's"
        )
        assert task.english_queries == (Query("1", "Asteroids Danger of impact.", "eng"),)


def test_the_first_form_that_is_there_is_taken(put):
    collection = TrecCollection(
        name="x", whence="x", topics=("a.{language}", "b.{language}"), qrels=("q",), documents=("d",)
    )
    files = {"b.sw": ["1\tpili"], "q": ["1 0 d 1"], "d": ["d\tx"]}
    assert collection.load(put(files), "sw", "dev").queries[0].text == "pili"
    assert collection.load(put({"a.sw": ["1\tkwanza"]}), "sw", "dev").queries[0].text == "kwanza"


@real
@pytest.mark.parametrize(
    ("name", "topics", "qrels", "documents", "language", "n_queries", "n_judged"),
    [
        ("miracl", "topics.miracl-v1.0-sw-dev.tsv", "qrels.miracl-v1.0-sw-dev.tsv",
         "miracl-corpus-v1.0-sw/docs-0.jsonl", "sw", 482, 5092),
        ("miracl", "topics.miracl-v1.0-yo-dev.tsv", "qrels.miracl-v1.0-yo-dev.tsv",
         "miracl-corpus-v1.0-yo/docs-0.jsonl", "yo", 119, 1188),
        ("ciral-native", "topics.ciral-v1.0-sw-dev-native.tsv", "qrels.ciral-v1.0-sw-dev.tsv",
         "swahili_passages.jsonl", "sw", 10, 196),
        ("africlirmatrix", "topics.africlirmatrix-v1.0.en.swa.tsv", "qrels.africlirmatrix-v1.0.en.swa.txt",
         "swa/corpus.jsonl", "sw", 1500, 1891),
    ],
)  # fmt: skip
def test_real_topics_and_judgements(put, name, topics, qrels, documents, language, n_queries, n_judged):
    judged = {doc_id for grades in read_qrels(FORMATS / qrels).values() for doc_id in grades}
    folder = put({documents: [{"docid": doc_id, "title": "", "text": "x"} for doc_id in sorted(judged)]})
    for file in (topics, qrels):
        shutil.copy(FORMATS / file, folder)
    task = load_benchmark(name, folder, language, "dev")
    assert (len(task.queries), sum(map(len, task.qrels.values()))) == (n_queries, n_judged)


@real
@pytest.mark.parametrize(
    ("name", "query"), [("hc4", "Asteroids Endangering Earth"), ("hc4-native", "小行星危害地球")]
)
def test_real_topics_of_hc4(put, name, query):
    qrels = read_qrels(FORMATS / "hc4.zho.dev.qrels.v1-0.txt")
    judged = {doc_id for grades in qrels.values() for doc_id in grades}
    folder = put({"zho/hc4_docs.jsonl": [{"id": each, "title": "", "text": "x"} for each in sorted(judged)]})
    shutil.copy(FORMATS / "hc4.dev.topics.v1-0.jsonl", folder / "dev.topics.v1-0.jsonl")
    shutil.copy(FORMATS / "hc4.zho.dev.qrels.v1-0.txt", folder / "zho" / "dev.qrels.v1-0.txt")
    task = load_benchmark(name, folder, "zh", "dev")
    assert task.queries[0].text.startswith(query)
    assert (len(task.queries), sum(map(len, task.qrels.values()))) == (10, 466)
