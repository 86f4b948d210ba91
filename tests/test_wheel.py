"""The wheel that a user installs: built, installed into an empty environment, and complete."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from opticlir import __version__

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "opticlir"
NOT_PYTHON = sorted(
    str(path.relative_to(SOURCE))
    for path in SOURCE.rglob("*")
    if path.is_file() and path.suffix not in {".py", ".pyc"} and "__pycache__" not in path.parts
)


def run(*words, cwd=None):
    settings = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [*map(str, words)], cwd=cwd, env=settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
        "--wheel-dir", folder, ROOT)  # fmt: skip
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """An empty environment with the wheel; the dependencies are those that are installed here."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / "bin" / "python"
    run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        wheel,
    )
    (packages,) = folder.glob("lib/python*/site-packages")
    # a plain path: the .pth files in there, our own editable install among them, are not read
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return folder


def test_the_wheel_holds_every_data_file_and_nothing_but_the_package(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {"sample/corpus.jsonl", "py.typed"} <= set(NOT_PYTHON), "the list itself is right"
    assert {f"opticlir/{name}" for name in NOT_PYTHON} <= set(names)
    assert {name.split("/")[0] for name in names} == {"opticlir", f"opticlir-{__version__}.dist-info"}


def test_an_installed_wheel_works_away_from_the_source(environment, tmp_path):
    program = environment / "bin" / "opticlir"
    assert run(program, "--version", cwd=tmp_path) == f"opticlir {__version__}\n"
    assert "--languages" in run(program, "demo", "--help", cwd=tmp_path)
    where = run(
        environment / "bin" / "python", "-c", "import opticlir; print(opticlir.__file__)", cwd=tmp_path
    )
    assert Path(where.strip()).is_relative_to(environment)


def test_an_installed_wheel_reads_its_sample(environment, tmp_path):
    code = """
from opticlir.data import read_beir, read_bitext
from opticlir.sample import bitext_path, sample_folder
task = read_beir(sample_folder(), "swa", "test")
print(len(task.documents), len(task.queries), len(list(read_bitext(bitext_path("swa"), language="swa"))) > 500)
"""
    assert run(environment / "bin" / "python", "-c", code, cwd=tmp_path) == "120 60 True\n"
