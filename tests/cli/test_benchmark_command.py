"""`opticlir benchmark FOLDER`: a model measured on a BEIR folder of one's own."""

import json
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


def test_the_device_arrives_in_model_and_teacher(opticlir, folder, checkpoints, monkeypatch):
    devices = []
    load, read = encoder.load_model, data.read_beir
    monkeypatch.setattr(
        encoder, "load_model",
        lambda name, device: devices.append((str(name), device)) or load(name, device="cpu"),
    )  # fmt: skip

    def read_with_english(*arguments, **settings):
        task = read(*arguments, **settings)
        return replace(task, english_queries=task.queries)

    monkeypatch.setattr(data, "read_beir", read_with_english)
    model, teacher = (str(checkpoints[name]) for name in ("crosslingual", "plain"))
    words = ("benchmark", folder, "--model", model, "--teacher", teacher, "--language", "swa", "--json")
    done = opticlir(*words, "--device", "cuda:1")
    assert json.loads(done.stdout)["english_queries"] == 5
    assert devices == [(model, "cuda:1"), (teacher, "cuda:1")]


def test_what_is_no_folder_is_wrong_usage(opticlir):
    assert "does not exist" in opticlir("benchmark", "nowhere", "--model", "m", "--language", "swa").usage
