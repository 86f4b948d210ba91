"""What every command owes: help at once and with an example, exit code 2 for words it does not know."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from opticlir.cli import app

COMMANDS = sorted(
    command.name or command.callback.__name__.replace("_", "-") for command in app.registered_commands
)

HELP = """
import json, sys
from typer.testing import CliRunner
from opticlir.cli import app
said = {name: CliRunner().invoke(app, [name, "--help"]) for name in sys.argv[1:]}
heavy = [name for name in ("torch", "transformers", "sentence_transformers", "numba", "numpy", "matplotlib")
         if name in sys.modules]
print(json.dumps({"heavy": heavy, "help": {name: [r.exit_code, r.stdout] for name, r in said.items()}}))
"""


def test_help_of_every_command_has_an_example_and_loads_nothing_heavy():
    source = Path(__file__).parents[2] / "src"
    done = subprocess.run(
        [sys.executable, "-c", HELP, *COMMANDS],
        env={**os.environ, "PYTHONPATH": str(source), "COLUMNS": "200"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = json.loads(done.stdout)
    assert said["heavy"] == []
    assert len(said["help"]) >= 9
    for name, (code, text) in said["help"].items():
        assert code == 0
        assert f"Example: opticlir {name}" in text
        assert "--json" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_option_is_wrong_usage(opticlir, command):
    assert "No such option: --nonsense" in opticlir(command, "--nonsense").usage


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        (["train"], "--bitext"),
        (["train", "--bitext", "a.tsv", "--language", "swa"], "--out"),
        (["benchmark"], "NAME"),
        (["benchmark", "xquad", "--data", "x", "--model", "m"], "--language"),
        (["align", "maji", "water"], "--model"),
        (["index"], "CORPUS"),
        (["search"], "INDEX"),
        (["evaluate"], "RUN"),
        (["audit"], "BITEXT"),
    ],
)
def test_what_is_left_out_is_named(opticlir, words, missing):
    assert missing.casefold() in opticlir(*words).usage.casefold()


def test_an_unknown_command_is_wrong_usage(opticlir):
    assert "No such command 'trian'" in opticlir("trian").usage
