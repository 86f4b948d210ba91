"""`study`: what it lists, what it says, what it refuses, and how it ends."""

import json

import pytest

STUDY = """
question = "Is the word table better than nothing?"
answer_if = "It always is."
baseline = "zero-shot"
[[task]]
benchmark = "beir"
data = "beir"
languages.swa = {{bitext = ["pairs.tsv"]}}
[systems.zero-shot]
model = "{model}"
[systems.word-table]
translate = "word-table"
[budget.small]
teacher = "{model}"
"""


@pytest.fixture
def study(opticlir, checkpoints, bitext, tmp_path):
    def write(path, *lines):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    pairs = [line.split("\t") for line in bitext.read_text().splitlines()]
    corpus = (json.dumps({"_id": f"d{at}", "title": "", "text": each[0]}) for at, each in enumerate(pairs))
    write(tmp_path / "beir" / "corpus.jsonl", *corpus)
    questions = (json.dumps({"_id": f"q{at}", "text": each[1]}) for at, each in enumerate(pairs[:3]))
    write(tmp_path / "beir" / "queries" / "swa.jsonl", *questions)
    write(
        tmp_path / "beir" / "qrels" / "dev.tsv",
        "query-id\tcorpus-id\tscore",
        *(f"q{at}\td{at}\t1" for at in range(3)),
    )
    file = tmp_path / "tiny.toml"
    file.write_text(STUDY.format(model=checkpoints["plain"]))

    def run(*words):
        return opticlir("lab", "study", file, "--data", tmp_path, "--out", tmp_path / "out", *words)

    run.file = file
    return run


def test_runs_are_listed_then_done_then_found(study, tmp_path):
    listed = study("--dry-run")
    assert listed.stdout == (
        "missing zero-shot, beir, swa\nmissing word-table, beir, swa\n0 of 2 runs are done\n"
    )
    assert not (tmp_path / "out").exists(), "nothing is computed or written"
    done = study()
    assert (done.code, done.stdout) == (0, f"{tmp_path / 'out' / 'report.html'}: 2 of 2 runs\n")
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {
        "report.html", "report.md", "report.tex", "results.json"
    }  # fmt: skip
    states = json.loads(study("--dry-run", "--json").stdout)
    assert [(run["system"], run["seed"], run["state"]) for run in states] == [
        ("zero-shot", None, "done"), ("word-table", None, "done")
    ]  # fmt: skip


def test_a_run_that_fails_is_named_and_the_others_are_reported(study, tmp_path, monkeypatch):
    from opticlir.errors import DataError
    from opticlir.lab.studies.systems import ZeroShot

    def prepare(self, request, workspace):
        raise DataError("no such luck")

    monkeypatch.setattr(ZeroShot, "prepare", prepare)
    done = study("--json")
    assert done.code == 1
    assert done.stderr.endswith("failed: zero-shot, beir, swa: no such luck\n")
    said = json.loads(done.stdout)
    assert (said["runs"], said["failed"]) == (
        2,
        [{"run": "zero-shot, beir, swa", "reason": "no such luck"}],
    )
    assert "no such luck" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--budget", "smal"], "no budget 'smal'; did you mean 'small'?"),
        (["--data", "/proc"], "/proc/beir: no such folder, expected one with the files of beir"),
    ],
)
def test_conditions_of_the_world_are_one_line(study, words, message):
    assert message in study(*words).error


def test_a_bad_file_is_refused_before_anything_is_computed(study, tmp_path):
    study.file.write_text(study.file.read_text().replace("model =", "modle ="))
    assert (
        "tiny.toml: [systems.zero-shot]: expected one of train, model, translate, runs, found none"
        in study().error
    )
    assert not (tmp_path / "out").exists()


def test_a_missing_file_is_wrong_usage(opticlir, tmp_path):
    assert (
        "does not exist"
        in opticlir("lab", "study", tmp_path / "no.toml", "--data", tmp_path, "--out", "x").usage
    )


def test_a_stopped_study_is_one_line(study, monkeypatch):
    from opticlir.lab.studies.systems import StudyStoppedError, ZeroShot

    def prepare(self, request, workspace):
        raise StudyStoppedError("the study was stopped; the same command goes on")

    monkeypatch.setattr(ZeroShot, "prepare", prepare)
    assert "the same command goes on" in study().error
