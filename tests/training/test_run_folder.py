import json
import logging
import multiprocessing
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from opticlir.encoder.folder import write_model_manifest
from opticlir.errors import ArtefactError
from opticlir.storage import move_into_parent
from opticlir.training.run_folder import RunFolder

CONFIG = {"seed": 0, "language": "swa", "minutes": None, "words": {"n_pieces": 100}, "device": "cpu"}
INPUTS = {"a.tsv:1.0": "ab" * 32}


def claim(out, config=CONFIG, inputs=INPUTS):
    with RunFolder(out).claimed(config, inputs) as finished:
        return finished


def checkpoint_of(run, step, *, sealed=True):
    folder = run.checkpoints / f"checkpoint-{step}"
    (folder / "query").mkdir(parents=True)
    (folder / "query" / "model.safetensors").write_bytes(b"weights " * step)
    (folder / "optimizer.pt").write_bytes(b"moments " * step)
    if sealed:
        run.complete_checkpoint(folder)
    return folder


@pytest.fixture
def run(tmp_path):
    claim(tmp_path)
    return RunFolder(tmp_path)


# whose folder it is


def test_a_run_is_begun_and_found_again(tmp_path):
    assert claim(tmp_path / "new" / "out") is False
    assert claim(tmp_path / "new" / "out") is False
    record = json.loads((tmp_path / "new" / "out" / "run" / "run.json").read_text())
    assert record["kind"] == "training run"
    assert record["config"] == CONFIG
    assert record["inputs"] == INPUTS
    assert record["seed"] == 0
    assert record["environment"]["torch"]


def save_weights(run):
    draft = run.out / ".draft"
    draft.mkdir()
    (draft / "model.safetensors").write_bytes(b"weights")
    write_model_manifest(draft)
    move_into_parent(draft, last=("opticlir.json",))


def test_a_finished_run_is_known_and_has_no_checkpoints(run):
    checkpoint_of(run, 5)
    save_weights(run)
    run.finish({"steps": 5, "pairs": 20})
    assert claim(run.out) is True
    assert not run.checkpoints.exists()
    assert json.loads((run.folder / "run.json").read_text())["counts"] == {
        "steps": 5, "pairs": 20, "finished": 1
    }  # fmt: skip


def test_a_run_without_a_complete_model_is_not_finished(run):
    checkpoint_of(run, 5)
    with pytest.raises(ArtefactError, match=r"so this is not a model folder"):
        run.finish({"steps": 5})
    assert run.last_checkpoint().name == "checkpoint-5"
    assert claim(run.out) is False


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"weightS")])
def test_a_finished_run_whose_weights_are_damaged_or_gone_says_so(run, damage):
    save_weights(run)
    run.finish({"steps": 5})
    damage(run.out / "model.safetensors")
    with pytest.raises(
        ArtefactError, match=r"is finished, but its model is damaged: .*or remove the folder and train"
    ):
        claim(run.out)


@pytest.mark.parametrize(
    ("config", "inputs", "message"),
    [
        (CONFIG | {"seed": 1}, INPUTS, "seed was 0 and is 1 now"),
        (CONFIG | {"minutes": 5.0}, INPUTS, "minutes was not set and is 5.0 now"),
        (
            CONFIG | {"words": {"n_pieces": 9}},
            INPUTS,
            "words was {'n_pieces': 100} and is {'n_pieces': 9} now",
        ),
    ],
)
def test_another_run_is_refused_with_what_differs(run, config, inputs, message):
    with pytest.raises(
        ArtefactError, match=rf"holds another run: {message}; choose another output folder \(--out"
    ):
        claim(run.out, config, inputs)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"a.tsv:1.0": "cd" * 32}, "a.tsv:1.0 has other content now"),
        ({"a.tsv:2.0": "ab" * 32}, "a.tsv:1.0 is not given now"),
        (INPUTS | {"b.tsv:1.0": "00"}, "b.tsv:1.0 is new"),
    ],
)
def test_a_run_on_other_files_is_refused_with_the_file(run, inputs, message):
    with pytest.raises(
        ArtefactError,
        match=rf"was trained on other files: {message}; choose another output folder \(--out\) or remove",
    ):
        claim(run.out, CONFIG, inputs)


