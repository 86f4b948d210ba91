"""`index`, `search` and `evaluate`, with an encoder that knows ten words."""

import hashlib
import json
import sys
from itertools import product
from typing import ClassVar

import numpy as np
import pytest
import torch
from sentence_transformers import MultiVectorEncoder
from typer.testing import CliRunner

from opticlir.__main__ import main
from opticlir.cli.app import app
from opticlir.encoder import WHOLE, Windows
from opticlir.errors import SettingsError
from opticlir.search import encoding, gathering, models, questions, retriever

CORPUS = {
    "malaria": ("Malaria", "fever and chills after a mosquito bite"),
    "water": ("Clean water", "boil the water before drinking"),
    "jackson": ("Michael Jackson", "an American singer"),
}
SWAHILI = {"homa": "fever", "maji": "water", "mbu": "mosquito"}


def vectors(text):
    """One direction per English word; Swahili words take that of their translation."""
    words = [SWAHILI.get(word, word) for word in text.lower().split()]
    rows = [
        np.random.default_rng(list(hashlib.sha256(word.encode()).digest())).standard_normal(32)
        for word in words
    ]
    return np.array([row / np.linalg.norm(row) for row in rows], dtype=np.float32).reshape(-1, 32)


class FakeEncoder(MultiVectorEncoder):
    """Knows the device that a command put it on, and the number format of its weights."""

    device = torch.device("cpu")
    devices: ClassVar = []
    formats: ClassVar = []

    def __init__(self, name, device, weights_dtype="auto"):
        self.name = name
        self.devices.append(device)
        self.formats.append(weights_dtype)

    def __repr__(self):
        return f"FakeEncoder({self.name})"

    def __iter__(self):
        return iter(())


class FakeWindows(Windows):
    """Cuts nothing."""

    size, stride = 512, 256

    def __init__(self, *_):
        pass

    def cut(self, text, head):
        return [WHOLE]


@pytest.fixture(autouse=True)
def _encoder(monkeypatch):
    fakes = {
        "load_model": FakeEncoder,
        "document_fingerprint": lambda model: f"of-{model.name}",
        "encode_queries": lambda model, texts: [vectors(text) for text in texts],
        "token_counts": lambda model, texts, task: [len(text.split()) for text in texts],
        "tokens_read": lambda model, task: 64,
        "knows_a_word": lambda model, texts, task: [True] * len(texts),
        "Windows": FakeWindows,
    }
    FakeEncoder.devices.clear()
    monkeypatch.setattr(encoding, "encode_documents", lambda model, texts: (vectors(text) for text in texts))
    for module, (name, fake) in product((models, retriever, questions), fakes.items()):
        if hasattr(module, name):
            monkeypatch.setattr(module, name, fake)


@pytest.fixture
def folder(tmp_path):
    lines = [json.dumps({"_id": i, "title": title, "text": text}) for i, (title, text) in CORPUS.items()]
    (tmp_path / "corpus.jsonl").write_text("\n".join(lines) + "\n")
    (tmp_path / "queries.tsv").write_text("q1\thoma mbu\nq2\tMicheal Jackson\n")
    (tmp_path / "qrels.txt").write_text("q1 0 malaria 1\nq2 0 jackson 1\nq3 0 water 1\n")
    run(tmp_path, "index", "{}/corpus.jsonl", "--model", "m", "--out", "{}/index", "--json")
    return tmp_path


def run(folder, *words, code=0, typed=None):
    result = CliRunner().invoke(app, [word.format(folder) for word in words], input=typed)
    assert result.exit_code == code, (result.output, result.exception)
    return result


def parsed(folder, *words):
    return json.loads(run(folder, *words, "--json").stdout)


def fails(monkeypatch, capsys, folder, *words):
    """The one line on stderr of a command that ends with exit code 1."""
    monkeypatch.setattr(sys, "argv", ["opticlir", *(word.format(folder) for word in words)])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 1
    (line,) = [each for each in capsys.readouterr().err.splitlines() if each.startswith("error: ")]
    return line


