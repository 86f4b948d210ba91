"""The image: what can be checked without Docker, and its build where Docker runs."""

import fnmatch
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from command_line import opticlir  # noqa: F401 - a fixture

ROOT = Path(__file__).parents[1]
STEPS = [
    re.split(r"\s+", step, maxsplit=1)
    for step in re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text()).splitlines()
    if step and not step.startswith("#")
]


def values(instruction):
    return [rest for name, rest in STEPS if name == instruction]


def last_stage():
    return STEPS[max(place for place, (name, _) in enumerate(STEPS) if name == "FROM") :]


def test_it_runs_without_root_and_without_a_connection():
    names = [name for name, _ in last_stage()]
    (user,) = [rest for name, rest in last_stage() if name == "USER"]
    assert int(user) > 0
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert "HF_HUB_OFFLINE=1" in " ".join(values("ENV"))
    assert not [rest for name, rest in last_stage() if name == "RUN" and "pip" in rest]


def test_it_copies_what_is_there_and_nothing_else_goes_to_the_builder():
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    sources = [each for step in values("COPY") if "--from" not in step for each in step.split()[:-1]]
    assert sorted(sources) == sorted(kept)
    assert all((ROOT / source).exists() for source in sources)
    assert "*" in (ROOT / ".dockerignore").read_text().splitlines()
    built_from = re.findall(
        r'"([^"]+)"', re.search(r"sdist\]\ninclude = (.*)", (ROOT / "pyproject.toml").read_text())[1]
    )
    assert {"src", "README.md", "LICENSE"} <= set(built_from)


def test_its_extras_are_those_of_the_package():
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (asked,) = re.findall(r'"\.\[(.*)\]"', (ROOT / "Dockerfile").read_text())
    assert set(asked.split(",")) <= set(extras)


def test_its_command_is_one_of_ours_and_the_address_needs_a_token(opticlir, tmp_path, monkeypatch):  # noqa: F811
    (entry,), (command,) = (map(json.loads, values(name)) for name in ("ENTRYPOINT", "CMD"))
    assert entry == ["opticlir"]
    assert command[:2] == ["serve", "index"]
    assert "--token-file" in command
    monkeypatch.chdir(tmp_path)
    (tmp_path / "index").mkdir()
    (tmp_path / "tokens").write_text("read x\n")
    assert "'model' is neither a folder" in opticlir(*command).error, "all arguments are understood"


@pytest.mark.slow
def test_the_image_is_built_and_runs_without_a_connection():
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "info"], capture_output=True, check=False).returncode:
        pytest.skip("no Docker runs here")
    subprocess.run([docker, "build", "--tag", "opticlir-test", ROOT], check=True)
    ran = [
        docker,
        "run",
        "--rm",
        "--network",
        "none",
        "--read-only",
        "--tmpfs",
        "/tmp",
        "opticlir-test",
        "--version",
    ]
    assert fnmatch.fnmatch(
        subprocess.run(ran, capture_output=True, text=True, check=True).stdout, "opticlir *"
    )
