"""Questions on passages that are parallel over languages: MLQA, MLQA-R and Belebele."""

import json
from pathlib import Path

import pytest

from opticlir.errors import DataError
from opticlir.lab.collections import load_benchmark
from opticlir.lab.collections.squad import read_squad
from opticlir.records import Document, Query

MOCK = Path(__file__).parents[3].parent / "shared" / "data" / "xtreme_mock"


def squad(*paragraphs):
    entries = [
        {"context": context, "qas": [{"question": text, "answers": [], "id": name} for name, text in asked]}
        for context, *asked in paragraphs
    ]
    return json.dumps({"data": [{"title": "T", "paragraphs": entries}], "version": 1.0})


# MLQA

MLQA = {
    "dev-context-en-question-en.json": squad(
        ("One.", ("a", "who?")), ("Two.", ("b", "why?")), ("One.", ("c", "when?"))
    ),
    "dev-context-en-question-de.json": squad(("Two.", ("b", "warum?")), ("One.", ("c", "wann?"))),
}


@pytest.mark.parametrize("inside", ["MLQA_V1/dev", "dev", "."])
def test_mlqa(put, inside):
    folder = put({f"{inside}/{name}": text for name, text in MLQA.items()})
    task = load_benchmark("mlqa", folder, "de", "dev")
    assert task.name == "mlqa.deu.dev"
    assert task.queries == (Query("b", "warum?", "deu"), Query("c", "wann?", "deu"))
    assert task.documents == (Document("p000", "One."), Document("p001", "Two.")), (
        "each paragraph once, also those that nobody asks about in German"
    )
    assert task.qrels == {"b": {"p001": 1}, "c": {"p000": 1}}
    assert [query.text for query in task.english_queries] == ["why?", "when?"]


def test_mlqa_that_is_not_there_or_not_right(put):
    folder = put(MLQA)
    with pytest.raises(DataError, match=r"for 'vie': there are deu, eng; MLQA is .*MLQA_V1.zip"):
        load_benchmark("mlqa", folder, "vi", "dev")
    with pytest.raises(DataError, match=r"no MLQA_V1/test/test-context-en-question-.* there is none; "):
        load_benchmark("mlqa", folder, "de", "test")
    put({"dev-context-en-question-de.json": squad(("Two.", ("z", "warum?")))})
    with pytest.raises(
        DataError, match=r"question-de.json: 1 question ids are not in dev-.*-en.json, 'z' first"
    ):
        load_benchmark("mlqa", folder, "de", "dev")
    put({"dev-context-en-question-de.json": '{"data": 1}'})
    with pytest.raises(DataError, match=r"question-de.json: expected SQuAD form"):
        load_benchmark("mlqa", folder, "de", "dev")


@pytest.mark.skipif(not MOCK.is_dir(), reason="the sample paragraphs of MLQA are not beside this checkout")
@pytest.mark.parametrize("language", ["ar", "de", "en", "es", "hi", "vi", "zh"])
def test_real_paragraphs_of_mlqa(language):
    ((context, questions),) = read_squad(MOCK / "labels" / "mlqa" / f"test-{language}.json")
    assert len(context) > 100
    assert {len(name) for name in questions} == {40}, "ids are SHA-1"


# MLQA-R


def mlqa_r(*paragraphs):
    entries = []
    for sentences, *asked in paragraphs:
        context = " ".join(sentences)
        starts = [context.index(sentence) for sentence in sentences]
        entries.append(
            {
                "context": context,
                "sentences": list(sentences),
                "sentence_breaks": [
                    [start, start + len(sentence)] for start, sentence in zip(starts, sentences, strict=True)
                ],
                "qas": [
                    {"id": name, "question": text, "answers": [{"answer_start": context.index(answer), "text": answer}]}
                    for name, text, answer in asked
                ],
            }
        )  # fmt: skip
    return json.dumps({"version": 1.0, "data": [{"title": "T", "paragraphs": entries}]})


MLQA_R = {
    "mlqa-dev-r/en.json": mlqa_r(
        (("Ann sings.", "Bob naps."), ("a", "Who sings?", "Ann"), ("b", "Who naps?", "Bob"))
    ),
    "mlqa-dev-r/de.json": mlqa_r((("Bob schläft.",), ("b", "Wer schläft?", "Bob"))),
    "mlqa-dev-r/es.json": mlqa_r((("Ann canta.",), ("a", "¿Quién canta?", "Ann"))),
}