def test_index_says_what_is_in_it(folder):
    assert parsed(folder, "index", "{}/corpus.jsonl", "--model", "m", "--out", "{}/index", "--store", "float32") == {
        "index": f"{folder}/index", "documents": 3, "passages": 3, "tokens": 20, "empty_documents": 0,
        "long_documents": 0, "cut_documents": 0, "skipped": 0,
    }  # fmt: skip
    said = run(folder, "index", "{}/corpus.jsonl", "--model", "m", "--out", "{}/index").stdout
    assert (
        said
        == f"{folder}/index: 3 documents, 20 token vectors (0 empty and 0 malformed documents left out)\n"
    )


@pytest.fixture
def dated(folder):
    lines = [
        {"_id": "a", "text": "boil the water", "year": 2019, "source": "who", "tags": ["x"]},
        {"_id": "b", "text": "water and fever", "metadata": {"year": 2021}, "source": "unicef"},
        {"_id": "c", "text": "water for the mosquito"},
    ]
    (folder / "dated.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return folder


def test_a_filter_chooses_among_the_documents_by_their_fields(dated, monkeypatch, capsys):
    built = run(dated, "index", "{}/dated.jsonl", "--model", "m", "--out", "{}/index")
    assert "fields: year (whole number), source (text)\n" in built.stdout
    assert "note: the field 'tags' holds a list: only texts, numbers, true and false are kept" in built.stderr
    asked = ("search", "{}/index", "--model", "m", "maji")
    every = parsed(dated, *asked)["hits"]
    assert {hit["doc_id"]: hit["fields"] for hit in every} == {
        "a": {"year": 2019, "source": "who"}, "b": {"year": 2021, "source": "unicef"}, "c": {},
    }  # fmt: skip
    (found,) = parsed(dated, *asked, "--filter", 'year >= 2020 and source = "unicef"')["hits"]
    assert (found["doc_id"], found["score"]) == next(
        (h["doc_id"], h["score"]) for h in every if h["doc_id"] == "b"
    )
    assert 'year = 2021, source = "unicef"' in run(dated, *asked, "--filter", "year >= 2020").stdout
    typed = run(dated, *asked[:-1], "--filter", "year = 2019", "--json", typed="maji\nhoma\n").stdout
    assert [[hit["doc_id"] for hit in json.loads(line)["hits"]] for line in typed.splitlines()] == [
        ["a"],
        ["a"],
    ]
    run(
        dated,
        *asked[:-1],
        "--queries",
        "{}/queries.tsv",
        "--run",
        "{}/run.txt",
        "--filter",
        "not year = 2019",
    )
    assert {line.split()[2] for line in (dated / "run.txt").read_text().splitlines()} == {"b"}
    said = fails(monkeypatch, capsys, dated, *asked, "--filter", "yaer >= 2020")
    assert "did you mean 'year'? The fields are source (text), year (whole number)" in said


def test_malformed_documents_stop_or_are_skipped_and_counted(folder, monkeypatch, capsys):
    with (folder / "corpus.jsonl").open("a") as file:
        file.write('{"_id": "broken"\n{"_id": "empty", "text": ""}\n')
    words = ("index", "{}/corpus.jsonl", "--model", "m", "--out", "{}/index")
    assert "corpus.jsonl:4" in fails(monkeypatch, capsys, folder, *words)
    assert (
        len(parsed(folder, "search", "{}/index", "--model", "m", "maji")["hits"]) == 3
    )  # the old index stands
    found = parsed(folder, *words, "--lenient")
    assert (found["documents"], found["skipped"], found["empty_documents"]) == (3, 1, 1)
    assert "skipped:" in run(folder, *words, "--lenient").stderr


def test_search_answers_one_question(folder):
    found = parsed(folder, "search", "{}/index", "--model", "m", "homa ya mbu", "-k", "2")
    assert (found["query"], found["ranking"]) == ("homa ya mbu", "hybrid")
    assert [hit["rank"] for hit in found["hits"]] == [1, 2]
    assert found["hits"][0]["doc_id"] == "malaria"
    assert found["hits"][0]["text"] == CORPUS["malaria"][1]
    assert parsed(folder, "search", "{}/index", "--model", "m", "maji", "--dense-only")["ranking"] == "dense"


def test_search_prints_a_listing_that_is_safe_in_a_terminal(folder):
    (folder / "evil.tsv").write_text("d1\tTi\u202etle\tone\x1b[31m line\n")
    run(folder, "index", "{}/evil.tsv", "--model", "m", "--out", "{}/evil")
    said = run(folder, "search", "{}/evil", "--model", "m", "maji").stdout
    assert "  1     0.000  d1  Ti<U+202E>tle\n     one<U+001B>[31m line\n" in said


def test_search_writes_a_run_that_evaluate_reads(folder):
    words = ("search", "{}/index", "--model", "m", "--queries", "{}/queries.tsv", "--run", "{}/out.run")
    assert parsed(folder, *words) == {"queries": 2, "ranking": "hybrid", "run": f"{folder}/out.run"}
    assert "2 questions ranked" in run(folder, *words, "-k", "2").stdout
    assert len((folder / "out.run").read_text().splitlines()) == 4
    found = parsed(folder, "evaluate", "{}/out.run", "{}/qrels.txt", "--measure", "RR@10", "--measure", "AP")
    assert found == {
        "RR@10": pytest.approx(2 / 3), "AP": pytest.approx(2 / 3), "queries": 3, "tied_queries": 0, "missing_queries": 1
    }  # fmt: skip
    said = run(folder, "evaluate", "{}/out.run", "{}/qrels.txt", "--by-query").stdout
    assert "AP\tq3\t0.0000\n" in said
    assert said.endswith("AP\tall\t0.6667\nnDCG@10\tall\t0.6667\nR@100\tall\t0.6667\nRR@10\tall\t0.6667\n")
    by_query = parsed(folder, "evaluate", "{}/out.run", "{}/qrels.txt", "--by-query")["by_query"]
    assert by_query["AP"] == {"q1": 1.0, "q2": 1.0, "q3": 0.0}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("search", "{}/index", "--model", "m", "x", "--queries", "{}/queries.tsv"),
            "give one question, or a file",
        ),
        (
            ("search", "{}/index", "--model", "m", "--queries", "{}/queries.tsv"),
            "--queries and --run go together",
        ),
        (
            ("search", "{}/index", "--model", "m", "x", "--run", "{}/out.run"),
            "--queries and --run go together",
        ),
        (("search", "{}/index", "--model", "m", "x", "-k", "0"), "greater than or equal to 1"),
        (("search", "{}/nowhere", "--model", "m", "x"), "does not exist"),
        (("index", "{}/nowhere", "--model", "m", "--out", "{}/i"), "does not exist"),
        (("index", "{}/corpus.jsonl", "--model", "m", "--out", "{}/i", "--store", "int3"), "float16"),
        (("evaluate", "{}/queries.tsv", "{}/qrels.txt", "--measure", "nDGC@10"), "did you mean 'nDCG@10'?"),
    ],
)
def test_wrong_usage_is_exit_2(folder, words, message):
    said = run(folder, *words, code=2).stderr
    assert message in " ".join(said.replace("│", " ").split())


