"""Benchmarks of parallel sentences: Tatoeba, LAReQA, XNLI and MTOP, in the forms they are published in."""

import gzip
import json
from pathlib import Path

import pytest

from opticlir.errors import DataError
from opticlir.lab.collections import load_benchmark
from opticlir.lab.collections.lareqa import read_pool
from opticlir.languages import language_code
from opticlir.records import Document, Query

SHARED = Path(__file__).parents[3].parent / "shared" / "data"


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


# Tatoeba


@pytest.fixture
def tatoeba(tmp_path):
    write(tmp_path / "tatoeba.swh-eng.swh", "maji ni safi\nmoto\nmoto\n")
    write(tmp_path / "tatoeba.swh-eng.eng", "the water is clean\nfire\nheat\n")
    return tmp_path


def test_tatoeba_there_and_back(tatoeba):
    task = load_benchmark("tatoeba", tatoeba, "sw", "dev")
    assert task.name == "tatoeba.swa"
    assert task.queries[0] == Query("swa.0000", "maji ni safi", "swa")
    assert task.documents[0] == Document("eng.0000", "the water is clean")
    assert task.qrels["swa.0001"] == {"eng.0001": 1}, "of two equal lines each has its own answer"
    assert task.english_queries == ()
    back = load_benchmark("tatoeba-from-english", tatoeba, "sw", "dev")
    assert back.queries[0] == Query("eng.0000", "the water is clean", "eng")
    assert back.documents[2] == Document("swa.0002", "moto")
    assert back.qrels["eng.0002"] == {"swa.0002": 1}


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        (
            "tatoeba.swh-eng.eng",
            None,
            r"no tatoeba.\{language\}-eng.eng for 'swa': there is none; .*/LASER",
        ),
        ("tatoeba.swh-eng.swh", None, r"tatoeba.swh-eng.<language>, is missing"),
        (
            "tatoeba.swh-eng.eng",
            "the water is clean\nfire\n",
            "has 3 lines but .* has 2: line n of one is to",
        ),
        (
            "tatoeba.swh-eng.swh",
            "maji\n \nmoto\n",
            r"swh:2: expected one sentence a line, found a blank line",
        ),
    ],
)
def test_tatoeba_that_is_not_there_or_not_right(tatoeba, file, text, message):
    (tatoeba / file).unlink()
    if text is not None:
        write(tatoeba / file, text)
    with pytest.raises(DataError, match=message):
        load_benchmark("tatoeba", tatoeba, "swa", "dev")


def test_tatoeba_of_another_language(tatoeba):
    with pytest.raises(DataError, match="for 'hau': there are swa"):
        load_benchmark("tatoeba", tatoeba, "ha", "dev")


# LAReQA


def xquad_r(*paragraphs):
    """Paragraphs of (sentences, (question id, question, answer)...); sentences stand a blank apart."""
    entries = []
    for sentences, *questions in paragraphs:
        context, breaks = "", []
        for sentence in sentences:
            context += " " if context else ""
            breaks.append([len(context), len(context) + len(sentence)])
            context += sentence
        qas = [
            {
                "id": name,
                "question": text,
                "answers": [{"answer_start": context.index(answer), "text": answer}],
            }
            for name, text, answer in questions
        ]
        entries.append({"context": context, "sentences": sentences, "sentence_breaks": breaks, "qas": qas})
    return json.dumps({"version": "1.1", "data": [{"title": "T", "paragraphs": entries}]})


@pytest.fixture
def lareqa(tmp_path):
    english = xquad_r(
        (["\ufeffAnn sings.", "Bob sleeps."], ("q1", "Who sings?", "Ann"), ("q2", "Who sleeps?", "Bob")),
        (["Cats purr."], ("q3", "What purrs?", "Cats")),
    )
    german = xquad_r(
        (["Ann singt und Bob schläft."], ("q2", "Wer schläft?", "Bob"), ("q1", "Wer singt?", "Ann")),
        (["Ja.", "Katzen schnurren."], ("q3", "Was schnurrt?", "Katzen")),
    )
    write(tmp_path / "xquad-r" / "en.json", english)
    (tmp_path / "xquad-r" / "de.json.gz").write_bytes(gzip.compress(german.encode()))
    return tmp_path


