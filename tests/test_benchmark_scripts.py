"""Benchmarks run, check their answers, and end with the figures they promise: here on a few problems."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a script of benchmarks/ with a command line; what it printed, and its exit status."""
    pytest.importorskip("ot", reason="the peer of every benchmark")
    n_threads = torch.get_num_threads()

    def script(name, *arguments):
        monkeypatch.syspath_prepend(str(BENCHMARKS))
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        status = 0
        try:
            runpy.run_path(str(BENCHMARKS / name), run_name="__main__")
        except SystemExit as done:
            status = done.code
        printed = capsys.readouterr()
        return printed.out.split("\n"), printed.err, status

    yield script
    torch.set_num_threads(n_threads)


def answer(lines):
    return json.loads(lines[-2])  # after it comes the end of its line


def test_transport_on_a_processor(run):
    lines, _, _ = run("transport_cpu.py", "--problems", "6", "--repeats", "1")
    figures = answer(lines)
    assert figures.keys() >= {"O1_log", "O1_linear", "O1b_emd", "O1b_lsa", "O2_sizes", "commit", "machine"}
    assert figures["O1_plan_difference"] <= 1e-6
    assert figures["O1_iterations"] == 50
    assert figures["O1b_relative_error"] < 1e-3


def test_accuracy_of_transport(run):
    lines, _, _ = run("transport_accuracy.py", "--problems", "5")
    assert answer(lines)["O3_relative_error"] < 1e-3
    assert any("exact" in line for line in lines)


def test_growth_of_transport(run, tmp_path):
    pytest.importorskip("matplotlib")
    picture = tmp_path / "new" / "growth.png"
    sizes = (
        "--tokens",
        "4",
        "8",
        "16",
        "--batches",
        "1",
        "4",
        "16",
        "--repeats",
        "1",
        "--picture",
        str(picture),
    )
    lines, _, _ = run("transport_growth.py", *sizes)
    assert {"exponent_tokens_sinkhorn", "exponent_batch_exact"} <= answer(lines).keys()
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_exact_search(run, tmp_path):
    rng = np.random.default_rng(0)
    vectors = tmp_path / "vectors.npz"
    np.savez(vectors, docs=rng.standard_normal((41, 100, 24)).astype(np.float16))
    sizes = ("--documents", "40", "80", "--dim", "16", "24", "--repeats", "1", "--folder", str(tmp_path))
    lines, _, _ = run("search_exact.py", "--vectors", str(vectors), *sizes)
    figures = answer(lines)
    assert figures.keys() >= {"S1", "G1_exact", "memory_bytes_per_second", "commit"}
    assert figures["G1_exact"].keys() == {"16", "24"}
    assert [each["documents"] for each in figures["figures"]] == [40, 80, 40, 80]
    table = "\n".join(lines)
    for name in ("sentence-transformers", "maxsim-cpu", "lateweave", "colbandit", "lancedb", "qdrant"):
        assert name in table  # timed, or left out with the reason


def test_approximate_search(run, tmp_path):
    vectors = tmp_path / "vectors.npz"
    np.savez(vectors, docs=np.random.default_rng(0).standard_normal((41, 100, 24)).astype(np.float16))
    sizes = ("--documents", "150", "200", "--dim", "16", "--queries", "2", "--folder", str(tmp_path))
    lines, _, _ = run("search_approximate.py", "--vectors", str(vectors), *sizes)
    figures = answer(lines)
    assert figures.keys() >= {"S2_recall", "E1_p50_ms", "E1_p99_ms", "G1_exact", "G1_approximate", "commit"}
    assert figures["S2_recall"] > 0.5
    assert "fast-plaid: left out, no --fast-plaid is given" in lines
    lines, _, _ = run(
        "search_approximate.py", "--vectors", str(vectors), *sizes, "--fast-plaid", sys.executable
    )
    assert any(
        "fast-plaid: left out, it ended with 1: " in line for line in lines
    )  # it is not installed there


def test_growth_of_an_index(run, tmp_path):
    sizes = (
        "--documents",
        "120",
        "--added",
        "3",
        "--cycled",
        "40",
        "--repeats",
        "2",
        "--folder",
        str(tmp_path),
    )
    lines, _, _ = run("search_growth.py", *sizes)
    figures = answer(lines)
    assert figures.keys() >= {"A1_add_ratio", "A1_add_ratio_opened", "commit"}
    assert figures["A1_disk_after_ten_cycles"] == pytest.approx(1, abs=0.02)


def test_maxsim_within_a_batch(run):
    lines, _, _ = run("maxsim_training.py", "--batch", "3", "--tokens", "4", "--repeats", "1")
    assert {"foreign_ratio", "both_ratio", "commit"} <= answer(lines).keys()


def test_a_wrong_answer_is_not_timed(run, monkeypatch):
    """A solver whose costs are off."""
    import opticlir.transport
    from opticlir.transport import sinkhorn

    def wrong(cost, *others, **settings):
        return sinkhorn(cost + torch.rand_like(cost), *others, **settings)

    monkeypatch.setattr(opticlir.transport, "sinkhorn", wrong)
    with pytest.raises(RuntimeError, match="not so: our plan is within 1e-6 of float64"):
        run("transport_cpu.py", "--problems", "6", "--repeats", "1")
