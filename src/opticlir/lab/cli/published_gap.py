"""`opticlir lab published-gap`: what published results of ladders of models say about the gap between languages."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from opticlir.cli.app import AsJson, print_json, say
from opticlir.lab.cli.app import lab


@lab.command("published-gap")
def published_gap(
    folder: Annotated[
        Path,
        typer.Argument(
            file_okay=False, exists=True, help="Folder with results.tsv (or results.tsv.gz) and models.tsv."
        ),
    ],
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder for the report.")],
    draws: Annotated[int, typer.Option(min=100, help="Bootstrap draws over languages.")] = 10_000,
    as_json: AsJson = False,
) -> None:
    """Question 2 from published results: does size narrow the gap between languages with much and with little text?

    `results.tsv` has the columns task, model, subset (`eng_Latn-hau_Latn`), measure, value. `models.tsv` begins with
    model and parameters. Models whose names differ only in a size are a ladder. The report has the gap of each model,
    and the slope of the gap over the logarithm of the parameters within each ladder.

    Example: opticlir lab published-gap published --out runs/q2-published
    """
    from opticlir.lab.published.report import published_gaps, write_gap_report
    from opticlir.pictures import require_matplotlib

    require_matplotlib()
    found = published_gaps(folder, draws=draws)
    files = write_gap_report(found, out)
    if as_json:
        print_json([asdict(each) for each in found])
        return
    for task in found:
        for ladder in task.ladders:
            slope = ladder.slope
            typer.echo(
                f"{task.task}  {ladder.ladder}  {slope.value:+.3f} [{slope.low:+.3f}, {slope.high:+.3f}] "
                "per tenfold size"
            )
    say(f"{files[0]}: report written")
