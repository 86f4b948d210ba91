"""A corpus that is encoded in shards, by one process or several, gives the index of one run."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

import tiny_models
from opticlir.search import ExactIndex, Retriever, shards
from opticlir.storage.versions import version_lock

TEXTS = [*tiny_models.ENGLISH, "   "]


@pytest.fixture
def model(checkpoints):
    return checkpoints["crosslingual"]


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.jsonl"
    lines = ({"_id": f"d{number}", "text": text, "year": number} for number, text in enumerate(TEXTS))
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def encode(opticlir, corpus, model, tmp_path):
    def run(*more, shard_documents=3, given=corpus):
        return opticlir(
            "encode", given, "--model", model, "--out", tmp_path / "shards",
            "--shard-documents", shard_documents, "--device", "cpu", *more,
        )  # fmt: skip

    return run


def n_shards(folder):
    return len(list(folder.glob("[0-9]*/CURRENT")))


def test_the_index_of_shards_is_that_of_one_run(encode, opticlir, corpus, model, tmp_path):
    assert f"{-(-len(TEXTS) // 3)} of {-(-len(TEXTS) // 3)} shards encoded now" in encode().stdout
    args = ("--model", model, "--device", "cpu")
    opticlir("index", corpus, *args, "--out", tmp_path / "one")
    done = opticlir("index", tmp_path / "shards", *args, "--out", tmp_path / "many")
    assert f"{len(TEXTS) - 1} documents" in done.stdout
    assert "1 empty" in done.stdout
    one, many = (Retriever.open(tmp_path / name, model) for name in ("one", "many"))
    assert many.counts == one.counts
    questions = [*tiny_models.SWAHILI, *tiny_models.ENGLISH]
    assert many.rank_by_each(questions) == one.rank_by_each(questions)
    assert (
        many.search(questions[0], filter="year >= 3").hits
        == one.search(questions[0], filter="year >= 3").hits
    )


def test_a_second_run_encodes_only_what_is_missing(encode, tmp_path, monkeypatch):
    encode()
    for number in (1, 2):
        (tmp_path / "shards" / f"00000{number}" / "CURRENT").unlink()
    texts = []
    real = shards.encoded
    monkeypatch.setattr(
        shards, "encoded", lambda docs, *a, **k: real((texts.append(d.doc_id) or d for d in docs), *a, **k)
    )
    assert "2 of" in encode().stdout
    assert texts == [f"d{number}" for number in range(3, 9)]


def test_a_shard_that_another_process_writes_is_left_to_it(encode, opticlir, model, tmp_path):
    encode()
    (tmp_path / "shards" / "000001" / "CURRENT").unlink()
    with version_lock(tmp_path / "shards" / "000001"):
        said = encode().stdout
    assert "0 of" in said
    assert "1 shards were being written by other processes" in said
    failed = opticlir("index", tmp_path / "shards", "--model", model, "--out", tmp_path / "index")
    assert "lacks 1 of" in failed.error
    assert "000001" in failed.error


@pytest.mark.parametrize(
    ("option", "name"), [("--window", "window"), ("--shard-documents", "shard_documents")]
)
def test_other_options_are_refused_and_nothing_changes(encode, tmp_path, option, name):
    encode()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "shards").rglob("*")}
    failed = encode(option, 32 if option == "--window" else 2)
    assert f"has shards with other {name}" in failed.error
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "shards").rglob("*")} == before


def test_another_corpus_is_refused(encode, corpus):
    encode()
    corpus.write_text(corpus.read_text() + '{"_id": "new", "text": "more"}\n')
    assert "has shards with other documents and inputs" in encode().error


def test_a_folder_with_something_else_is_refused(encode, tmp_path):
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards" / "thesis.txt").write_text("mine")
    assert "holds something else" in encode().error
    assert (tmp_path / "shards" / "thesis.txt").read_text() == "mine"


def test_a_shard_without_any_text_is_named(encode, corpus, tmp_path):
    corpus.write_text(
        "".join(f'{{"_id": "d{n}", "text": "{"water" if n < 3 else " "}"}}\n' for n in range(6))
    )
    assert "documents 4 to 6 have no text" in encode().error
    assert n_shards(tmp_path / "shards") == 1


@pytest.mark.parametrize("damage", ["{}", "[1]", '{"documents": "many"}'])
def test_a_damaged_plan_is_an_error(encode, opticlir, model, tmp_path, damage):
    encode()
    (tmp_path / "shards" / "shards.json").write_text(damage)
    assert "shards.json is missing or damaged" in encode().error
    failed = opticlir("index", tmp_path / "shards", "--model", model, "--out", tmp_path / "index")
    assert "shards.json is missing or damaged" in failed.error


def test_a_shard_of_other_documents_is_found(encode, opticlir, model, tmp_path):
    encode()
    Retriever.open(tmp_path / "shards" / "000000", model).delete(["d1"])
    failed = opticlir("index", tmp_path / "shards", "--model", model, "--out", tmp_path / "index")
    assert "holds" in failed.error
    assert "encode them again" in failed.error


def test_another_model_is_refused(encode, opticlir, checkpoints, tmp_path):
    encode()
    failed = opticlir(
        "index", tmp_path / "shards", "--model", checkpoints["other"], "--out", tmp_path / "index"
    )
    assert "was built with document encoder" in failed.error


def test_workers_share_the_shards_and_a_killed_one_loses_only_its_own(encode, corpus, model, tmp_path):
    words = [
        sys.executable, "-m", "opticlir", "encode", corpus, "--model", model, "--out", tmp_path / "shards",
        "--shard-documents", "1", "--device", "cpu",
    ]  # fmt: skip
    corpus.write_text("".join(f'{{"_id": "d{n}", "text": "clean water {n}"}}\n' for n in range(40)))
    workers = [subprocess.Popen(list(map(str, words)), stdout=subprocess.DEVNULL) for _ in range(2)]
    end = time.monotonic() + 120
    while n_shards(tmp_path / "shards") < 3 and time.monotonic() < end:
        time.sleep(0.01)
    os.kill(workers[0].pid, signal.SIGKILL)
    assert workers[1].wait(120) == 0
    workers[0].wait()
    encode(shard_documents=1)
    found = shards.Shards(tmp_path / "shards")
    index = ExactIndex.create(tmp_path / "index", found.entries(), encoder=found.plan.encoder)
    assert list(index.doc_ids) == [f"d{number}" for number in range(40)]
    index.verify()
