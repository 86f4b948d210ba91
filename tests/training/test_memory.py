"""What a bitext of millions of pairs costs before the first step, measured on two small ones.

Five million pairs are to start in less than 2 GB beyond the model: 400 bytes a pair, over what does not grow.
"""

import json
import os
import random
import subprocess
import sys

import pytest

import tiny_models

BYTES_PER_PAIR = 2_000_000_000 / 5_000_000
SCRIPT = """
import resource, sys
from opticlir.__main__ import main
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""
SETTINGS = """
steps = 1
batch_size = 8
held_out = 10
[words]
n_pieces = 100
alignment_pairs = 2000
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("memory")
    tiny_models.save_encoder(folder / "teacher")
    (folder / "train.toml").write_text(SETTINGS)
    return folder


def peak(folder, n_pairs):
    """Bytes that a training of one step takes at most, in a process of its own."""
    draw = random.Random(0)
    english, foreign = (
        sorted({word for text in side for word in text.split()})
        for side in (tiny_models.ENGLISH, tiny_models.SWAHILI)
    )
    bitext = folder / f"{n_pairs}.tsv"
    with bitext.open("w") as file:
        for number in range(n_pairs):
            file.write(" ".join(draw.choices(english, k=3)) + f" {number}\t")
            file.write(" ".join(draw.choices(foreign, k=3)) + "\n")
    command = [
        sys.executable, "-c", SCRIPT, "lab", "train", "--bitext", bitext, "--language", "swa",
        "--teacher", folder / "teacher", "--config", folder / "train.toml",
        "--out", folder / f"model-{n_pairs}", "--json",
    ]  # fmt: skip
    done = subprocess.run(
        list(map(str, command)), check=True, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "OPTICLIR_CACHE": str(folder / f"cache-{n_pairs}"), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    result, size = done.stdout.splitlines()
    assert json.loads(result)["pairs"] == n_pairs
    return int(size)


def test_millions_of_pairs_start_in_little_memory(folder):
    small, large = 10_000, 80_000
    assert (peak(folder, large) - peak(folder, small)) / (large - small) < BYTES_PER_PAIR