def test_runs_are_judged_by_the_numbers_of_nist(folder):
    for name, doc_id in (("one", "d1"), ("two", "d2")):
        (folder / f"{name}.run").write_text(f"AR26 Q0 {doc_id} 1 1 x\nAR27 Q0 d1 1 1 x\n")
    (folder / "nist.txt").write_text("26 0 d1 1\n26 0 d2 0\n27 0 d1 1\n")
    assert "AP\tall\t1.0000" in run(folder, "evaluate", "{}/one.run", "{}/nist.txt", "--measure", "AP").stdout
    assert run(
        folder, "compare", "{}/one.run", "{}/two.run", "--qrels", "{}/nist.txt", "--measure", "AP"
    ).stdout


def test_conditions_of_the_world_are_exit_1_and_one_line(folder, monkeypatch, capsys):
    search = ("search", "{}/index", "--model", "m", "maji")
    assert "use the model that built the index" in fails(
        monkeypatch, capsys, folder, "search", "{}/index", "--model", "another", "maji"
    )
    assert "query '1' has no tokens: its text is ''" in fails(monkeypatch, capsys, folder, *search[:-1], "")
    assert "holds no finished index" in fails(monkeypatch, capsys, folder, "search", "{}", *search[2:])
    tokens = next((folder / "index" / "versions").iterdir()) / "000001" / "tokens.bin"
    tokens.write_bytes(tokens.read_bytes()[:-2])
    assert "tokens.bin has" in fails(monkeypatch, capsys, folder, *search)
    (folder / "strangers.run").write_text("other Q0 d1 1 1.0 x\n")
    said = fails(monkeypatch, capsys, folder, "evaluate", "{}/strangers.run", "{}/qrels.txt")
    assert said.startswith("error: run ")
    assert said.endswith("and the qrels share no query: the run begins with 'other', the qrels with 'q1'")
    (folder / "strangers.run").write_text("q1 Q0 elsewhere 1 1.0 x\n")
    said = fails(monkeypatch, capsys, folder, "evaluate", "{}/strangers.run", "{}/qrels.txt")
    assert "ranks no document that the qrels judge: are these the judgements of another collection?" in said