@pytest.mark.parametrize("inside", ["", "xquad-r"])
def test_lareqa_in_english_and_in_the_pool(lareqa, inside):
    task = load_benchmark("lareqa", lareqa / inside, "deu", "dev")
    assert [document.text for document in task.documents] == ["Ann sings.", "Bob sleeps.", "Cats purr."]
    assert task.queries[0] == Query("q2", "Wer schläft?", "deu")
    assert task.qrels == {"q2": {"eng.s0001": 1}, "q1": {"eng.s0000": 1}, "q3": {"eng.s0002": 1}}
    assert task.english_queries[0] == Query("q1", "Who sings?", "eng")
    pool = load_benchmark("lareqa-pool", lareqa / inside, "de", "dev")
    assert len(pool.documents) == 6
    assert pool.qrels["q3"] == {"deu.s0002": 1, "eng.s0002": 1}
    assert pool.qrels["q1"] == {"deu.s0000": 1, "eng.s0000": 1}


def test_lareqa_that_is_not_there_or_not_right(lareqa):
    folder = lareqa / "xquad-r"
    with pytest.raises(DataError, match=r"no \{language\}.json for 'spa': there are deu, eng"):
        load_benchmark("lareqa", lareqa, "es", "dev")
    write(folder / "es.json", xquad_r((["Sí."], ("q9", "¿Sí?", "Sí"))))
    with pytest.raises(DataError, match=r"en.json: 1 questions of 'spa' are not in it, 'q9' first"):
        load_benchmark("lareqa", lareqa, "es", "dev")
    good = xquad_r((["Sí."], ("q1", "¿Sí?", "Sí")))
    for text, message in (
        (good.replace('"answer_start": 0', '"answer_start": 7'), "'q1' begins at 7, in no sentence"),
        (good.replace('"sentences"', '"satz"'), "expected XQuAD-R form, .*'sentences'"),
        (
            good.replace('"answers": [{"answer_start": 0, "text": "S\\u00ed"}]', '"answers": []'),
            "expected XQuAD-R form",
        ),
        (good.replace('"q1"', '" "'), "the query id ' ' is blank"),
        ("[]", "expected XQuAD-R form"),
    ):
        write(folder / "es.json", text)
        with pytest.raises(DataError, match=rf"es\.json: .*{message}"):
            load_benchmark("lareqa", lareqa, "es", "dev")
    (folder / "en.json").unlink()
    with pytest.raises(DataError, match=r"no XQuAD-R in it: .* google-research-datasets/lareqa"):
        load_benchmark("lareqa", lareqa, "de", "dev")


@pytest.mark.skipif(not (SHARED / "lareqa").is_dir(), reason="the real XQuAD-R is not beside the repository")
@pytest.mark.parametrize(
    ("name", "n_candidates"),
    [("de.json", 1276), ("en.json", 1180), ("es.json", 1215), ("hi.json.gz", 1244), ("th.json.gz", 852),
     ("zh.json", 1196)],
)  # fmt: skip
def test_published_counts_of_candidates(name, n_candidates):
    pool = read_pool(SHARED / "lareqa" / "xquad-r" / name, language_code(name.split(".")[0]))
    assert (len(pool.candidates), len(pool.queries), len(pool.answers)) == (n_candidates, 1190, 1190)


# XNLI

