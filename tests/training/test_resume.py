"""A run that is killed with SIGKILL and started again ends in the same bits as one that was not."""

import os
import signal
import subprocess
import sys
import time

import pytest

import tiny_models
from opticlir.storage import sha256_file

PAIRS = [
    (f"the {noun} {verb} the {thing}", f"ga {noun[::-1]} ga {thing[::-1]} {verb[::-1]}")
    for noun in ("cow", "goat", "child", "bird")
    for verb in ("drinks", "eats", "sees")
    for thing in ("water", "grass", "milk", "tree")
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("resume")
    tiny_models.save_encoder(folder / "teacher")
    (folder / "pairs.tsv").write_text("".join(f"{english}\t{foreign}\n" for english, foreign in PAIRS))
    (folder / "train.toml").write_text("batch_size = 4\ncheckpoint_steps = 5\ndropout = 0.1\nepochs = 3\n")
    return folder


def start(folder, out):
    """One `opticlir lab train` of 36 steps, in a process of its own."""
    command = [
        sys.executable, "-m", "opticlir", "lab", "train", "--bitext", folder / "pairs.tsv", "--language", "qin",
        "--teacher", folder / "teacher", "--config", folder / "train.toml", "--out", out, "--json",
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPTICLIR_CACHE": str(folder / "cache")}
    return subprocess.Popen(
        list(map(str, command)), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process):
    """Wait for a run to end well."""
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors


def weights(out):
    """What decides the query vectors."""
    return [
        sha256_file(out / "query_0_Transformer" / name) for name in ("model.safetensors", "tokenizer.json")
    ]


@pytest.fixture(scope="module")
def unbroken(folder):
    finish(start(folder, folder / "unbroken"))
    return weights(folder / "unbroken")


def checkpoint_whole(out, step):
    return (out / "run" / "checkpoints" / f"checkpoint-{step}" / "complete.json").exists()


MOMENTS = {
    "before the plan": lambda out: (out / "run" / "run.json").exists(),
    "before the first step": lambda out: (out / "run" / "plan.json").exists(),
    "after a checkpoint in the first epoch": lambda out: checkpoint_whole(out, 5),
    "inside the write of a checkpoint": lambda out: (
        (out / "run" / "checkpoints" / "checkpoint-15").exists() and not checkpoint_whole(out, 15)
    ),
    "in the last epoch": lambda out: checkpoint_whole(out, 30),
}


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.replace(" ", "-"))
def test_a_killed_run_ends_in_the_same_bits(folder, unbroken, moment):
    out = folder / moment.replace(" ", "-")
    process = start(folder, out)
    while not MOMENTS[moment](out):
        assert process.poll() is None, f"the run ended before it was {moment}: {process.stderr.read()}"
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    if moment == "before the plan":
        assert not (out / "run" / "plan.json").exists()
    if moment.startswith("before"):
        assert not (out / "run" / "checkpoints").exists(), "it was killed too late"
    assert not (out / "modules.json").exists(), "a killed run must not leave a model"
    finish(start(folder, out))
    assert weights(out) == unbroken


def test_sigterm_saves_and_the_same_command_goes_on(folder, unbroken):
    out = folder / "terminated"
    process = start(folder, out)
    while not checkpoint_whole(out, 5):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.002)
    process.terminate()
    process.communicate(timeout=120)
    assert process.returncode == 1
    finish(start(folder, out))
    assert weights(out) == unbroken