def test_mlqa_r_has_an_answer_in_each_language_that_has_the_question(put):
    folder = put(MLQA_R)
    task = load_benchmark("mlqa-r", folder, "de", "dev")
    assert task.name == "mlqa-r.deu"
    assert task.qrels == {"b": {"eng.s0001": 1}}
    pool = load_benchmark("mlqa-r-pool", folder, "de", "dev")
    assert len(pool.documents) == 4
    assert pool.qrels == {"b": {"deu.s0000": 1, "eng.s0001": 1}}, "no answer in Spanish"
    assert load_benchmark("mlqa-r-pool", folder / "mlqa-dev-r", "en", "dev").qrels["a"] == {
        "eng.s0000": 1, "spa.s0000": 1
    }  # fmt: skip


def test_mlqa_r_that_is_not_there_or_not_right(put):
    folder = put(MLQA_R)
    with pytest.raises(DataError, match=r"no \{language\}.json for 'hin': there are deu, eng, spa"):
        load_benchmark("mlqa-r", folder, "hi", "dev")
    put({"mlqa-dev-r/de.json": mlqa_r((("Bob.",), ("z", "Wer?", "Bob")))})
    with pytest.raises(DataError, match=r"en.json: 1 questions of 'deu' are not in it, 'z' first"):
        load_benchmark("mlqa-r-pool", folder, "de", "dev")
    (folder / "mlqa-dev-r" / "en.json").unlink()
    with pytest.raises(
        DataError, match=r"no MLQA-R in it: .*mlqa-dev-r/en.json.* google-research-datasets/lareqa"
    ):
        load_benchmark("mlqa-r", folder, "de", "dev")


# Belebele


def belebele(link, number, passage, question, **more):
    answers = {f"mc_answer{each}": "x" for each in range(1, 5)} | {"correct_answer_num": "2"}
    return {"link": link, "question_number": number, "flores_passage": passage, "question": question,
            **answers, "dialect": "eng_Latn", "ds": "2023-05-03", **more}  # fmt: skip


BELEBELE = {
    "Belebele/eng_Latn.jsonl": [
        belebele("w/1", 1, "Acid.", "what?"), belebele("w/2", 1, "Base.", "how?"), belebele("w/1", 2, "Acid.", "why?")
    ],
    "Belebele/swh_Latn.jsonl": [
        belebele("w/2", 1, "Besi.", "vipi?"), belebele("w/1", 2, "Asidi.", "kwa nini?"),
        belebele("w/1", 1, "Asidi.", "nini?"),
    ],
    "Belebele/sin_Latn.jsonl": [belebele("w/1", 1, "x", "mokada?")],
    "Belebele/sin_Sinh.jsonl": [belebele("w/1", 1, "x", "මොකද?")],
}  # fmt: skip


@pytest.mark.parametrize("inside", ["", "Belebele"])
def test_belebele(put, inside):
    task = load_benchmark("belebele", put(BELEBELE) / inside, "sw", "dev")
    assert task.name == "belebele.swh_Latn"
    assert task.documents == (Document("p000", "Acid."), Document("p001", "Base."))
    assert task.queries[0] == Query("p001.1", "vipi?", "swa")
    assert task.qrels == {"p001.1": {"p001": 1}, "p000.2": {"p000": 1}, "p000.1": {"p000": 1}}
    assert task.english_queries[-1] == Query("p000.2", "why?", "eng")


@pytest.mark.parametrize(
    ("language", "question"),
    [("sin", "මොකද?"), ("si", "මොකද?"), ("sin_Latn", "mokada?"), ("sin_Sinh", "මොකද?")],
)
def test_belebele_in_the_script_that_is_asked_for(put, language, question):
    (query,) = load_benchmark("belebele", put(BELEBELE), language, "dev").queries
    assert query == Query("p000.1", question, "sin")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([belebele("w/9", 1, "x", "y")], r"swh_Latn.jsonl: 1 questions have no English form, 'w/9 1' first"),
        ([belebele("w/1", 1, "x", "y"), belebele("w/1", 1, "x", "z")],
         r"swh_Latn.jsonl:2: id 'w/1 1' is also on line 1"),
        ([belebele("w/1", "1", "x", "y")], r"swh_Latn.jsonl:1: expected text under link.*'question_number': '1'"),
        ([belebele("w/1", 1, "x", " ")], r"swh_Latn.jsonl:1: expected text under link"),
        (["x"], r"swh_Latn.jsonl:1: expected one JSON object a line"),
    ],
)  # fmt: skip
def test_belebele_that_is_not_right(put, lines, message):
    folder = put(BELEBELE | {"Belebele/swh_Latn.jsonl": lines})
    with pytest.raises(DataError, match=message):
        load_benchmark("belebele", folder, "sw", "dev")


def test_belebele_that_is_not_there(put):
    with pytest.raises(DataError, match=r"for 'hau': there are eng, sin, swa; .*Belebele.zip.*/belebele"):
        load_benchmark("belebele", put(BELEBELE), "ha", "dev")