@pytest.mark.parametrize("config", [CONFIG | {"new": 1}, {"seed": 0, "device": "cpu"}])
def test_a_run_with_other_names_of_settings_is_refused(run, config):
    message = (
        "holds a run of another version of opticlir, or of `opticlir lab train`: choose another output folder"
    )
    with pytest.raises(ArtefactError, match=message):
        claim(run.out, config)


def test_a_folder_with_something_else_in_it_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(
        ArtefactError, match=r"holds something else \(thesis\.txt\): choose another --out, or empty it"
    ):
        claim(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("name", ["results.txt", "plan.json", "checkpoints/checkpoint-1/mine", "run.jsonl"])
def test_a_folder_named_run_that_is_not_ours_is_refused_and_left_alone(tmp_path, name):
    path = tmp_path / "run" / name
    path.parent.mkdir(parents=True)
    path.write_text("years of work")
    with pytest.raises(ArtefactError, match=r"holds something else \(run/"):
        claim(tmp_path)
    assert path.read_text() == "years of work"


def test_a_run_that_is_withdrawn_takes_only_what_it_wrote(tmp_path):
    def fail(out, *, with_notes):
        with RunFolder(out).claimed(CONFIG, INPUTS):
            if with_notes:
                (out / "run" / "notes.txt").write_text("years of work")
            raise ArtefactError("no teacher")

    for name, with_notes in (("noted", True), ("new", False)):
        with pytest.raises(ArtefactError, match="no teacher"):
            fail(tmp_path / name, with_notes=with_notes)
    assert [path.name for path in (tmp_path / "noted").rglob("*")] == ["run", "notes.txt"]
    assert not (tmp_path / "new").exists()


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "model").write_text("a file")
    for out in (tmp_path / "model", tmp_path / "model" / "below"):
        with pytest.raises(ArtefactError, match=r"cannot write .*model"):
            claim(out)


def test_a_damaged_record_is_named(run):
    (run.folder / "run.json").write_text("{")
    with pytest.raises(ArtefactError, match=r"run\.json is damaged"):
        claim(run.out)


def test_another_torch_is_warned_of(run, caplog):
    record = json.loads((run.folder / "run.json").read_text())
    record["environment"]["torch"] = "1.0"
    (run.folder / "run.json").write_text(json.dumps(record))
    with caplog.at_level(logging.WARNING, logger="opticlir"):
        claim(run.out)
    assert "begun with torch 1.0: its weights will differ from those of an uninterrupted run" in caplog.text
    assert "another version" not in caplog.text


def test_another_source_is_warned_of_until_the_run_is_finished(run, caplog):
    record = json.loads((run.folder / "run.json").read_text())
    record["environment"]["source"] = "of yesterday"
    (run.folder / "run.json").write_text(json.dumps(record))
    message = "this run was begun with another version of opticlir: its weights will differ from those of an uninter"
    with caplog.at_level(logging.WARNING, logger="opticlir"):
        claim(run.out)
    assert message in caplog.text
    caplog.clear()
    save_weights(run)
    run.finish({"steps": 5})
    with caplog.at_level(logging.WARNING, logger="opticlir"):
        assert claim(run.out) is True
    assert message not in caplog.text


def _hold(out, ready, done):
    with RunFolder(out).claimed(CONFIG, INPUTS):
        ready.set()
        done.wait(60)


def test_two_processes_do_not_train_in_one_folder(tmp_path):
    context = multiprocessing.get_context("fork")
    ready, done = context.Event(), context.Event()
    holder = context.Process(target=_hold, args=(tmp_path, ready, done))
    holder.start()
    try:
        assert ready.wait(60)
        with pytest.raises(
            ArtefactError, match=rf"is being written by another process \(process {holder.pid}\): wait"
        ):
            claim(tmp_path)
    finally:
        done.set()
        holder.join()
    assert claim(tmp_path) is False


def test_a_dead_process_holds_nothing(tmp_path):
    child = os.fork()
    if not child:
        with RunFolder(tmp_path).claimed(CONFIG, INPUTS):
            os._exit(9)
    os.waitpid(child, 0)
    assert claim(tmp_path) is False


# the plan


def test_the_plan_is_made_once(run):
    assert run.plan(lambda: 7) == 7
    assert RunFolder(run.out).plan(lambda: 8) == 7


