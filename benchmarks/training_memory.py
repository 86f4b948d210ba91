"""What does a bitext of millions of pairs take in memory before the first step?

    python benchmarks/training_memory.py --pairs 5000000

Pairs are generated: words of a made-up language and of a made-up English, half a million in each, drawn
by Zipf's law, eight to a sentence. The same training of one step (MiniLM, its vectors computed step by step) is run on
them and on 2,000 of them, each in a process of its own, and the peaks of their memory are compared: what is the
model's, and the libraries', is in both.

2026-11-21: 1.61 GB for five million pairs; docs/performance.md.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from measuring import environment, print_answer, print_table

FLOOR = 2_000
WORDS, SENTENCE = 500_000, 8
SCRIPT = """
import resource
from opticlir.cli import main
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def write_pairs(path: Path, n_pairs: int) -> None:
    """Generate a bitext."""
    random = np.random.default_rng(0)
    syllables = ["ba", "ke", "li", "mo", "nu", "ra", "se", "ti", "wo", "ya", "zi", "da"]
    english, foreign = (
        ["".join(random.choice(syllables, size=length)) for length in random.integers(2, 7, size=WORDS)]
        for _ in range(2)
    )
    with path.open("w", encoding="utf-8") as file:
        for first in range(0, n_pairs, 10_000):
            drawn = random.zipf(1.3, size=(min(10_000, n_pairs - first), SENTENCE)) % WORDS
            for row in drawn:
                file.write(" ".join(english[word] for word in row) + "\t")
                file.write(" ".join(foreign[word] for word in row[::-1]) + "\n")


def peak(folder: Path, n_pairs: int) -> tuple[int, float]:
    """Bytes and seconds that a training of one step takes."""
    bitext, settings = folder / f"{n_pairs}.tsv", folder / "train.toml"
    write_pairs(bitext, n_pairs)
    settings.write_text('steps = 1\nteacher_vectors = "none"\n')
    command = [
        sys.executable, "-c", SCRIPT, "train", "--bitext", str(bitext), "--language", "und", "--config", str(settings),
        "--out", str(folder / f"model-{n_pairs}"), "--json",
    ]  # fmt: skip
    started = time.perf_counter()
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "OPTICLIR_CACHE": str(folder / f"cache-{n_pairs}")},
    )  # fmt: skip
    result, size = done.stdout.splitlines()[-2:]
    assert json.loads(result)["pairs"] == n_pairs
    return int(size), time.perf_counter() - started


def main() -> None:
    """Measure, and one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5_000_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        peaks = {n_pairs: peak(Path(name), n_pairs) for n_pairs in (FLOOR, arguments.pairs)}
    print_table([
        {"pairs": n_pairs, "peak, MB": size / 1e6, "seconds": seconds}
        for n_pairs, (size, seconds) in peaks.items()
    ])  # fmt: skip
    beyond = peaks[arguments.pairs][0] - peaks[FLOOR][0]
    print_answer({
        "bytes_beyond": beyond, "bytes_per_pair": beyond / arguments.pairs,
        "training_start_gb": beyond / 1e9, **environment(("torch", "sentence-transformers", "tokenizers")),
    })  # fmt: skip


if __name__ == "__main__":
    main()