JOINED = (
    "genre\tlabel\tsentence1_en\tsentence2_en\tsentence1_sw\tsentence2_sw\n"
    'fiction\tneutral\tHe said "no.\tHe was sad.\tAlisema "la.\tAlikuwa na huzuni.\n'
    'fiction\tentailment\tHe said "no.\tHe spoke.\tAlisema "la.\tAliongea.\n'
    'fiction\tcontradiction\tHe said "no.\tHe was silent.\tAlisema "la.\tAlinyamaza.\n'
    "travel\tentailment\tIt rains.\tIt is wet.\tMvua inanyesha.\tKuna maji.\n"
)
HEADER = ["language", "gold_label", "sentence1", "sentence2", "promptID", "pairID", "genre"]
PUBLISHED = [
    ["sw", "entailment", "Mvua inanyesha.", "Kuna maji.", "7", "71", "travel"],
    ["en", "entailment", "It rains.", "It is wet.", "7", "71", "travel"],
    ["en", "contradiction", "It rains.", "It is dry.", "7", "72", "travel"],
    ["sw", "contradiction", "Mvua inanyesha.", "Ni kavu.", "7", "72", "travel"],
    ["fr", "neutral", "Il pleut.", "Il est tard.", "7", "73", "travel"],
]


def published(*rows, header=HEADER):
    return "".join("\t".join(row) + "\n" for row in (header, *rows))


def test_xnli_joined_over_two_languages(tmp_path):
    write(tmp_path / "xnli.dev.eng-swa.tsv", JOINED)
    task = load_benchmark("xnli", tmp_path, "sw", "dev")
    assert task.queries == (Query("0000", 'Alisema "la.', "swa"), Query("0001", "Mvua inanyesha.", "swa"))
    assert task.documents[0] == Document("premise.0000", 'He said "no.')
    assert task.qrels == {"0000": {"premise.0000": 1}, "0001": {"premise.0001": 1}}
    follows = load_benchmark("xnli-entailment", tmp_path, "sw", "dev")
    assert [document.text for document in follows.documents][1:3] == ["He spoke.", "He was silent."]
    assert follows.qrels["0000"] == {"hypothesis.0000": 0, "hypothesis.0001": 1, "hypothesis.0002": 0}
    assert follows.english_queries[1] == Query("0001", "It rains.", "eng")


def test_xnli_as_published(tmp_path):
    write(tmp_path / "xnli.test.tsv", published(*PUBLISHED))
    task = load_benchmark("xnli", tmp_path, "swa", "test")
    assert task.queries == (Query("7", "Mvua inanyesha.", "swa"),)
    assert task.documents == (Document("premise.7", "It rains."),)
    follows = load_benchmark("xnli-entailment", tmp_path, "swa", "test")
    assert [document.text for document in follows.documents] == ["It is wet.", "It is dry."]
    assert follows.qrels == {"7": {"hypothesis.0000": 1, "hypothesis.0001": 0}}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("xnli.dev.eng-hau.tsv", JOINED, r"eng-\{language\}.tsv for 'swa': there are hau; .*facebookresearch/XNLI"),
        ("xnli.dev.eng-swa.tsv", JOINED.replace("_sw", "_ha"), "no column sentence1 of 'swa': there are genre, label"),
        ("xnli.dev.eng-swa.tsv", JOINED + "one\ttwo\n", r"swa\.tsv:6: expected 6 columns as in the header, found 2"),
        ("xnli.dev.eng-swa.tsv", JOINED.replace("neutral", "-"), r"swa\.tsv:2: expected entailment, .*found '-'"),
        ("xnli.dev.eng-swa.tsv", JOINED.replace("Aliongea.", " "), r"swa\.tsv:3: a premise or hypothesis is blank"),
        ("xnli.dev.tsv", published(*PUBLISHED[1:3]), r"xnli\.dev\.tsv: no row in 'swa': there are eng"),
        ("xnli.dev.tsv", published(PUBLISHED[0], PUBLISHED[2]), r"xnli\.dev\.tsv:2: pair '71' has no English side"),
        ("xnli.dev.tsv", published(["sw"], header=["language"]), r"xnli\.dev\.tsv:1: no column 'gold_label'"),
    ],
)  # fmt: skip
def test_xnli_that_is_not_there_or_not_right(tmp_path, name, text, message):
    write(tmp_path / name, text)
    with pytest.raises(DataError, match=message):
        load_benchmark("xnli", tmp_path, "sw", "dev")


# XNLI 2.0