TOPICS = {
    "fire": "<topics>\n<top lang='hi'>\n<num>q1</num>\n<title>homa mbu</title>\n</top>\n</topics>\n",
    "clef": "<top>\n<num> q1 </num>\n<FR-title> homa mbu </FR-title>\n</top>\n",
    "clef 2008": '<topics>\n<topic lang="fr">\n<identifier>q1</identifier><title>homa mbu</title></topic></topics>\n',
    "trec covid": '<topics>\n<topic number="q1">\n<query>homa mbu</query>\n<question>x</question></topic></topics>\n',
    "json": '[{"qid": "q1", "question": "homa mbu", "lang": "swahili"}]',
    "table": "query_id,lang,query\nq1,sw,homa mbu\n",
}  # fmt: skip


@pytest.mark.parametrize("form", TOPICS)
def test_topic_files_that_state_their_language_are_searched(folder, form):
    (folder / "topics").write_text(TOPICS[form])
    run(folder, "search", "{}/index", "--model", "m", "--queries", "{}/topics", "--run", "{}/t.run")
    assert (folder / "t.run").read_text().startswith("q1 Q0 malaria 1 ")


def test_one_of_several_languages_is_chosen(folder, monkeypatch, capsys):
    (folder / "topics").write_text(
        "<top><num>q1</num><EN-title>water</EN-title><SW-title>homa</SW-title></top>\n"
    )
    words = ("search", "{}/index", "--model", "m", "--queries", "{}/topics", "--run", "{}/t.run")
    said = fails(monkeypatch, capsys, folder, *words)
    assert "there are topics in eng, swa: choose one of these languages (--language)" in said
    run(folder, *words, "--language", "sw")
    assert (folder / "t.run").read_text().startswith("q1 Q0 malaria 1 ")


def test_a_question_without_tokens_does_not_spoil_the_others(folder, caplog):
    (folder / "queries.tsv").write_text("q1\thoma\nq2\tshows-nothing\nq3\tmaji\n")

    def nothing_known(model, texts):
        return [vectors("" if text == "shows-nothing" else text) for text in texts]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(questions, "encode_queries", nothing_known)
        run(folder, "search", "{}/index", "--model", "m", "--queries", "{}/queries.tsv", "--run", "{}/t.run")
    assert {line.split()[0] for line in (folder / "t.run").read_text().splitlines()} == {"q1", "q3"}
    assert "1 of 3 questions have no tokens, so they find nothing: the first is 'q2'" in caplog.text


def test_the_bar_of_questions_moves_with_each_batch(folder):
    found = []
    opened = retriever.Retriever.open(folder / "index", FakeEncoder("m", "cpu"))
    asked = {str(at): " ".join(["maji"] * (1 + at % 9)) for at in range(150)}
    by_one = opened.rank(asked, progress=lambda *report: found.append(report))
    assert [each for each in found if each[0] == "encoding queries"] == [
        ("encoding queries", done, 150) for done in (0, 64, 128, 150)
    ]
    assert list(by_one) == list(asked)
    assert by_one["7"] == pytest.approx(opened.rank({"7": asked["7"]})["7"], abs=1e-5)


