"""What the top level answers to a command that moved into a group below it."""

import pytest
import typer
from typer.testing import CliRunner

from opticlir.cli.moved import MovedCommands

app = typer.Typer(cls=MovedCommands)
below = typer.Typer(name="lab")


@app.command()
def benchmark(folder: str, model: str = "") -> None:
    typer.echo(f"measured {folder}")


@below.command("benchmark")
def named(name: str, model: str = "", data: str = "") -> None:
    typer.echo(f"measured {name}")


@below.command()
def study(file: str) -> None:
    typer.echo(file)


app.add_typer(below)


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (["study", "a.toml"], "`opticlir study` is now `opticlir lab study`: the options are the same"),
        (["benchmark", "xquad", "--data", "x"], "`opticlir benchmark` is now `opticlir lab benchmark`"),
        (["benchmark", "xquad", "--data=x"], "`opticlir benchmark` is now `opticlir lab benchmark`"),
        (["benchmark", "xquad", "--modle", "x"], "No such option"),
        (["stduy"], "No such command"),
    ],
)
def test_wrong_usage_says_where_the_command_is(words, where):
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert where in " ".join(done.output.replace("│", " ").split())


def test_a_command_that_kept_its_name_answers():
    assert CliRunner().invoke(app, ["benchmark", "folder", "--model", "m"]).stdout == "measured folder\n"
