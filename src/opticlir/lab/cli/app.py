"""The Typer application of the laboratory."""

from pathlib import Path
from typing import Annotated

import typer

CollectionName = Annotated[str, typer.Argument(help="Test collection, as for `opticlir lab benchmark`.")]
CollectionFolder = Annotated[Path | None, typer.Option(help="Folder with the files of the collection.")]
Split = Annotated[str, typer.Option(help="Which queries: dev, test, train.")]
QueryLanguage = Annotated[str, typer.Option(help="Language of the queries, any code.")]
ForeignLanguage = Annotated[str, typer.Option(help="Language of the foreign side, any code.")]
_BITEXT = typer.Option(help="Sentence pairs to learn from, FILE or FILE:WEIGHT; repeat for more.")
Bitext = Annotated[list[str], _BITEXT]
OptionalBitext = Annotated[list[str] | None, _BITEXT]

lab = typer.Typer(
    name="lab",
    help="Research: studies, rival systems, named test collections and probes.",
    no_args_is_help=True,
)