def test_a_blank_in_a_document_id_does_not_spoil_a_run(folder):
    (folder / "corpus.jsonl").write_text(
        '{"_id": "Barack Obama", "text": "fever"}\n{"_id": "b", "text": "water"}\n'
    )
    run(folder, "index", "{}/corpus.jsonl", "--model", "m", "--out", "{}/i2")
    run(folder, "search", "{}/i2", "--model", "m", "--queries", "{}/queries.tsv", "--run", "{}/t.run")
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tBarack Obama\t1\n")
    assert "AP\tall\t1.0000" in run(folder, "evaluate", "{}/t.run", "{}/qrels.tsv", "--measure", "AP").stdout


def test_a_malformed_document_at_the_end_is_refused_before_anything_is_encoded(folder, monkeypatch, capsys):
    with (folder / "corpus.jsonl").open("a") as file:
        file.write('{"_id": "malaria", "text": "again"}\n')
    monkeypatch.setattr(encoding, "encode_documents", lambda model, texts: pytest.fail("encoded"))
    said = fails(monkeypatch, capsys, folder, "index", "{}/corpus.jsonl", "--model", "m", "--out", "{}/i2")
    assert "corpus.jsonl:4: id 'malaria' is also on line 1" in said


def test_a_run_of_another_system_has_the_measures_of_trec_eval(folder):
    (folder / "other.run").write_text(
        "".join(
            f"{query} Q0 {doc} 1 7.5 x\n" for query in ("q1", "q2") for doc in ("jackson", "malaria", "water")
        )
    )
    words = ("evaluate", "{}/other.run", "{}/qrels.txt", "--measure", "recip_rank", "--measure", "P_5", "--measure",
             "num_rel_ret")  # fmt: skip
    done = run(folder, *words, "--by-query")
    # water, malaria, jackson: the last id first
    assert "recip_rank\tq1\t0.5000\n" in done.stdout
    assert "recip_rank\tq2\t0.3333\n" in done.stdout
    assert "num_rel_ret\tall\t2.0000\n" in done.stdout
    assert "2 of 3 queries have ties" in done.stderr
    assert "1 of 3 judged queries are missing in the run" in done.stderr
    assert parsed(folder, *words)["tied_queries"] == 2


def test_the_own_document_of_a_query_is_left_out_on_request(folder):
    (folder / "own.run").write_text("d1 Q0 d1 1 9 x\nd1 Q0 d2 2 8 x\n")
    (folder / "own.qrels").write_text("d1 0 d2 1\n")
    words = ("evaluate", "{}/own.run", "{}/own.qrels", "--measure", "RR")
    plain, without = run(folder, *words), run(folder, *words, "--without-own")
    assert (plain.stdout, without.stdout) == ("RR\tall\t0.5000\n", "RR\tall\t1.0000\n")
    assert "1 queries have the id of a document that they rank" in plain.stderr


def test_lines_of_input_are_questions(folder):
    search = ("search", "{}/index", "--model", "m", "-k", "1")
    said = run(folder, *search, typed="homa mbu\n\nMicheal Jackson\n")
    assert [line.split()[2] for line in said.stdout.splitlines()[::2]] == ["malaria", "jackson"]
    lines = run(folder, *search, "--json", typed="maji\nhoma\n").stdout.splitlines()
    assert [json.loads(line)["query"] for line in lines] == ["maji", "homa"]
    assert run(folder, *search, typed="").stdout == ""


def test_a_line_that_cannot_be_answered_is_an_error_and_the_next_is_read(folder):
    done = run(folder, "search", "{}/index", "--model", "m", code=1, typed="\ufeff\nmaji\n")
    assert done.stderr == "error: query '1' has no tokens: its text is ''\n"
    assert "Clean water" in done.stdout
    assert str(done.exception) == "1 of the questions could not be answered"


