"""Promise 24: memory is bounded: that of a build by its block, and that of a process by what is open."""

import os
import subprocess
import sys

import pytest

BUILD = """
import resource, sys
from opticlir.encoder import load_model
from opticlir.search import Retriever
model, folder, n = load_model(sys.argv[1]), sys.argv[2], int(sys.argv[3])
documents = ((f"d{i}", f"the water of well number {i} is clean and the road to it is long") for i in range(n))
Retriever.build(documents, model, folder)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""
SOAK = """
import gc, os, sys
from pathlib import Path
from opticlir.encoder import load_model
from opticlir.search import Retriever
model, folder, rounds = load_model(sys.argv[1]), sys.argv[2], int(sys.argv[3])
Retriever.build(((f"d{i}", f"clean water from well {i}") for i in range(200)), model, folder)
for at in range(rounds):
    retriever = Retriever.open(folder, model)
    retriever.search("maji safi", k=5)
    retriever.add([(f"n{at}", f"a new well {at}")])
    retriever.delete([f"n{at}"])
    if at % 10 == 9:
        gc.collect()
        resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        opened = len(os.listdir("/proc/self/fd"))
        on_disk = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        print(resident, opened, on_disk)
"""


def numbers(script, *words):
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, words)], check=True, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    return [[int(each) for each in line.split()] for line in done.stdout.splitlines()]


@pytest.fixture(autouse=True)
def _deep_alone(pytestconfig):
    if not pytestconfig.getoption("deep"):
        pytest.skip("takes minutes: runs with --deep")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="resident memory is read from /proc")
def test_a_build_of_more_documents_takes_little_more_memory(checkpoints, tmp_path):
    """Ids, rows and texts of BM25 are held; vectors are not. The budget is 1,000 bytes a document."""
    small, large = 2_000, 12_000
    peaks = [numbers(BUILD, checkpoints["crosslingual"], tmp_path / f"{n}", n)[0][0] for n in (small, large)]
    assert peaks[1] - peaks[0] < 1.2 * 1_000 * (large - small), peaks


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="resident memory is read from /proc")
def test_a_process_that_opens_searches_and_changes_an_index_all_day_does_not_grow(checkpoints, tmp_path):
    seen = numbers(SOAK, checkpoints["crosslingual"], tmp_path / "index", 100)
    settled, last = seen[len(seen) // 2], seen[-1]
    assert last[0] - settled[0] < 8_000_000, seen  # resident memory over fifty rounds
    assert last[1] <= settled[1], seen  # open files
    assert last[2] <= 1.1 * settled[2], seen  # bytes on disk
