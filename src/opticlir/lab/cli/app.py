"""The Typer application of the laboratory."""

import typer

lab = typer.Typer(
    name="lab",
    help="Research: studies, rival systems, named test collections and probes.",
    no_args_is_help=True,
)