def test_documents_are_added_and_deleted(folder):
    (folder / "new.tsv").write_text("net\tBed nets\tmosquito net at night\n")
    added = parsed(folder, "add", "{}/index", "{}/new.tsv", "--model", "m")
    (manifest,) = folder.glob("index/versions/*/manifest.json")
    assert [*json.loads(manifest.read_text())["inputs"]] == [f"{folder}/corpus.jsonl", f"{folder}/new.tsv"]
    assert added == {
        "index": f"{folder}/index", "added": 1, "documents": 4, "passages": 4, "tokens": 26, "empty_documents": 0,
        "long_documents": 0, "cut_documents": 0, "skipped": 0,
    }  # fmt: skip
    assert parsed(folder, "search", "{}/index", "--model", "m", "net night")["hits"][0]["doc_id"] == "net"
    said = run(folder, "add", "{}/index", "{}/queries.tsv", "--model", "m").stdout
    assert said == f"{folder}/index: 2 documents added, 6 in all\n"


def test_deleted_documents_are_not_found(folder, monkeypatch, capsys):
    said = run(folder, "delete", "{}/index", "malaria").stdout
    assert said == f"{folder}/index: 1 documents deleted, 2 left\n"
    assert len(parsed(folder, "search", "{}/index", "--model", "m", "homa")["hits"]) == 2
    assert "holds no document 'gone'" in fails(
        monkeypatch, capsys, folder, "delete", "{}/index", "gone", "water"
    )
    assert parsed(folder, "delete", "{}/index", "water")["deleted"] == 1
    assert "use the model that built the index" in fails(
        monkeypatch, capsys, folder, "add", "{}/index", "{}/corpus.jsonl", "--model", "another"
    )


def test_verify_finds_a_changed_byte(folder, monkeypatch, capsys):
    assert parsed(folder, "verify", "{}/index")["is_sound"] is True
    assert "3 documents, no damage found" in run(folder, "verify", "{}/index").stdout
    tokens = next((folder / "index" / "versions").iterdir()) / "000001" / "tokens.bin"
    content = bytearray(tokens.read_bytes())
    content[100] ^= 1
    tokens.write_bytes(content)
    assert "tokens.bin" in fails(monkeypatch, capsys, folder, "verify", "{}/index")


def test_the_device_arrives_in_the_encoder(folder):
    FakeEncoder.devices.clear()
    (folder / "new.tsv").write_text("net\tBed nets\tmosquito net at night\n")
    run(folder, "index", "{}/corpus.jsonl", "--model", "m", "--out", "{}/other", "--device", "cuda:1")
    run(folder, "add", "{}/other", "{}/new.tsv", "--model", "m", "--device", "mps")
    run(folder, "search", "{}/other", "--model", "m", "maji", "--device", "cuda")
    run(folder, "search", "{}/other", "--model", "m", "maji")
    assert FakeEncoder.devices == ["cuda:1", "mps", "cuda", "auto"]


def test_the_number_format_of_the_weights_arrives_in_the_encoder(folder):
    FakeEncoder.formats.clear()
    (folder / "new.tsv").write_text("net\tBed nets\tmosquito net at night\n")
    run(
        folder, "index", "{}/corpus.jsonl", "--model", "m", "--out", "{}/other", "--weights-dtype", "bfloat16"
    )
    run(folder, "add", "{}/other", "{}/new.tsv", "--model", "m", "--weights-dtype", "float32")
    run(folder, "search", "{}/other", "--model", "m", "maji", "--weights-dtype", "float16")
    run(folder, "search", "{}/other", "--model", "m", "maji")
    assert FakeEncoder.formats == ["bfloat16", "float32", "float16", "auto"]


@pytest.mark.parametrize(
    "command",
    ["index", "search", "evaluate", "add", "delete", "verify", "optimize", "stats", "snapshot", "recall"],
)
def test_help_has_an_example(command):
    said = CliRunner().invoke(app, [command, "--help"]).stdout
    assert f"Example: opticlir {command}" in said