ENGLISH_ROWS = [
    ["en", "entailment", "It rains.", "It is wet.", "7", "71", "travel"],
    ["fr", "neutral", "Il pleut.", "Il est tard.", "7", "72", "travel"],
    ["en", "contradiction", "It rains.", "It is dry, is it?", "7", "72", "travel"],
    ["en", "neutral", "He left.", "He had to.", "8", "81", "travel"],
]
ODIA = 'premise,hypothesis,label\nବର୍ଷା ହେଉଛି,ଓଦା,0\nବର୍ଷା ହେଉଛି,"ଶୁଖିଲା, ନା?",2\nସେ ଗଲେ,ଯିବାକୁ ପଡିଲା,1\n'


def test_xnli2(tmp_path):
    write(tmp_path / "xnli.test.tsv", published(*ENGLISH_ROWS))
    write(tmp_path / "odiya_test.csv", ODIA)
    task = load_benchmark("xnli2", tmp_path, "or", "test")
    assert task.name == "xnli2.ori.test"
    assert task.queries == (Query("7", "ବର୍ଷା ହେଉଛି", "ori"), Query("8", "ସେ ଗଲେ", "ori"))
    assert task.documents == (Document("premise.7", "It rains."), Document("premise.8", "He left."))
    assert task.qrels == {"7": {"premise.7": 1}, "8": {"premise.8": 1}}
    follows = load_benchmark("xnli2-entailment", tmp_path, "ori", "test")
    assert [document.text for document in follows.documents] == [
        "It is wet.",
        "It is dry, is it?",
        "He had to.",
    ]
    assert follows.qrels["7"] == {"hypothesis.0000": 1, "hypothesis.0001": 0}
    assert follows.english_queries == (Query("7", "It rains.", "eng"), Query("8", "He left.", "eng"))


def test_columns_of_xnli2_may_stand_in_any_order(tmp_path):
    write(tmp_path / "xnli.test.tsv", published(ENGLISH_ROWS[0]))
    write(tmp_path / "bengali_test.csv", "label,hypothesis,premise\n0,ভেজা,বৃষ্টি\n")
    assert load_benchmark("xnli2", tmp_path, "bn", "test").queries == (Query("7", "বৃষ্টি", "ben"),)


@pytest.mark.parametrize(
    ("language", "file"),
    [
        ("sw", "swahili_test_new.csv"), ("sw", "xnli2.0_swahili/swahili_test_new.csv"),
        ("or", "xnli2.0_odiya/odiya_test.csv"), ("gu", "xnli2.0_gujrati/gujrati_test.csv.gz"),
        ("el", "Greek_test.csv"), ("el", "XNLI2.0_Greek/Greek_test.csv"), ("san", "xnli2.0_sanskrit/sanskrit_test.csv"),
        ("bho", "xnli2.0_bhojpuri/bhojpuri_test.csv"),
    ],
)  # fmt: skip
def test_xnli2_as_each_language_is_published(put, language, file):
    """One data set for each language, side by side in the folder, or their files alone."""
    folder = put({file: "premise,hypothesis,label\na,b,0\n", "xnli.test.tsv": published(ENGLISH_ROWS[0])})
    put({"xnli2.0_hindi/hindi_test.csv": "premise,hypothesis,label\nx,y,0\n"})
    assert load_benchmark("xnli2", folder, language, "test").queries[0].text == "a"


def test_of_two_files_of_a_language_the_plain_one_is_taken(put):
    files = {"swahili_test.csv": "premise,hypothesis,label\nplain,b,0\n",
             "swahili_test_new.csv": "premise,hypothesis,label\nnew,b,0\n",
             "xnli.test.tsv": published(ENGLISH_ROWS[0])}  # fmt: skip
    assert load_benchmark("xnli2", put(files), "sw", "test").queries[0].text == "plain"


