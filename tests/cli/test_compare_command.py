import contextlib
import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from opticlir.cli.compare import compare as command
from opticlir.errors import DataError

SOURCE = Path(__file__).parents[2] / "src"

QRELS = "".join(f"q{number} 0 right{number} 1\n" for number in range(8))


def run_text(ranks, queries=range(8)):
    return "".join(
        f"q{number} Q0 {'right' + str(number) if rank == ranks[number] else 'wrong' + str(rank)} {rank} {-rank} t\n"
        for number in queries
        for rank in (1, 2, 3)
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = {
        "qrels.txt": QRELS,
        "other.qrels": QRELS.replace("right", "elsewhere"),
        "bm25.run": run_text([2] * 8),
        "optical.run": run_text([1] * 7 + [3]),
        "mse.run": run_text([3] * 8),
        "short.run": run_text([1] * 8, range(6)),
        "nan.run": "q0 Q0 right0 1 nan t\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "bm25.run").write_text(files["mse.run"])
    return tmp_path


def compare(*words, qrels="qrels.txt"):
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, [*words, "--qrels", qrels])


def test_json_from_files(folder):
    result = compare("bm25.run", "optical.run", "mse.run", "--measure", "RR", "--measure", "R@1", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["baseline"] == "bm25"
    assert (found["queries"], found["draws"], found["seed"], found["family_size"]) == (8, 10_000, 0, 4)
    optical = next(row for row in found["runs"] if (row["run"], row["measure"]) == ("optical", "RR"))
    assert optical["mean"] == pytest.approx((7 + 1 / 3) / 8)
    assert optical["mean_difference"] == pytest.approx((7 * 0.5 - 1 / 6) / 8)
    assert (optical["wins"], optical["losses"], optical["ties"]) == (7, 1, 0)
    # 8 differences, 7 of 1/2 and one of -1/6: as extreme are the patterns that differ in the small one
    assert optical["p_value"] == 4 / 2**8
    again = compare("bm25.run", "optical.run", "mse.run", "--measure", "RR", "--measure", "R@1", "--json")
    assert again.stdout == result.stdout


def test_the_table_fits_and_files_are_written(folder):
    result = compare("bm25.run", "optical.run", "--measure", "RR", "--markdown", "t.md", "--latex", "t.tex")
    assert result.exit_code == 0, result.output
    for cell in ("optical", "0.917", "+0.417*", "+83.3%", "0.0156", "7/1/0"):
        assert cell in result.stdout
        assert cell.replace("*", r"\*") in (folder / "t.md").read_text()
        assert cell.replace("%", r"\%") in (folder / "t.tex").read_text()
    assert "Holm-corrected over 1 tests" in result.stdout


LONG = "a-system-with-a-name-that-says-all-of-its-many-settings-and-the-seed-17"


def in_a_terminal(command, columns):
    """What a command writes in a terminal of this width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    done = subprocess.Popen(
        [sys.executable, "-m", "opticlir", *command],
        env={**environment, "PYTHONPATH": str(SOURCE)},
        stdout=theirs,
    )
    os.close(theirs)
    written = b""
    with contextlib.suppress(OSError):  # Linux ends a terminal that is closed on the other side by an error
        while part := os.read(ours, 4096):
            written += part
    assert done.wait() == 0
    os.close(ours)
    return written.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [80, 60])
def test_no_name_and_no_figure_is_broken_in_a_narrow_terminal(folder, columns):
    (folder / f"{LONG}.run").write_text((folder / "optical.run").read_text())
    words = ("compare", "bm25.run", f"{LONG}.run", "--qrels", "qrels.txt", "--measure", "RR", "--draws", "50")
    lines = in_a_terminal(words, columns).splitlines()
    assert f"[2] {LONG}" in lines
    (row,) = [line for line in lines if line.startswith("[2] ") and LONG not in line]
    assert {"0.917", "+83.3%", "7/1/0"} <= set(row.split())
    assert len(row) <= columns or columns < 70


def test_names_stay_in_the_table_of_a_file(folder, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    (folder / f"{LONG}.run").write_text((folder / "optical.run").read_text())
    said = compare("bm25.run", f"{LONG}.run", "--measure", "RR", "--draws", "50").stdout
    assert any(line.startswith(f"{LONG}  ") and line.endswith("7/1/0") for line in said.splitlines())


def test_the_own_documents_of_queries_are_named_and_left_out_on_request(folder):
    (folder / "own.run").write_text(
        "".join(f"q{at} Q0 q{at} 1 9 x\nq{at} Q0 right{at} 2 8 x\n" for at in range(8))
    )
    words = ("own.run", "bm25.run", "--measure", "RR", "--draws", "50", "--json")
    plain, without = compare(*words), compare(*words, "--without-own")
    assert (
        "note: own: 8 queries have the id of a document that they rank: this document counts" in plain.stderr
    )
    assert "this document is left out" in without.stderr
    means = [json.loads(each.stdout)["runs"][0]["mean"] for each in (plain, without)]
    assert means == [0.5, 1.0]


def test_ties_are_named(folder):
    (folder / "tied.run").write_text(
        "".join(f"q{at} Q0 {doc}{at} 1 1 x\n" for at in range(8) for doc in ("a", "right"))
    )
    result = compare("bm25.run", "tied.run", "--measure", "recip_rank", "--draws", "50")
    assert "note: tied: 8 queries have ties" in result.stderr
    assert "recip_rank" in result.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("optical.run", "mse.run", "--baseline", "mse.run"),
        ("optical.run", "--baseline", "mse.run"),
    ],
)
def test_the_baseline_is_one_of_the_runs_or_joins_them(folder, words):
    found = json.loads(compare(*words, "--measure", "AP", "--draws", "20", "--json").stdout)
    assert found["baseline"] == "mse"
    assert [row["run"] for row in found["runs"]] == ["mse", "optical"]


def test_runs_of_one_name_are_told_apart(folder):
    found = json.loads(compare("bm25.run", "again/bm25.run", "--draws", "20", "--json").stdout)
    assert {row["run"] for row in found["runs"]} == {"bm25.run", "again/bm25.run"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("bm25.run", "optical.run", "bm25.run"), "run bm25.run is given twice"),
        (("bm25.run", "bm25.run", "--baseline", "./bm25.run"), "run bm25.run is given twice"),
        (("bm25.run", "mse.run", "again/../mse.run"), "mse.run is given twice"),
        (("bm25.run",), "needs two runs"),
        (("bm25.run", "--baseline", "bm25.run"), "needs two runs"),
        (("bm25.run", "mse.run", "--measure", "nDGC@10"), "did you mean 'nDCG@10'"),
        (("bm25.run", "mse.run", "--draws", "0"), "--draws"),
        (("bm25.run", "gone.run"), "gone.run"),
    ],
)
def test_wrong_usage_exits_with_2(folder, words, message):
    result = compare(*words)
    assert result.exit_code == 2
    assert message in " ".join(result.output.replace("│", " ").split())


@pytest.mark.parametrize(
    ("words", "qrels", "message"),
    [
        (("bm25.run", "short.run"), "qrels.txt", "run short leaves out 2 of 8 judged queries"),
        (("bm25.run", "mse.run"), "other.qrels", "run bm25 ranks no document that the qrels judge"),
        (("bm25.run", "nan.run"), "qrels.txt", "nan.run:1: expected a finite number as the score"),
    ],
)
def test_files_that_do_not_fit_are_refused(folder, words, qrels, message):
    result = compare(*words, "--markdown", "t.md", qrels=qrels)
    assert isinstance(result.exception, DataError)
    assert message in str(result.exception)
    assert result.stdout == ""
    assert not (folder / "t.md").exists()


def test_a_refused_comparison_exits_with_1(folder):
    result = subprocess.run(
        [sys.executable, "-m", "opticlir", "compare", "bm25.run", "short.run", "--qrels", "qrels.txt"],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error: run short leaves out 2 of 8 judged queries, such as 'q6'")
