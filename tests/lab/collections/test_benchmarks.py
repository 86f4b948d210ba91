import json
import logging

import pytest

from opticlir.data.retrieval_tasks import assemble_task
from opticlir.errors import DataError
from opticlir.lab.collections import load_benchmark
from opticlir.records import Document, Query


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def squad(*paragraphs):
    return json.dumps(
        {
            "version": "1.1",
            "data": [
                {
                    "title": "T",
                    "paragraphs": [
                        {"qas": [{"question": q, "id": i, "answers": []} for i, q in qas], "context": context}
                        for context, qas in paragraphs
                    ],
                }
            ],
        }
    )


@pytest.fixture
def xquad(tmp_path):
    write(
        tmp_path / "xquad.en.json",
        squad(("\ufeffFirst.", [("a", "who?"), ("b", "what?")]), ("Second.", [("c", "why?")])),
    )
    write(
        tmp_path / "xquad.es.json",
        squad(("Uno.", [("b", "¿qué?"), ("a", "¿quién?")]), ("Dos.", [("c", "¿por qué?")])),
    )
    return tmp_path


def test_xquad(xquad):
    task = load_benchmark("xquad", xquad, "spa", "dev")
    assert task.documents == (Document("p000", "First."), Document("p001", "Second."))
    assert [(query.query_id, query.text) for query in task.queries] == [
        ("b", "¿qué?"), ("a", "¿quién?"), ("c", "¿por qué?")
    ]  # fmt: skip
    assert task.qrels == {"a": {"p000": 1}, "b": {"p000": 1}, "c": {"p001": 1}}
    assert task.english_queries[0] == Query("a", "who?", "eng")
    assert (task.name, task.queries[0].language) == ("xquad.spa", "spa")


def test_xquad_that_is_not_there_or_not_right(xquad):
    with pytest.raises(DataError, match=r"no xquad.\{language\}.json for 'swa': there are eng, spa"):
        load_benchmark("xquad", xquad, "sw", "dev")
    write(xquad / "xquad.de.json", squad(("Eins.", [("z", "wer?")])))
    with pytest.raises(DataError, match=r"xquad.de.json: 1 question ids are not in xquad.en.json, 'z' first"):
        load_benchmark("xquad", xquad, "de", "dev")
    for text in ('{"data": [{"paragraphs": [{"context": "x"}]}]}', "[]", '{"data": [1]}'):
        write(xquad / "xquad.de.json", text)
        with pytest.raises(DataError, match=r"xquad.de.json: expected SQuAD form"):
            load_benchmark("xquad", xquad, "de", "dev")
    write(xquad / "xquad.de.json", squad(("x", [("", "wer?")])))
    with pytest.raises(DataError, match="the query id '' is blank"):
        load_benchmark("xquad", xquad, "de", "dev")
    (xquad / "xquad.en.json").unlink()
    with pytest.raises(
        DataError, match=r"no xquad.en.json, which has the documents: .* google-deepmind/xquad"
    ):
        load_benchmark("xquad", xquad, "es", "dev")


@pytest.fixture
def flat(tmp_path):
    folder = tmp_path / "clir"
    write(folder / "collection.tsv", "d1\tTitle\tone\nd2\t\ttwo\n")
    write(folder / "qrels.txt", "hau-dev-0 0 d1 1\nhau-train-0 0 d2 1\n")
    write(folder / "queries.hau.dev.tsv", "hau-dev-0\tWane?\n")
    write(folder / "queries.eng-from-hau.dev.tsv", "hau-dev-0\tWho?\n")
    write(folder / "queries.hau.train.tsv", "hau-train-0\tIna?\n")
    write(folder / "queries.sw.dev.tsv", "swa-dev-0\tNani?\n")
    return tmp_path


@pytest.mark.parametrize("inside", ["", "clir"])
def test_afriqa_as_retrieval_files(flat, inside):
    task = load_benchmark("afriqa", flat / inside, "ha", "dev")
    assert task.name == "afriqa.hau.dev"
    assert task.documents == (Document("d1", "one", "Title"), Document("d2", "two"))
    assert task.queries == (Query("hau-dev-0", "Wane?", "hau"),)
    assert task.english_queries == (Query("hau-dev-0", "Who?", "eng"),)
    assert task.qrels == {"hau-dev-0": {"d1": 1}}
    assert load_benchmark("afriqa", flat / inside, "ha", "train").english_queries == ()


def test_afriqa_languages_and_splits_that_are_not_there(flat):
    with pytest.raises(DataError, match=r"no queries.\{language\}.dev.tsv for 'yor': there are hau, swa"):
        load_benchmark("afriqa", flat, "yo", "dev")
    with pytest.raises(
        DataError, match=r"no queries.\{language\}.test.tsv for 'hau': there is none; .*/afriqa"
    ):
        load_benchmark("afriqa", flat, "ha", "test")
    with pytest.raises(
        DataError, match="share no query id: a query is 'swa-dev-0', the judgements have 'hau-dev-0'"
    ):
        load_benchmark("afriqa", flat, "sw", "dev")


def gold(language, split, *records):
    keys = ("question_lang", "question_translated", "title", "context")
    lines = [
        json.dumps(dict(zip(keys, record, strict=True)) | {"id": "9", "answer_pivot": {}})
        for record in records
    ]
    return f"gold_passages/{language}/gold_span_passages.afriqa.{language}.en.{split}.json", "\n".join(
        lines
    ) + "\n"


