"""The Typer application and the options that several commands share."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

import opticlir
from opticlir.cli.libraries import quieten
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
WithoutOwn = Annotated[
    bool,
    typer.Option(
        "--without-own", help="Leave out the document that has the id of the query, as BEIR does for ArguAna."
    ),
]
Lenient = Annotated[
    bool, typer.Option("--lenient", help="Skip, count and report malformed records instead of stopping.")
]
TableColumns = Annotated[
    str | None,
    typer.Option(
        "--columns",
        help="Columns of a table, by number or heading: english=2,foreign=4,score=5. For all tables given.",
        show_default="none",
    ),
]
MinScore = Annotated[
    float | None,
    typer.Option(help="Leave out pairs with a lower score; each pair must have one.", show_default="none"),
]
Device = Annotated[
    str, typer.Option(help="Where the model computes: auto, cpu, cuda (or cuda:1) or mps.", show_default=True)
]
Window = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Tokens of a passage. A longer document becomes several passages, and scores as its best one.",
        show_default="as many as the model reads",
    ),
]
Stride = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Tokens from the start of a passage to the start of the next; 0 keeps only the first passage.",
        show_default="half the window",
    ),
]
Centre = Annotated[
    bool,
    typer.Option(
        "--centre",
        help="Take the mean document token out of all vectors; for encoders without training for MaxSim.",
    ),
]


Translator = Annotated[
    list[str] | None,
    typer.Option(
        "--translator",
        help="Machine translator of a language: spa=apertium:spa-eng, swa=word-table:BITEXT, swa=dictionary:FILE, "
        "or hau=FOLDER of a translation model. Repeat it per language.",
    ),
]


class NumberFormat(StrEnum):
    """How each weight of a model is held in memory."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


WeightsDtype = Annotated[
    NumberFormat, typer.Option(help="Number format of the model's weights; auto is that of its files.")
]
IndexFolder = Annotated[Path, typer.Argument(exists=True, file_okay=False, help="The index folder.")]
InputFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]


def print_json(result: Any) -> None:
    """Write one JSON object, and nothing else, to stdout.

    Characters that control a terminal, or that stdout cannot encode, are escaped.
    """
    from opticlir.visible import is_unsafe

    is_unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    text = json.dumps(result, ensure_ascii=not is_unicode, allow_nan=False)
    typer.echo("".join(f"\\u{ord(char):04x}" if is_unsafe(char) else char for char in text))


def say(text: str, *, err: bool = False) -> None:
    """Write one line, with everything in it that controls a terminal or breaks the line made visible."""
    from opticlir.visible import visible

    typer.echo(visible(text), err=err)


def _print_version(wanted: bool) -> bool:
    if wanted:
        typer.echo(f"opticlir {opticlir.__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def _options(
    version: Annotated[  # noqa: ARG001 - its callback prints it
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop."),
    ] = False,
) -> None:
    """Search English documents in any language, from translated sentences alone."""
    quieten()
