"""`opticlir serve`: questions in many languages over HTTP."""

from pathlib import Path
from typing import Annotated

import typer

from opticlir.cli.app import TRAIN_AND_SEARCH, Device, IndexFolder, Translator, app


@app.command(rich_help_panel=TRAIN_AND_SEARCH)
def serve(
    index: IndexFolder,
    model: Annotated[
        list[str],
        typer.Option(help="Model folder whose query route reads questions; repeat it per language."),
    ],
    translator: Translator = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 8080,
    token_file: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Who may do what: lines `read TOKEN` or `write TOKEN`. A public address needs it.",
        ),
    ] = None,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(help="Another Host name that is answered, such as search.example.org; may be repeated."),
    ] = None,
    deadline: Annotated[float, typer.Option(help="Seconds after which an answer is given up.")] = 10.0,
    queue: Annotated[int, typer.Option(help="Requests in work at a time; more are answered with 503.")] = 64,
    connections: Annotated[int, typer.Option(help="Open connections; more are turned away.")] = 512,
    client_timeout: Annotated[
        float, typer.Option(help="Seconds a client has to send its request, and to read the answer.")
    ] = 10.0,
    watch: Annotated[float, typer.Option(help="Seconds between two looks for a new version of INDEX.")] = 1.0,
    log_queries: Annotated[bool, typer.Option("--log-queries", help="Write questions into the log.")] = False,
    device: Device = "auto",
) -> None:
    """Answer questions over HTTP, from INDEX, in the languages of the models.

    It runs until Ctrl-C or SIGTERM, and searches each new version of INDEX as soon as it is published. With a
    translator, the page shows the translation of each question in that language.

    Example: opticlir serve index/ --model model/
    """  # fmt: skip
    from opticlir.cli.libraries import quieten, require_service

    require_service()
    from opticlir.service.settings import ServiceSettings

    settings = ServiceSettings(
        host=host, port=port, token_file=token_file, allowed_hosts=tuple(allowed_host or ()),
        deadline=deadline, queue=queue, connections=connections, client_timeout=client_timeout, watch=watch,
        log_queries=log_queries,
    )  # fmt: skip
    quieten()
    from opticlir.service.engine import SearchEngine
    from opticlir.service.server import serve

    engine = SearchEngine.open(index, model, translators=translator or (), device=device)
    names = ", ".join(each.name for each in engine.languages)
    serve(
        engine, settings,
        lambda address: typer.echo(f"{address}: {len(engine):,} documents; questions in {names}"),
    )  # fmt: skip
