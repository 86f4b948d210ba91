"""`opticlir benchmark FOLDER`: a model measured on a BEIR folder of one's own."""

import json
import shutil
from dataclasses import replace

import pytest

import tiny_models
from opticlir import data, encoder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("collection")
    corpus = [{"_id": f"d{at}", "title": "", "text": text} for at, text in enumerate(tiny_models.ENGLISH)]
    (folder / "corpus.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in corpus))
    asked = [{"_id": f"q{at}", "text": text} for at, text in enumerate(tiny_models.SWAHILI[9:14])]
    (folder / "queries.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in asked))
    (folder / "qrels").mkdir()
    lines = [f"q{at}\td{at + 9}\t1\n" for at in range(5)]
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(lines))
    return folder


def test_a_folder_of_ones_own_is_measured(opticlir, folder, checkpoints, tmp_path):
    words = ("benchmark", folder, "--model", checkpoints["crosslingual"], "--language", "swa")
    done = opticlir(*words, "--json", "--runs", tmp_path / "runs")
    found = json.loads(done.stdout)
    assert (found["queries"], found["documents"], found["R@100"]) == (5, 20, 1.0)
    assert len(list((tmp_path / "runs").iterdir())) == 3
    table = opticlir(*words).stdout.splitlines()
    assert table[1].startswith("hybrid (default)")
    lab = opticlir(
        "lab", "benchmark", "beir", "--data", folder, "--model", checkpoints["crosslingual"], "--language", "swa",
        "--split", "test", "--json",
    )  # fmt: skip
    assert json.loads(lab.stdout) == found


def test_queries_that_are_documents_do_not_find_themselves(opticlir, folder, checkpoints, tmp_path, caplog):
    """As in ArguAna: the queries have ids and texts of documents. In BEIR's figures they are left out."""
    own = tmp_path / "arguments"
    (own / "qrels").mkdir(parents=True)
    (own / "corpus.jsonl").write_text((folder / "corpus.jsonl").read_text())
    asked = [{"_id": f"d{at}", "text": text} for at, text in enumerate(tiny_models.ENGLISH[:4])]
    (own / "queries.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in asked))
    (own / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\nd0\td5\t1\nd1\td6\t1\nd2\td2\t1\nd3\td3\t0\n"
    )
    words = (
        "benchmark",
        own,
        "--model",
        checkpoints["plain"],
        "--language",
        "eng",
        "--runs",
        tmp_path / "runs",
    )
    assert (
        "3 of 4 queries have the id of a document: that document is left out"
        in opticlir(*words).stderr + caplog.text
    )
    (dense,) = (tmp_path / "runs").glob("*.dense.run")
    ranked = [line.split()[:3:2] for line in dense.read_text().splitlines()]
    assert {query for query, doc in ranked if query == doc} == {"d2"}  # it is judged relevant
    assert len(ranked) == 4 * 20 - 3


def test_long_documents_are_told_and_found(opticlir, folder, checkpoints, tmp_path):
    collection = tmp_path / "collection"
    shutil.copytree(folder, collection)
    text = f"{'clean hands keep the child well. ' * 300}{tiny_models.ENGLISH[9]}"
    with (collection / "corpus.jsonl").open("a") as file:
        file.write(json.dumps({"_id": "long", "title": "", "text": text}) + "\n")
    words = ("benchmark", collection, "--model", checkpoints["crosslingual"], "--language", "swa")
    found = json.loads(opticlir(*words, "--json").stdout)
    assert (found["documents"], found["long_documents"], found["cut_documents"]) == (21, 1, 0)
    assert (
        "1 of 21 documents are longer than 512 tokens: they are in the index as " in opticlir(*words).stdout
    )
    small = json.loads(opticlir(*words, "--window", "40", "--stride", "40", "--json").stdout)
    assert small["passages"] > found["passages"]
    said = opticlir(*words, "--stride", "0").stdout
    assert "1 of 21 documents are longer than 512 tokens: of 1 only the beginning is in the index" in said


def test_the_device_arrives_in_model_and_teacher(opticlir, folder, checkpoints, monkeypatch):
    devices = []
    load, read = encoder.load_model, data.read_beir
    monkeypatch.setattr(
        encoder, "load_model",
        lambda name, **given: devices.append((str(name), *given.values())) or load(name, device="cpu"),
    )  # fmt: skip

    def read_with_english(*arguments, **settings):
        task = read(*arguments, **settings)
        return replace(task, english_queries=task.queries)

    monkeypatch.setattr(data, "read_beir", read_with_english)
    model, teacher = (str(checkpoints[name]) for name in ("crosslingual", "plain"))
    words = ("benchmark", folder, "--model", model, "--teacher", teacher, "--language", "swa", "--json")
    done = opticlir(*words, "--device", "cuda:1", "--weights-dtype", "float16")
    assert json.loads(done.stdout)["english_queries"] == 5
    assert devices == [(model, "cuda:1", "float16"), (teacher, "cuda:1", "float16")]


def test_what_is_no_folder_is_wrong_usage(opticlir):
    assert "does not exist" in opticlir("benchmark", "nowhere", "--model", "m", "--language", "swa").usage


def test_index_and_benchmark_take_the_mean_token_out(opticlir, folder, checkpoints, tmp_path):
    model, runs = checkpoints["plain"], {}
    for options in ((), ("--centre",)):
        index, out = tmp_path / f"index{len(options)}", tmp_path / f"runs{len(options)}"
        assert (
            opticlir("index", folder / "corpus.jsonl", "--model", model, "--out", index, *options).code == 0
        )
        assert opticlir("search", index, "--model", model, "maji ni safi").code == 0
        done = opticlir("benchmark", folder, "--model", model, "--language", "swa", "--runs", out, *options)
        assert done.code == 0, done
        runs[options] = next(out.glob("*.dense.run")).read_text("utf-8")
    assert runs[()] != runs["--centre",]
