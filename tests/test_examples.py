"""The examples run as they are: the lines of the README, and the notebooks."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))
FINDS = {
    "01-from-pairs-to-answers": ["Making water safe with fire", "water-boiling", "image/png"],
    "02-compare-systems": ["nDCG@10", "<bdi>default without bm25</bdi>", "Holm-corrected"],
}


def test_the_readme_shows_the_example_that_is_tested():
    (lines,) = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    _, _, code = (EXAMPLES / "ten_lines.py").read_text("utf-8").partition('"""\n\n')
    assert lines == code
    assert len([line for line in lines.splitlines() if line]) <= 10


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(notebook):
    """All that the cells of a notebook print and show."""
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    return "\n".join(str(output.get("data", output.get("text", ""))) for output in outputs)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_what_it_shows_here(path, tmp_path):
    nbformat = pytest.importorskip("nbformat", reason="notebooks need nbclient")
    stored = nbformat.read(str(path), as_version=4)
    assert sum(len(cell.source.split("\n")) for cell in code_cells(stored)) <= 25
    done = subprocess.run(
        [sys.executable, EXAMPLES / "execute.py", path, "--out", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    executed = nbformat.read(str(tmp_path / path.name), as_version=4)
    for expected in FINDS[path.stem]:
        assert expected in shown(executed)
        assert expected in shown(stored), "run `make notebooks`"
    assert all(cell.execution_count for cell in code_cells(stored)), "run `make notebooks`"
