"""A full or foreign output, damaged records, odd names: one line on stderr and exit code 1, never a traceback."""

import io
import json
import sys

import pytest

import tiny_models
from opticlir.errors import ArtefactError
from opticlir.storage import MappedFile
from opticlir.training import TrainConfig
from opticlir.training.model_card import Origin, model_card, portable
from opticlir.training.run_folder import RunFolder
from opticlir.training.step_log import StepLog


@pytest.fixture
def run_and_qrels(tmp_path):
    run, qrels = tmp_path / "a.run", tmp_path / "qrels.txt"
    run.write_text("ƙ1 Q0 d1 1 1.5 x\n", encoding="utf-8")
    qrels.write_text("ƙ1 0 d1 1\n", encoding="utf-8")
    return run, qrels


@pytest.fixture
def through(monkeypatch, run_and_qrels):
    """Run `evaluate --by-query`, or other words, with another stdout; exit code and what went to stderr."""

    def run(stdout, *words):
        from opticlir.__main__ import main

        stderr = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        monkeypatch.setattr(sys, "stdout", stdout)
        monkeypatch.setattr(sys, "stderr", stderr)
        monkeypatch.setattr(
            sys, "argv", ["opticlir", *(words or ("evaluate", *map(str, run_and_qrels), "--by-query"))]
        )
        with pytest.raises(SystemExit) as ended:
            main()
        stdout.flush()
        stderr.flush()
        return ended.value.code or 0, stderr.buffer.getvalue().decode()

    return run


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "iso8859-15", "koi8-r"])
def test_letters_that_the_terminal_does_not_have_are_written_as_code_points(through, encoding):
    stdout = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    assert through(stdout) == (0, "")
    assert b"AP\t\\u01991\t1.0000" in stdout.buffer.getvalue()


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "koi8-r"])
def test_json_is_json_in_every_encoding(through, run_and_qrels, encoding):
    stdout = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    assert through(stdout, "evaluate", *map(str, run_and_qrels), "--by-query", "--json") == (0, "")
    assert json.loads(stdout.buffer.getvalue().decode(encoding))["by_query"]["AP"] == {"ƙ1": 1.0}


class Full(io.StringIO):
    """The output on a full disk."""

    def write(self, _):
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    "words", [(), ("--version",), ("--help",), ("cache", "ls"), ("cache", "ls", "--json")]
)
def test_a_full_output_is_said_on_one_line(through, words):
    assert through(Full(), *words) == (1, "error: the output: No space left on device\n")


@pytest.mark.parametrize("name", ["new\nline", "esc\x1b[2Jape", "right\u202eleft"])
def test_names_of_files_cannot_break_the_line_of_an_error(opticlir, tmp_path, run_and_qrels, name):
    path = tmp_path / name
    path.write_text("q 0 d1\n")
    error = opticlir("evaluate", run_and_qrels[0], path).error
    assert not {"\n", "\x1b", "\u202e"} & set(error)


@pytest.mark.parametrize("name", ["ca[/x]", "ca[red]b", "[bold]", "tab\tname", "esc\x1b[31m"])
@pytest.mark.parametrize("words", [("ls",), ("verify",), ("prune", "--max-size", "1GB")])
def test_the_cache_may_have_any_name(opticlir, tmp_path, monkeypatch, name, words):
    monkeypatch.setenv("OPTICLIR_CACHE", str(tmp_path / name))
    done = opticlir("cache", *words)
    assert (done.code, done.stderr) == (0, "")
    (line,) = done.stdout.splitlines()
    assert name.replace("\t", " ").replace("\x1b", "<U+001B>") in line


@pytest.mark.parametrize("name", ["ca[/x]", "[red]"])
def test_a_training_may_keep_its_cache_under_any_name(
    opticlir, checkpoints, bitext, tmp_path, monkeypatch, name
):
    monkeypatch.setenv("OPTICLIR_CACHE", str(tmp_path / name))
    done = opticlir(
        "train", "--bitext", bitext, "--language", "swa", "--teacher", checkpoints["plain"], "--epochs", 1,
        "--out", tmp_path / "model",
    )  # fmt: skip
    assert done.code == 0
    assert f"{name}/teacher" in done.stderr.replace("\n", "")
    card = (tmp_path / "model" / "README.md").read_text()
    assert str(tmp_path) not in card
    assert str(checkpoints["plain"].parent) not in card