# the log


def test_the_log_comes_back_and_a_torn_last_line_is_left_out(run):
    assert run.read_log() == []
    lines = [{"step": 5, "loss": 0.5}, {"step": 5, "validation": {"RR": 0.5, "accuracy": 0.25}}]
    for line in lines:
        run.log(line)
    assert run.read_log() == lines
    log = run.folder / "log.jsonl"
    whole = log.read_bytes()
    last = len(json.dumps(lines[1])) + 1
    for torn in range(1, last):  # also where the tear leaves a closing brace behind
        log.write_bytes(whole[:-torn])
        assert run.read_log() == lines[:1]


def test_the_log_forgets_what_came_after_a_checkpoint(run):
    for step in (0, 5, 10, 15):
        run.log({"step": step, "loss": 1.0})
    with (run.folder / "log.jsonl").open("a") as file:
        file.write('{"step": 20, "lo')
    run.rewind_log(10)
    run.log({"step": 11})
    assert [line["step"] for line in run.read_log()] == [0, 5, 10, 11]
    run.rewind_log(-1)
    assert run.read_log() == []


# checkpoints


def _truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip(path):
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)


def _remove(path):
    path.unlink()


def test_no_checkpoint_at_all(run):
    assert run.last_checkpoint() is None


def test_the_newest_checkpoint_counts_by_number_and_not_by_name(run):
    for step in (5, 100, 20):
        checkpoint_of(run, step)
    assert run.last_checkpoint().name == "checkpoint-100"


@pytest.mark.parametrize("damage", [_truncate, _flip, _remove])
@pytest.mark.parametrize("name", ["optimizer.pt", "query/model.safetensors", "complete.json"])
def test_a_torn_checkpoint_is_left_out_and_removed(run, caplog, damage, name):
    whole = checkpoint_of(run, 5)
    torn = checkpoint_of(run, 10)
    damage(torn / name)
    with caplog.at_level(logging.WARNING, logger="opticlir"):
        assert run.last_checkpoint() == whole
    assert "checkpoint-10 is incomplete and is ignored" in caplog.text
    assert not torn.exists()
    assert run.last_checkpoint() == whole


def test_a_checkpoint_without_a_seal_is_torn(run):
    checkpoint_of(run, 10, sealed=False)
    assert run.last_checkpoint() is None


@dataclass(frozen=True)
class Table:
    rounds: int = 3
    added: str = "none"


@dataclass(frozen=True)
class Settings:
    seed: int = 0
    device: str = "auto"
    added: str = "auto"
    table: Table = Table()


@pytest.mark.parametrize("missing", [("added",), ("table",), ("table", "added"), ("device", "added")])
def test_a_run_from_before_a_setting_resumes_if_the_setting_has_its_default(tmp_path, missing):
    """It was refused as a run of another version, though nothing of it had changed."""
    config = {**asdict(Settings()), "device": "cpu"}
    old = json.loads(json.dumps(config))
    if missing == ("table", "added"):
        del old["table"]["added"]
    else:
        for name in missing:
            del old[name]
    claim_begun(tmp_path, old)
    with RunFolder(tmp_path).claimed(config, INPUTS, kind=Settings) as finished:
        assert not finished
    other = (
        {**config, missing[-1]: "x"} if missing != ("table", "added") else {**config, "table": {"added": "x"}}
    )
    with (
        pytest.raises(ArtefactError, match=r"holds another run: (added|table) was"),
        RunFolder(tmp_path).claimed(other, INPUTS, kind=Settings),
    ):
        pytest.fail("another run")


def test_a_run_with_a_setting_that_is_no_more_is_of_another_version(tmp_path):
    config = {**asdict(Settings()), "device": "cpu"}
    claim_begun(tmp_path, {**config, "gone": 1})
    with (
        pytest.raises(ArtefactError, match="a run of another version of opticlir"),
        RunFolder(tmp_path).claimed(config, INPUTS, kind=Settings),
    ):
        pytest.fail("another version")


def claim_begun(out, config):
    """As `claim`, and the run has its plan."""
    with RunFolder(out).claimed(config, INPUTS):
        RunFolder(out).plan(lambda: 4)