@pytest.mark.parametrize(
    ("csv", "english", "message"),
    [
        (None, ENGLISH_ROWS, r"no \{language\}_test\.csv for 'ori', odiya_test\.csv: there is none; .*Harsit"),
        (ODIA, None, r"no xnli\.test\.tsv, which has the English sides of odiya_test\.csv: .*facebookresearch/XNLI"),
        (ODIA.replace("ଓଦା,0", "ଓଦା,1"), ENGLISH_ROWS,
         r"odiya_test\.csv:2: neutral, but the same row of xnli\.test\.tsv is entailment: the rows are not in"),
        (ODIA, ENGLISH_ROWS[:3], r"xnli\.test\.tsv: fewer rows than odiya_test\.csv has"),
        (ODIA, [*ENGLISH_ROWS, ENGLISH_ROWS[3]], r"odiya_test\.csv: fewer rows than xnli\.test\.tsv has"),
        (ODIA + "a,b,3\n", ENGLISH_ROWS, r"odiya_test\.csv:5: expected a premise, a hypothesis and 0, 1 or 2"),
        (ODIA + "a,b\n", ENGLISH_ROWS, r"odiya_test\.csv:5: expected a premise, a hypothesis and 0, 1 or 2"),
        (ODIA + "a,b,0,c\n", ENGLISH_ROWS, r"odiya_test\.csv:5: expected a premise, a hypothesis and 0, 1 or 2"),
        (ODIA + 'a,"b,0\n', ENGLISH_ROWS, r"odiya_test\.csv:5: no row of a CSV file"),
        (ODIA.replace("label", "gold"), ENGLISH_ROWS, r"odiya_test\.csv:1: no column 'label' in the header: there are"),
        (ODIA.replace("ଓଦା", " "), ENGLISH_ROWS, r"odiya_test\.csv:2: a premise or hypothesis is blank"),
    ],
)  # fmt: skip
def test_xnli2_that_is_not_there_or_not_right(tmp_path, csv, english, message):
    if csv:
        write(tmp_path / "odiya_test.csv", csv)
    if english:
        write(tmp_path / "xnli.test.tsv", published(*english))
    with pytest.raises(DataError, match=message):
        load_benchmark("xnli2", tmp_path, "or", "test")


# MTOP


def utterance(name, intent, **texts):
    return {"id": name, "question": texts, "mr": {"slot_intent": {"en": f"[IN:{intent} [SL:X y ] ]"}}}


MTOP = [
    utterance("1", "GET_EVENT", en="what 's on", de="was ist los"),
    utterance("2", "GET_EVENT", en="any shows", de="gibt es Shows"),
    utterance("3", "CREATE_CALL", en="call Ann", de="ruf Ann an"),
]


def test_mtop_the_same_utterance_and_the_same_intent(tmp_path):
    write(tmp_path / "dev.json", json.dumps(MTOP))
    task = load_benchmark("mtop", tmp_path, "de", "dev")
    assert task.queries[2] == Query("3", "ruf Ann an", "deu")
    assert task.documents[2] == Document("eng.3", "call Ann")
    assert task.qrels == {name: {f"eng.{name}": 1} for name in "123"}
    intent = load_benchmark("mtop-intent", tmp_path, "de", "dev")
    assert len(intent.documents) == 3
    assert intent.qrels == {"1": {"eng.1": 0, "eng.2": 1}, "2": {"eng.1": 1, "eng.2": 0}}
    assert [query.query_id for query in intent.queries] == ["1", "2"], (
        "an intent of one utterance asks nothing"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (MTOP[0], "expected a list of utterances, found dict"),
        ([*MTOP, MTOP[0]], "utterance 4: id '1' comes twice"),
        ([*MTOP, {"id": "4"}], "utterance 4: expected id, question by language and mr > slot_intent > en"),
        ([*MTOP, utterance("4", "GET_EVENT", en="hi")], "utterance '4' has no text in 'deu': there are eng"),
        ([utterance(" ", "X", en="hi", de="hi")], "utterance 1: the utterance id ' ' is blank"),
        ([{**MTOP[0], "mr": {"slot_intent": {"en": "GET_EVENT"}}}], r"utterance 1: expected a parse \[IN:"),
    ],
)
def test_mtop_that_is_not_right(tmp_path, content, message):
    write(tmp_path / "dev.json", json.dumps(content))
    with pytest.raises(DataError, match=message):
        load_benchmark("mtop", tmp_path, "de", "dev")
    with pytest.raises(
        DataError, match=r"no mtop/\{language\}/test.txt for 'eng': .*fb.me/mtop_dataset.*XSemPLR"
    ):
        load_benchmark("mtop", tmp_path, "de", "test")