@pytest.mark.parametrize("blocked", ["cache", "vocabulary", "teacher"])
def test_a_cache_that_cannot_be_written_stops_no_training(
    opticlir, checkpoints, bitext, tmp_path, monkeypatch, blocked
):
    """A file where a folder has to be: nobody can write there, root neither."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("OPTICLIR_CACHE", str(cache))
    place = cache if blocked == "cache" else cache / blocked
    place.parent.mkdir(exist_ok=True)
    place.touch()
    done = opticlir(
        "train", "--bitext", bitext, "--language", "swa", "--teacher", checkpoints["plain"], "--epochs", 1,
        "--out", tmp_path / "model",
    )  # fmt: skip
    assert done.code == 0, done.stderr
    assert (tmp_path / "model" / "modules.json").exists()


DAMAGE = [b"\xff\xfe", b"[1]\n", b"{oops\n", b"{}\n", b'{"step": "x"}\n', b"[" * 100_000 + b"\n"]


@pytest.mark.parametrize("content", DAMAGE)
@pytest.mark.parametrize("name", ["log.jsonl", "plan.json", "run.json"])
def test_a_damaged_record_of_a_run_is_named(opticlir, checkpoints, bitext, tmp_path, name, content):
    out = tmp_path / "model"
    words = (
        "train", "--bitext", bitext, "--language", "swa", "--teacher", checkpoints["plain"], "--epochs", 1, "--out", out
    )  # fmt: skip
    assert opticlir(*words).code == 0
    (out / "run" / name).write_bytes(content + b"\n")
    assert f"{name}" in opticlir(*words).error


@pytest.mark.parametrize("content", DAMAGE)
def test_a_damaged_count_of_cut_sentences_is_named(tmp_path, content):
    run = RunFolder(tmp_path)
    run.folder.mkdir()
    (run.folder / "cut.json").write_bytes(content)
    with pytest.raises(
        ArtefactError, match=r"cut\.json is damaged: restore it from a copy, or choose another"
    ):
        run.read_cut()


@pytest.mark.parametrize("content", DAMAGE)
def test_a_damaged_line_of_a_log_is_named_with_its_number(tmp_path, content):
    (tmp_path / "log.jsonl").write_bytes(b'{"step": 1}\n' + content + b"\n")
    with pytest.raises(ArtefactError, match=r"log\.jsonl:2 is damaged"):
        StepLog(tmp_path / "log.jsonl").read()


def test_an_error_before_the_plan_leaves_a_folder_that_takes_other_settings(
    opticlir, checkpoints, bitext, tmp_path, monkeypatch
):
    words = ("train", "--bitext", bitext, "--language", "swa", "--teacher", checkpoints["plain"], "--out")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("opticlir.training.vocabulary_cache.vocabulary_for", full)
        monkeypatch.setenv("OPTICLIR_CACHE", str(tmp_path / "cache"))
        assert "No space left on device" in opticlir(*words, tmp_path / "model", "--epochs", 2).error
    assert not (tmp_path / "model").exists()
    assert opticlir(*words, tmp_path / "model", "--epochs", 1).code == 0


@pytest.mark.parametrize("name", [".", "", "/", "..", "a" * 300, "nowhere/x"])
def test_an_impossible_name_of_a_run_is_refused_before_the_model_is_loaded(
    opticlir, tmp_path, monkeypatch, name
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "index").mkdir()
    (tmp_path / "q.tsv").write_text("q1\tmaji\n")
    error = opticlir("search", "index", "--model", "nothing", "--queries", "q.tsv", "--run", name).error
    assert error.startswith("error: cannot write")


@pytest.mark.parametrize("name", ["/", "a" * 300, "file/x"])
def test_an_impossible_name_of_an_index_is_refused(opticlir, checkpoints, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "corpus.jsonl").write_text(json.dumps({"_id": "d", "text": tiny_models.ENGLISH[0]}) + "\n")
    assert opticlir("index", "corpus.jsonl", "--model", checkpoints["plain"], "--out", name).error
    assert sorted([each.name for each in tmp_path.iterdir()]) == ["corpus.jsonl", "file"]


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("opticlir train --out=/home/a/b --bitext ~/x.tsv:2", "opticlir train --out=b --bitext x.tsv:2"),
        ("opticlir train --bitext '/home/a b/c d.tsv'", "opticlir train --bitext 'c d.tsv'"),
        (
            "opticlir train --bitext data/x.tsv --teacher org/name",
            "opticlir train --bitext data/x.tsv --teacher org/name",
        ),
    ],
)
def test_the_readme_of_a_model_names_no_folder_of_the_machine(command, shown):
    assert portable(command) == shown
    config = TrainConfig(language="swa", teacher="/home/a/teacher")
    card = model_card(
        config, pairs=1, steps=1, initial={}, trained={}, held_out=0, origin=Origin(command=command)
    )
    assert shown in card
    assert "/home" not in card


def test_an_empty_file_has_no_content_and_a_missing_one_is_named(tmp_path):
    (tmp_path / "x").touch()
    assert MappedFile(tmp_path / "x").content == b""
    with pytest.raises(ArtefactError, match=r"cannot read .*: No such file"):
        MappedFile(tmp_path / "y")
