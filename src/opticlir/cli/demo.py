"""`opticlir demo`: all steps once, on the sample in the package."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opticlir.cli.app import TRAIN_AND_SEARCH, AsJson, Device, app, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from opticlir.demo import DemoConfig, DemoResult, WorkedSearch


@app.command(rich_help_panel=TRAIN_AND_SEARCH)
def demo(
    out: Annotated[Path, typer.Option(help="Folder for models, index and report.html.")] = Path("demo-run"),
    minutes: Annotated[
        float | None,
        typer.Option(min=0.01, help="Training time for all languages together. Default: 4 epochs each."),
    ] = None,
    languages: Annotated[
        str, typer.Option(help="One or more of swa, hau and spa, separated by commas.")
    ] = "swa,hau,spa",
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the training; the same seed gives the same weights.")
    ] = 0,
    device: Device = "auto",
    serve: Annotated[
        bool, typer.Option("--serve", help="Then open the search page on this machine, until Ctrl-C.")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of --serve; 0 takes a free one.")] = 8080,
    as_json: AsJson = False,
) -> None:
    """Train, index, search and measure on the sample in the package, and write OUT/report.html.

    Interrupted? Run the same command to resume. Finished trainings are reused.

    Example: opticlir demo --languages swa --minutes 1
    """
    from opticlir.cli.libraries import require_service
    from opticlir.cli.progress import progress_bars
    from opticlir.demo import DemoConfig, demo_report, run_demo
    from opticlir.languages import language_code
    from opticlir.storage import write_text_atomically

    if serve:
        require_service()
    codes = dict.fromkeys(language_code(code) for code in languages.split(",") if code.strip())
    try:
        config = DemoConfig(languages=tuple(codes), minutes=minutes, seed=seed, device=device)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    with progress_bars() as bars:
        result = run_demo(config, out, on_event=bars.training)
    page = out / "report.html"
    write_text_atomically(page, demo_report(result))
    if as_json:
        rows = [{"language": row.language, "system": row.system, **row.measures} for row in result.headline]
        print_json({"rows": rows})
    else:
        _print(result)
    typer.echo(f"report: {page}", err=as_json)
    if serve:
        _serve(config, out, port)


def _serve(config: "DemoConfig", out: Path, port: int) -> None:
    from opticlir.demo.serving import demo_engine, demo_examples
    from opticlir.service.server import serve
    from opticlir.service.settings import ServiceSettings

    settings = ServiceSettings(port=port, examples=demo_examples(config))
    serve(demo_engine(config, out), settings, lambda address: typer.echo(f"page: {address}"))


def _print(result: "DemoResult") -> None:
    from rich.console import Console
    from rich.table import Table

    from opticlir.demo import MEASURES_NOTE, RANKINGS_NOTE

    names = list(result.rows[0].measures)
    table = Table("language", "system", "ranking", box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, justify="right")
    for row in result.rows:
        table.add_row(
            row.language, row.system, row.ranking, *(f"{row.measures[name]:.3f}" for name in names),
            style="bold" if (row.system, row.ranking) == ("opticlir", "hybrid") else "",
        )  # fmt: skip
    console = Console(highlight=False)
    console.print(table)
    for paragraph in ("\n".join(result.comparisons()), RANKINGS_NOTE, MEASURES_NOTE):
        console.print(f"\n{paragraph}", markup=False)
    for search in result.searches:
        _print_search(console, search)


def _print_search(console: "Console", search: "WorkedSearch") -> None:
    from opticlir.pictures import alignment_lines, visible

    console.print(f"\n{visible(search.question)} ({search.language})", style="bold", markup=False)
    console.print(visible(search.english), style="italic", markup=False)
    for rank, hit in enumerate(search.hits, start=1):
        console.print(f"{rank:>3}  {visible(hit.title)} ({hit.verdict})", markup=False)
    console.print()
    console.print(alignment_lines(search.alignment, width=console.width))
