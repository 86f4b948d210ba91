"""A disk that is full while a checkpoint or the model is written: real refusals of the kernel, through /dev/full."""

import sys
from pathlib import Path

import pytest

import tiny_models
from opticlir.__main__ import main
from opticlir.errors import ArtefactError
from opticlir.lab.training import distil, make_config
from opticlir.storage import sha256_file
from opticlir.storage.filesystem import FileSystem
from opticlir.training.events import StepsDone
from opticlir.training.run_folder import RunFolder

FULL = Path("/dev/full")
pytestmark = pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")


@pytest.fixture
def config(checkpoints):
    return make_config(
        {
            "teacher": str(checkpoints["plain"]), "language": "swa", "batch_size": 4, "epochs": 2,
            "checkpoint_steps": 3, "precision": "float32", "words": {"n_pieces": 200, "min_piece_frequency": 2},
        },
        source="test",
    )  # fmt: skip


def filling(out, name):
    """Let a file of the second checkpoint lie on a full disk, once the run has begun."""

    def report(event):
        checkpoint = out / "run" / "checkpoints" / "checkpoint-6"
        if isinstance(event, StepsDone) and event.step == 5 and not checkpoint.exists():
            checkpoint.mkdir()
            (checkpoint / name).symlink_to(FULL)

    return report


@pytest.mark.parametrize("name", ["optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json"])
def test_a_full_disk_stops_with_the_last_good_checkpoint_intact(config, tmp_path, name):
    distil(config, tiny_models.PAIRS, tmp_path / "unbroken")
    out = tmp_path / "broken"
    with pytest.raises(
        ArtefactError,
        match=r"checkpoint-6 cannot be written \(.*\): free space and run the same command to resume",
    ):
        distil(config, tiny_models.PAIRS, out, on_event=filling(out, name))
    assert not (out / "modules.json").exists()
    assert RunFolder(out).last_checkpoint().name == "checkpoint-3"
    distil(config, tiny_models.PAIRS, out)
    weights = Path("query_0_Transformer", "model.safetensors")
    assert sha256_file(out / weights) == sha256_file(tmp_path / "unbroken" / weights)


class FullDraft(FileSystem):
    """One file of the model lies on a full disk while it is saved."""

    def __init__(self, name):
        self._name = name

    def make_folder(self, path):
        super().make_folder(path)
        if path.name == ".draft":
            (path / self._name).parent.mkdir(exist_ok=True)
            (path / self._name).symlink_to(FULL)


@pytest.mark.parametrize(
    "name",
    ["modules.json", "query_0_Transformer/tokenizer.json", "query_0_Transformer/config.json"],
)
def test_a_full_disk_at_the_final_save_loses_no_step(config, tmp_path, monkeypatch, name):
    distil(config, tiny_models.PAIRS, tmp_path / "unbroken")
    out = tmp_path / "broken"
    with monkeypatch.context() as patch:
        patch.setattr("opticlir.storage.filesystem.active", FullDraft(name))
        with pytest.raises(ArtefactError, match=r"cannot write .*broken.*free some space"):
            distil(config, tiny_models.PAIRS, out)
    assert not (out / "modules.json").exists()
    assert RunFolder(out).last_checkpoint() is not None
    resumed = []
    distil(config, tiny_models.PAIRS, out, on_event=resumed.append)
    assert all(each.step > 3 for each in resumed if isinstance(each, StepsDone))
    weights = Path("query_0_Transformer", "model.safetensors")
    assert sha256_file(out / weights) == sha256_file(tmp_path / "unbroken" / weights)


def test_a_full_disk_under_the_log_is_said_by_name(tmp_path):
    run = RunFolder(tmp_path)
    run.folder.mkdir()
    (run.folder / "log.jsonl").symlink_to(FULL)
    with pytest.raises(
        ArtefactError, match=r"cannot write .*log\.jsonl: No space left on device.*free some space"
    ):
        run.log({"step": 1})


def test_the_command_says_so_in_one_line_and_exits_with_1(checkpoints, tmp_path, monkeypatch, capsys):
    bitext = tmp_path / "pairs.tsv"
    bitext.write_text("".join(f"{pair.english}\t{pair.foreign}\n" for pair in tiny_models.PAIRS))
    (tmp_path / "train.toml").write_text("batch_size = 4\ncheckpoint_steps = 6\nepochs = 2\n")
    out = tmp_path / "out"
    module = sys.modules["opticlir.training.distil"]
    usual = module._take_steps

    def take_steps(*arguments):
        (out / "run" / "checkpoints" / "checkpoint-6").mkdir(parents=True)
        (out / "run" / "checkpoints" / "checkpoint-6" / "optimizer.pt").symlink_to(FULL)
        monkeypatch.setattr(RunFolder, "last_checkpoint", lambda _: None)  # it would sweep the folder away
        return usual(*arguments)

    monkeypatch.setattr(module, "_take_steps", take_steps)
    monkeypatch.setattr("sys.argv", [
        "opticlir", "train", "--bitext", str(bitext), "--language", "swa", "--teacher", str(checkpoints["plain"]),
        "--config", str(tmp_path / "train.toml"), "--out", str(out),
    ])  # fmt: skip
    with pytest.raises(SystemExit, match="1"):
        main()
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert "checkpoint-6 cannot be written" in line
