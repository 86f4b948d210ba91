"""What every command owes: help at once and with an example, exit code 2 for words it does not know."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from opticlir.__main__ import app
from opticlir.lab.cli.app import lab


def names(group):
    return sorted(
        command.name or command.callback.__name__.replace("_", "-") for command in group.registered_commands
    )


COMMANDS = [[name] for name in names(app)] + [["lab", name] for name in names(lab)]
MOVED = sorted(set(names(lab)) - set(names(app)))

HELP = """
import json, sys
from typer.testing import CliRunner
from opticlir.__main__ import app
said = {name: CliRunner().invoke(app, [*name.split(), "--help"]) for name in sys.argv[1:]}
heavy = [name for name in ("torch", "transformers", "sentence_transformers", "numba", "numpy", "matplotlib")
         if name in sys.modules]
print(json.dumps({"heavy": heavy, "help": {name: [r.exit_code, r.stdout] for name, r in said.items()}}))
"""


def test_help_of_every_command_has_an_example_and_loads_nothing_heavy():
    source = Path(__file__).parents[2] / "src"
    done = subprocess.run(
        [sys.executable, "-c", HELP, *map(" ".join, COMMANDS)],
        env={**os.environ, "PYTHONPATH": str(source), "COLUMNS": "200"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = json.loads(done.stdout)
    assert said["heavy"] == []
    assert len(said["help"]) >= 18
    for name, (code, text) in said["help"].items():
        assert code == 0
        assert f"Example: opticlir {name}" in " ".join(text.split())
        assert "--json" in text or name in {"serve", "mcp"}  # these run until they are stopped


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_an_unknown_option_is_wrong_usage(opticlir, command):
    assert "No such option: --nonsense" in opticlir(*command, "--nonsense").usage


def test_the_laboratory_has_all_research_commands():
    assert set(names(lab)) == {
        "benchmark", "geometry", "mine", "published-gap", "robustness", "search-structured", "study",
        "train", "train-translator", "translate", "word-alignment",
    }  # fmt: skip


@pytest.mark.parametrize("name", MOVED)
def test_an_old_command_name_answers_with_the_new_one(opticlir, name):
    said = opticlir(name, "x", "--out", "y").usage
    assert f"`opticlir {name}` is now `opticlir lab {name}`: the options are the same" in said


def test_old_command_names_are_not_in_the_help(opticlir):
    shown = opticlir("--help").stdout
    assert not [name for name in MOVED if f" {name} " in shown]


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        (["train"], "--bitext"),
        (["train", "--bitext", "a.tsv", "--language", "swa"], "--out"),
        (["benchmark"], "FOLDER"),
        (["benchmark", "tests", "--model", "m"], "--language"),
        (["lab", "benchmark"], "NAME"),
        (["add", "tests"], "CORPUS"),
        (["delete", "tests"], "ID"),
        (["verify"], "INDEX"),
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


def test_commands_are_grouped_in_the_help(opticlir):
    shown = opticlir("--help").stdout
    places = [
        shown.index(f" {panel} ") for panel in ("Train and search", "Measure", "Maintain", "Laboratory")
    ]
    assert places == sorted(places)
    assert places[0] < shown.index(" search ") < places[1] < shown.index(" benchmark ") < places[2]
    assert places[2] < shown.index(" verify ") < places[3] < shown.index(" lab ")