def test_a_width_that_no_store_has_is_refused_before_anything_is_written(folder):
    words = (
        "index",
        "{}/corpus.jsonl",
        "--model",
        "m",
        "--out",
        "{}/other",
        "--store",
        "2bit",
        "--store-dim",
        "30",
    )
    result = CliRunner().invoke(app, [word.format(folder) for word in words])
    assert isinstance(result.exception, SettingsError)
    assert str(result.exception) == "store_dim is 30: expected a multiple of 4, 4 or more"
    assert not (folder / "other").exists()


def test_documents_are_replaced_and_the_store_says_what_it_takes(folder):
    (folder / "new.tsv").write_text("water\tWells\tmaji ya kisima\nnet\tBed nets\tmosquito net at night\n")
    assert run(folder, "add", "{}/index", "{}/new.tsv", "--model", "m", code=1).exception
    said = run(folder, "add", "{}/index", "{}/new.tsv", "--model", "m", "--update").stdout
    assert f"{folder}/index: updated, 1 documents more than before, 4 in all" in said
    found = parsed(folder, "stats", "{}/index")
    assert (found["documents"], found["tombstones"], found["segments"], found["store"]) == (
        4,
        0,
        2,
        "float16",
    )
    files = [path for path in (folder / "index" / "versions").rglob("*.*") if path.name != "manifest.json"]
    assert found["disk_bytes"] == sum(path.stat().st_size for path in files)
    planned = parsed(folder, "stats", "{}/index", "--documents", "8", "--store", "float32")
    more = 4 * found["tokens"] * found["dim"]  # twice the documents at twice the bytes
    assert planned["estimated_disk_bytes"] == 2 * found["disk_bytes"] + more
    assert "8 such documents: about" in run(folder, "stats", "{}/index", "--documents", "8").stdout
    assert "2 segments, 0 deleted documents" in run(folder, "stats", "{}/index").stdout
    assert "go with --documents" in run(folder, "stats", "{}/index", "--store", "int8", code=2).output
    assert "2 segments became 1" in run(folder, "optimize", "{}/index").stdout
    assert parsed(folder, "stats", "{}/index")["segments"] == 1


def test_an_index_is_searched_approximately_or_exactly(folder, monkeypatch):
    monkeypatch.setattr(gathering, "FEWEST", 1)
    monkeypatch.setattr(gathering, "_PER_ROOT", 1)
    assert "search: exact" in run(folder, "stats", "{}/index").stdout
    words = ("{}/corpus.jsonl", "--model", "m", "--out", "{}/index", "--approximate")
    said = run(folder, "index", *words).stdout
    assert "of the exact ten best: 3 questions in eng, 3 documents" in said
    stats = run(folder, "stats", "{}/index").stdout
    assert "search: approximate" in stats
    assert "3 questions in eng" in stats
    asked = ("search", "{}/index", "--model", "m", "maji", "-k", "3")
    assert len(parsed(folder, *asked)["hits"]) == 3
    assert len(parsed(folder, *asked[:-1], "1")["hits"]) == 1
    assert next(hit["doc_id"] for hit in parsed(folder, *asked, "--exact")["hits"]) == "water"
    (folder / "pairs.tsv").write_text("water\tmaji\nfever\thoma\nmosquito\tmbu\n")
    measure = ("recall", "{}/index", "--model", "m", "--bitext", "{}/pairs.tsv", "--language", "swa")
    assert parsed(folder, *measure, "--questions", "2")["questions"] == 2
    assert "3 questions in swa" in run(folder, *measure).stdout
    assert parsed(folder, "stats", "{}/index")["recall"].keys() == {"eng", "swa"}
    assert parsed(folder, "index", *words[:-1], "--exact")["documents"] == 3
    assert parsed(folder, "stats", "{}/index")["search"] == "exact"
    assert "nothing to measure" in str(run(folder, *measure, code=1).exception)


def test_a_snapshot_is_searched_as_its_index(folder):
    assert "copy: 3 documents" in run(folder, "snapshot", "{}/index", "{}/copy").stdout
    run(folder, "delete", "{}/index", "water")
    assert parsed(folder, "verify", "{}/copy")["documents"] == 3
    assert parsed(folder, "stats", "{}/index")["documents"] == 2
    assert "overlap" in str(run(folder, "snapshot", "{}/index", "{}/index", code=1).exception)
