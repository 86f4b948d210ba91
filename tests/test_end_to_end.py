"""A language nobody has heard of, brought by somebody who has read only the README."""

import json
import os
import subprocess
import sys

import pytest

WORDS = {
    "the": "ga", "cow": "mulo", "drinks": "sefa", "water": "tiri", "goat": "beko", "eats": "nama", "grass": "lusi",
    "child": "dano", "milk": "pora", "farmer": "kelu", "sees": "hiwa", "river": "zomi", "bird": "fiki", "tree": "yanu",
}  # fmt: skip


def invented(english: str) -> str:
    """The invented language puts the verb last."""
    words = english.split()
    return " ".join(WORDS[word] for word in [*words[:2], *words[3:], words[2]])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("invented")
    nouns, verbs = ["cow", "goat", "child", "farmer", "bird"], ["drinks", "eats", "sees"]
    things = ["water", "grass", "milk", "river", "tree"]
    pairs = [f"the {noun} {verb} the {thing}" for noun in nouns for verb in verbs for thing in things]
    (folder / "pairs.tsv").write_text("".join(f"{pair}\t{invented(pair)}\n" for pair in pairs))
    corpus = {"d1": "A cow drinks water.", "d2": "The goat eats grass.", "d3": "Birds live in a tall tree."}
    (folder / "corpus.jsonl").write_text(
        "".join(json.dumps({"_id": name, "title": "", "text": text}) + "\n" for name, text in corpus.items())
    )
    queries = {"q1": "mulo tiri", "q2": "beko lusi", "q3": "fiki yanu"}
    (folder / "queries.jsonl").write_text(
        "".join(json.dumps({"_id": name, "text": text}) + "\n" for name, text in queries.items())
    )
    (folder / "qrels").mkdir()
    (folder / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\n" + "".join(f"q{number}\td{number}\t1\n" for number in (1, 2, 3))
    )
    return folder


def opticlir(folder, *words):
    """Run a command as its user would, and parse what it prints."""
    environment = {**os.environ, "OPTICLIR_CACHE": str(folder / "cache"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "opticlir", *map(str, words), "--json"],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_bitext_in_and_english_documents_found(folder):
    trained = opticlir(
        folder,
        "train",
        "--bitext",
        folder / "pairs.tsv",
        "--language",
        "qin",
        "--out",
        folder / "model",
        "--epochs",
        1,
    )
    assert trained["is_finished"]
    built = opticlir(
        folder, "index", folder / "corpus.jsonl", "--model", folder / "model", "--out", folder / "index"
    )
    assert built["documents"] == 3
    found = opticlir(
        folder, "search", folder / "index", "--model", folder / "model", "beko lusi", "--dense-only"
    )
    assert found["hits"][0]["doc_id"] == "d2"
    measured = opticlir(
        folder, "lab", "benchmark", "beir", "--data", folder, "--model", folder / "model", "--language", "qin",
        "--split", "test",
    )  # fmt: skip
    assert measured["dense"]["AP"] == 1.0
    assert measured["bm25"]["AP"] < 0.5, "the words of the two languages must not give it away"
    assert measured["unseen_query_words"] == 0.0
