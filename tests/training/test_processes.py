"""One training in several real processes, started by torchrun as a user does."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
import torch
from safetensors.torch import load_file

import tiny_models
from opticlir.errors import DataError
from opticlir.storage import sha256_file
from opticlir.training.batches import LengthBuckets

TOLERANCE = 1e-5  # docs/training.md states it
SETTINGS = 'batch_size = 5\ncheckpoint_steps = 4\nprecision = "float32"\n'
OPTIONS = ("--epochs", "10", "--method", "optical+0.5*contrastive+0.3*score_kl")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("processes")
    tiny_models.save_encoder(folder / "teacher")
    (folder / "pairs.tsv").write_text(
        "".join(f"{pair.english}\t{pair.foreign}\n" for pair in tiny_models.PAIRS)
    )
    (folder / "train.toml").write_text(SETTINGS)
    return folder


def start(folder, out, *more, n_processes=2, command=("train",)):
    """One `opticlir train`, or `opticlir lab train`, by several processes."""
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", n_processes] if n_processes > 1 else []
    words = [
        sys.executable, *launcher, "-m", "opticlir", *command, "--bitext", folder / "pairs.tsv",
        "--language", "swa", "--teacher", folder / "teacher",
        "--config", folder / "train.toml", "--out", out, *more, "--json",
    ]  # fmt: skip
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "OPTICLIR_CACHE": str(out.parent / f"cache-{out.name}"),
    }
    return subprocess.Popen(
        list(map(str, words)), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process):
    """Wait for a run to end well, and give what it printed."""
    printed, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return printed


def weights(out):
    return load_file(out / "query_0_Transformer" / "model.safetensors")


@pytest.fixture(scope="module")
def both(folder):
    """The same run by one process and by two."""
    finish(start(folder, folder / "start", "--epochs", "0", n_processes=1))
    printed = {
        name: finish(start(folder, folder / name, *OPTIONS, n_processes=number))
        for name, number in (("one", 1), ("two", 2))
    }
    return folder, printed


def test_two_processes_learn_what_one_learns(both):
    folder, _ = both
    initial, one, two = (weights(folder / name) for name in ("start", "one", "two"))
    assert max((one[name] - initial[name]).abs().max() for name in one) > 100 * TOLERANCE
    for name, weight in one.items():
        if name.endswith(
            "key.bias"
        ):  # the softmax is blind to it: its gradient is rounding, which Adam makes large
            continue
        torch.testing.assert_close(two[name], weight, atol=TOLERANCE, rtol=0, msg=name)


def test_one_process_speaks_for_all(both):
    folder, printed = both
    (line,) = printed["two"].splitlines()
    assert json.loads(line) | {"model": ""} == json.loads(printed["one"]) | {"model": ""}
    log, single = ((folder / name / "run" / "log.jsonl").read_text().splitlines() for name in ("two", "one"))
    assert [json.loads(line)["step"] for line in log] == [json.loads(line)["step"] for line in single]
    assert sha256_file(folder / "two" / "run" / "words.txt") == sha256_file(
        folder / "one" / "run" / "words.txt"
    )


ADVERSARIES = """monolingual = 0.3
[perturbation]
kind = "pgd"
steps = 2
[discriminator]
weight = 0.5
[code_switching]
source = "plan"
[transport]
guide = "mixture"
guide_weight = 0.5
[words]
n_pieces = 100
"""


def test_adversaries_of_two_processes_see_what_those_of_one_see(folder):
    """The climb of each share, the judge of the whole batch, the links, and the language of a batch: one loss."""
    (folder / "adversaries.toml").write_text(SETTINGS + ADVERSARIES)
    lines = []
    for number in (1, 2):
        out = folder / f"adversaries-{number}"
        options = ("--config", folder / "adversaries.toml", "--epochs", "2", "--method", "optical+0.1*lancer")
        finish(start(folder, out, *options, n_processes=number, command=("lab", "train")))
        (line,) = (out / "run" / "log.jsonl").read_text().splitlines()
        lines.append(json.loads(line))
    one, two = lines
    assert {"optical", "lancer", "perturbed", "discriminator", "discriminator_accuracy"} <= one.keys()
    assert two == pytest.approx(one, rel=1e-4, abs=1e-4)  # the log rounds parts to four digits


def worker(process, rank):
    """The process id of one of the workers that torchrun started."""
    (found,) = (
        child.pid
        for child in psutil.Process(process.pid).children()
        if child.environ().get("RANK") == str(rank)
    )
    return found


def wait_for(path):
    deadline = time.monotonic() + 240
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.01)


def test_a_killed_process_ends_the_job_and_the_same_command_goes_on(both):
    folder, _ = both
    out = folder / "killed"
    process = start(folder, out, *OPTIONS)
    wait_for(out / "run" / "checkpoints" / "checkpoint-4" / "complete.json")
    os.kill(worker(process, 1), signal.SIGKILL)
    killed = time.monotonic()
    _, errors = process.communicate(timeout=120)
    assert time.monotonic() - killed < 60
    assert process.returncode != 0
    assert "SIGKILL" in errors
    assert not (out / "README.md").exists()
    finish(start(folder, out, *OPTIONS))
    names = ("model.safetensors", "tokenizer.json")
    assert [sha256_file(out / "query_0_Transformer" / name) for name in names] == [
        sha256_file(folder / "two" / "query_0_Transformer" / name) for name in names
    ]


def test_sigterm_to_one_stops_all_cleanly(both):
    folder, _ = both
    out = folder / "terminated"
    process = start(folder, out, "--epochs", "400")
    wait_for(out / "run" / "checkpoints" / "checkpoint-4" / "complete.json")
    os.kill(worker(process, 1), signal.SIGTERM)
    process.communicate(timeout=120)
    assert process.returncode != 0
    steps = {int(path.name.split("-")[1]) for path in (out / "run" / "checkpoints").iterdir()}
    assert max(steps) < 1600
    assert (out / "run" / "checkpoints" / f"checkpoint-{max(steps)}" / "complete.json").exists()


@pytest.mark.parametrize("n_processes", [1, 2, 3])
def test_shares_of_a_batch_are_the_batch(n_processes):
    lengths = np.random.default_rng(0).integers(1, 40, size=57)

    def batches(number):
        return list(LengthBuckets(lengths, np.ones(57), batch_size=8, seed=3, n_processes=number))

    whole, shares = batches(1), batches(n_processes)
    assert len(shares) == n_processes * len(whole)
    for number, batch in enumerate(whole):
        parts = shares[number * n_processes : (number + 1) * n_processes]
        assert sorted(pair for part in parts for pair in part) == sorted(batch)
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_more_processes_than_pairs_are_refused():
    with pytest.raises(
        DataError, match="a batch holds 3 sentence pairs, too few for 4 processes: raise batch_size"
    ):
        LengthBuckets(np.ones(6, dtype=np.int64), np.ones(6), batch_size=3, seed=0, n_processes=4)
