"""`opticlir compare`: differences between runs, and their significance."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opticlir.cli.app import MEASURE, AsJson, app, print_json

if TYPE_CHECKING:
    from opticlir.evaluation import RunComparison


@app.command(rich_help_panel=MEASURE)
def compare(
    run: Annotated[
        list[Path],
        typer.Argument(exists=True, dir_okay=False, readable=True, help="TREC runs over the same queries."),
    ],
    qrels: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, readable=True, help="Judgements, TREC or BEIR.")
    ],
    baseline: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            readable=True,
            help="The run that the others are compared with. [default: the first RUN]",
        ),
    ] = None,
    measure: Annotated[
        list[str] | None,
        typer.Option(help="A measure by its ir-measures name; repeatable. [default: AP nDCG@10 R@100 RR@10]"),
    ] = None,
    draws: Annotated[
        int, typer.Option(min=1, help="Draws of the randomisation test and of the bootstrap.")
    ] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 0,
    missing_as_zero: Annotated[
        bool,
        typer.Option("--missing-as-zero", help="Count a judged query that is missing in a run as 0."),
    ] = False,
    markdown: Annotated[Path | None, typer.Option(help="Write the tables to this Markdown file.")] = None,
    latex: Annotated[Path | None, typer.Option(help="Write the table to this LaTeX file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare each RUN with a baseline: mean, difference with its 95 % interval, Holm-corrected p.

    Example: opticlir compare bm25.run optical.run --qrels qrels.txt --measure AP --markdown table.md
    """
    from opticlir.data import read_qrels, read_run, run_with_judged_numbers
    from opticlir.evaluation import (
        DEFAULT_MEASURES,
        check_measures,
        compare_runs,
        comparison_json,
        latex_table,
        markdown_table,
    )
    from opticlir.storage import write_text_atomically

    measures = measure or list(DEFAULT_MEASURES)
    try:
        check_measures(measures)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    names = _names(run, baseline)
    judgements = read_qrels(qrels)
    result = compare_runs(
        {name: run_with_judged_numbers(read_run(path), judgements) for name, path in names.items()},
        judgements,
        measures,
        draws=draws,
        seed=seed,
        missing_as_zero=missing_as_zero,
    )
    if markdown:
        write_text_atomically(markdown, markdown_table(result))
    if latex:
        write_text_atomically(latex, latex_table(result))
    if as_json:
        print_json(comparison_json(result))
    else:
        _print(result)


def _names(runs: list[Path], baseline: Path | None) -> dict[str, Path]:
    """Runs by name, the baseline first. The name is the file name without suffix, or the path if names clash."""
    paths = [path for path in runs if baseline is None or not path.samefile(baseline)]
    if baseline is not None:
        if len(paths) < len(runs) - 1:
            raise typer.BadParameter(f"the run {baseline} is given twice")
        paths.insert(0, baseline)
    for position, path in enumerate(paths):
        if any(path.samefile(other) for other in paths[:position]):
            raise typer.BadParameter(f"the run {path} is given twice")
    if len(paths) < 2:
        raise typer.BadParameter("a comparison needs two runs: name another RUN, or a --baseline")
    stems = [path.name.removesuffix(".gz").rsplit(".", 1)[0] or path.name for path in paths]
    is_clear = len(set(stems)) == len(stems)
    return dict(zip(stems if is_clear else map(str, paths), paths, strict=True))


def _print(result: "RunComparison") -> None:
    """Print a table per measure, and the legend below."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from opticlir.data.visible import visible
    from opticlir.evaluation.comparison_table import HEADINGS, legend, rows

    console = Console(highlight=False, markup=False)
    for measure in result.means:
        table = Table(
            title=measure, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False
        )
        table.add_column(HEADINGS[0], overflow="fold", min_width=8)
        for heading in HEADINGS[1:]:
            table.add_column(heading, justify="right", overflow="fold")
        for cells in rows(result, measure):
            table.add_row(*map(visible, cells))
        console.print(table)
    console.print(visible(legend(result)), soft_wrap=True)
