"""The Typer application and the options that several commands share."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

import opticlir
from opticlir.cli.moved import MovedCommands

app = typer.Typer(
    name="opticlir",
    cls=MovedCommands,
    help="Search English documents in any language, from translated sentences alone.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

TRAIN_AND_SEARCH, MEASURE, MAINTAIN = "Train and search", "Measure", "Maintain"
"""Headings of the commands in `opticlir --help`."""

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout instead of a table.")]
Lenient = Annotated[
    bool, typer.Option("--lenient", help="Skip, count and report malformed records instead of stopping.")
]
Device = Annotated[
    str, typer.Option(help="Where the model computes: auto, cpu, cuda (or cuda:1) or mps.", show_default=True)
]
IndexFolder = Annotated[Path, typer.Argument(exists=True, file_okay=False, help="The index folder.")]
InputFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]


def print_json(result: Any) -> None:
    """Write one JSON object, and nothing else, to stdout. Characters that control a terminal are escaped."""
    from opticlir.data.visible import is_unsafe

    text = json.dumps(result, ensure_ascii=False, allow_nan=False)
    typer.echo("".join(f"\\u{ord(char):04x}" if is_unsafe(char) else char for char in text))


def _print_version(wanted: bool) -> bool:
    if wanted:
        typer.echo(f"opticlir {opticlir.__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop."),
    ] = False,
) -> None:
    """Search English documents in any language, from translated sentences alone."""