def row(name, intent, text, locale):
    return "\t".join((name, f"IN:{intent}", "", text, "calling", locale, f"[IN:{intent} ]", '{"tokens": []}'))


ORIGINAL = {
    "en/eval.txt": [
        row("31", "GET_EVENT", "what's on", "en_XX"), row("32", "CREATE_CALL", "call Ann", "en_XX"),
        row("33", "GET_EVENT", "any shows", "en_XX"), row("34", "GET_WEATHER", "any rain", "en_XX"),
    ],
    "de/eval.txt": [
        row("33", "GET_EVENT", "gibt es Shows", "de_XX"), row("31", "GET_EVENT", 'was ist "los"', "de_XX"),
        row("32", "CREATE_ALARM", "ruf Ann an", "de_XX"), row("99", "GET_EVENT", "nur hier", "de_XX"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("inside", ["", "mtop/"])
def test_mtop_as_published(put, caplog, inside):
    folder = put({f"{inside}{name}": lines for name, lines in ORIGINAL.items()})
    task = load_benchmark("mtop", folder, "de", "dev")
    assert task.queries == (Query("31", 'was ist "los"', "deu"), Query("33", "gibt es Shows", "deu"))
    assert task.documents == (Document("eng.31", "what's on"), Document("eng.33", "any shows"))
    assert task.qrels == {"31": {"eng.31": 1}, "33": {"eng.33": 1}}
    assert "2 of 4 utterances in deu have no English form with the same intent" in caplog.text
    intent = load_benchmark("mtop-intent", folder, "de", "dev")
    assert intent.qrels == {"31": {"eng.31": 0, "eng.33": 1}, "33": {"eng.31": 1, "eng.33": 0}}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["31\tIN:X\twas"], r"de/eval.txt:1: expected 8 columns, .* found 3 in '31"),
        ([row("31", "GET_EVENT", " ", "de_XX")], r"de/eval.txt:1: utterance '31' has no text or no intent"),
        ([row("31", "GET_EVENT", "a", "de_XX")] * 2, r"de/eval.txt:2: id '31' is also on line 1"),
        (
            [row("32", "GET_EVENT", "a", "de_XX")],
            "of 1 utterances in 'deu' 1 have an id .* and 0 the same intent",
        ),
        (
            [row("98", "GET_EVENT", "a", "de_XX")],
            "of 1 utterances in 'deu' 0 have an id that is there in English",
        ),
    ],
)
def test_mtop_as_published_but_not_right(put, lines, message):
    folder = put(ORIGINAL | {"de/eval.txt": lines})
    with pytest.raises(DataError, match=message):
        load_benchmark("mtop", folder, "de", "dev")
    with pytest.raises(DataError, match="for 'tha': there are deu, eng; MTOP is"):
        load_benchmark("mtop", folder, "th", "dev")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real files are not beside the repository")
@pytest.mark.parametrize(
    ("name", "folder", "language", "n_documents", "n_queries"),
    [
        ("tatoeba", "tatoeba_v1", "swa", 390, 390), ("tatoeba-from-english", "tatoeba_v1", "tel", 234, 234),
        ("lareqa", "lareqa", "deu", 1180, 1190), ("lareqa-pool", "lareqa", "tha", 6963, 1190),
        ("xnli", "xnli", "swa", 830, 830), ("xnli-entailment", "xnli", "swa", 2490, 830),
        ("mtop", "mtop", "tha", 859, 859), ("mtop-intent", "mtop", "hin", 859, 846),
    ],
)  # fmt: skip
def test_real_files(name, folder, language, n_documents, n_queries):
    task = load_benchmark(name, SHARED / folder, language, "dev")
    assert (len(task.documents), len(task.queries)) == (n_documents, n_queries)
