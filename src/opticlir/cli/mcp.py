"""`opticlir mcp`: search as tools of a language model."""

from typing import Annotated

import typer

from opticlir.cli.app import TRAIN_AND_SEARCH, Device, IndexFolder, app


@app.command(rich_help_panel=TRAIN_AND_SEARCH)
def mcp(
    index: IndexFolder,
    model: Annotated[
        list[str],
        typer.Option(help="Model folder whose query route reads questions; repeat it per language."),
    ],
    device: Device = "auto",
) -> None:
    """Let a language model search INDEX: a server of the Model Context Protocol on stdin and stdout.

    Its tools are `search`, `explain` and `get_document`. They read, and change nothing.

    Example: opticlir mcp index/ --model model/
    """
    from opticlir.cli.libraries import quieten

    quieten()
    from opticlir.device import share_processors
    from opticlir.errors import SetupError
    from opticlir.service.engine import SearchEngine

    try:
        from opticlir.service.tools import mcp_server
    except ModuleNotFoundError as error:
        raise SetupError(f"{error.name} is not installed: pip install 'opticlir[mcp]'") from None
    share_processors()
    mcp_server(SearchEngine.open(index, model, device=device)).run()