@pytest.fixture
def published(tmp_path):
    nan = float("nan")
    for name, text in [
        gold(
            "hau",
            "dev",
            ("Wane?", "Who?", "T", "A  passage."),
            ("Ina?", "Where?", None, None),
            ("Yaya?", "How?", "U", "Other."),
        ),
        gold(
            "yor",
            "train",
            ("Ta ni?", "Who?", "T", "A passage."),
            (nan, "x", None, None),
            ("Kí ni?", "What?", nan, "Third."),
        ),
    ]:
        write(tmp_path / name, text)
    return tmp_path


def test_afriqa_as_published(published, caplog):
    with caplog.at_level(logging.WARNING):
        task = load_benchmark("afriqa", published, "hau", "dev")
    assert task.documents == (
        Document("d00000", "A passage.", "T"), Document("d00001", "Other.", "U"), Document("d00002", "Third.")
    )  # fmt: skip
    assert task.queries == (Query("hau-dev-0", "Wane?", "hau"), Query("hau-dev-1", "Yaya?", "hau"))
    assert task.english_queries == (Query("hau-dev-0", "Who?", "eng"), Query("hau-dev-1", "How?", "eng"))
    assert task.qrels == {"hau-dev-0": {"d00000": 1}, "hau-dev-1": {"d00001": 1}}
    assert "2 questions without a passage (first:" in caplog.text
    assert load_benchmark("afriqa", published, "yo", "train").qrels["yor-train-1"] == {"d00002": 1}


def test_afriqa_as_published_but_not_right(published):
    with pytest.raises(
        DataError, match="no gold passages for 'swa', split 'dev': there are hau dev, yor train"
    ):
        load_benchmark("afriqa", published, "sw", "dev")
    write(published / gold("hau", "dev")[0], '{"context": "A passage.", "question_lang": "Wane?"}\n')
    with pytest.raises(DataError, match=r"hau.en.dev.json:1: a passage without question or translation"):
        load_benchmark("afriqa", published, "ha", "dev")
    write(published / gold("hau", "dev")[0], '{"context": ["A passage."]}\n')
    with pytest.raises(DataError, match=r"hau.en.dev.json:1: expected text under question_lang"):
        load_benchmark("afriqa", published, "ha", "dev")


def test_ntrex_clir(tmp_path):
    write(tmp_path / "collection.tsv", "bbc.1\t\tarticle\n")
    write(tmp_path / "qrels.txt", "bbc.1:0 0 bbc.1 1\n")
    write(tmp_path / "queries.swa.tsv", "bbc.1:0\thabari\n")
    write(tmp_path / "queries.eng.tsv", "bbc.1:0\tnews\n")
    task = load_benchmark("ntrex-clir", tmp_path, "sw", "dev")
    assert task.queries == (Query("bbc.1:0", "habari", "swa"),)
    assert task.english_queries == (Query("bbc.1:0", "news", "eng"),)
    with pytest.raises(DataError, match=r"for 'hau': there are eng, swa"):
        load_benchmark("ntrex-clir", tmp_path, "ha", "dev")
    (tmp_path / "qrels.txt").unlink()
    with pytest.raises(
        DataError, match=r"no qrels.txt for 'swa': there is none; NTREX-CLIR is made from .*/NTREX"
    ):
        load_benchmark("ntrex-clir", tmp_path, "sw", "dev")


def test_beir_by_name(tmp_path):
    write(tmp_path / "corpus.jsonl", '{"_id": "d", "text": "water"}\n')
    write(tmp_path / "queries.jsonl", '{"_id": "q", "text": "maji"}\n')
    write(tmp_path / "qrels" / "dev.tsv", "query-id\tcorpus-id\tscore\nq\td\t1\n")
    assert load_benchmark("beir", tmp_path, "sw", "dev").qrels == {"q": {"d": 1}}


@pytest.mark.parametrize(
    ("name", "message"),
    [("afriqa", "no AfriQA in it: .* masakhane-io/afriqa"), ("ntrex-clir", "no queries.*is made from .*/NTREX"),
     ("xquad", "google-deepmind/xquad"), ("beir", "qrels")],
)  # fmt: skip
def test_an_empty_folder(tmp_path, name, message):
    with pytest.raises(DataError, match=message):
        load_benchmark(name, tmp_path, "swa", "dev")
    with pytest.raises(DataError, match=f"no such folder, expected one with the files of {name}"):
        load_benchmark(name, tmp_path / "nowhere", "swa", "dev")


@pytest.mark.parametrize(
    ("name", "hint"),
    [("xqad", "did you mean 'xquad'"), ("AfriQA", "did you mean 'afriqa'"), ("zzz", "'zzz': There are")],
)
def test_an_unknown_name(tmp_path, name, hint):
    with pytest.raises(DataError, match=f"{hint}.*afriqa, beir, .*ntrex-clir, .*, xquad"):
        load_benchmark(name, tmp_path, "swa", "dev")


def test_a_document_that_comes_twice(tmp_path):
    write(tmp_path / "collection.tsv", "a\t\tone\n")
    write(tmp_path / "qrels.txt", "q 0 a 1\n")
    write(tmp_path / "queries.swa.tsv", "q\thabari\n")
    task = load_benchmark("ntrex-clir", tmp_path, "sw", "dev")
    with pytest.raises(DataError, match="the document id 'a' occurs twice in the collection"):
        assemble_task("x", tmp_path, task.documents * 2, task.queries, task.qrels)
