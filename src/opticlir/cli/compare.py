"""`opticlir compare`: differences between runs, and their significance."""

import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated

import typer

from opticlir.cli.app import MEASURE, AsJson, WithoutOwn, app, print_json

if TYPE_CHECKING:
    from opticlir.evaluation import RunComparison

_GAP = "  "


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
        typer.Option(
            help="A measure as in ir-measures (nDCG@10) or in trec_eval (ndcg_cut_10); repeatable. "
            "[default: AP nDCG@10 R@100 RR@10]"
        ),
    ] = None,
    draws: Annotated[
        int, typer.Option(min=1, help="Draws of the randomisation test and of the bootstrap.")
    ] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 0,
    missing_as_zero: Annotated[
        bool,
        typer.Option("--missing-as-zero", help="Count a judged query that is missing in a run as 0."),
    ] = False,
    without_own: WithoutOwn = False,
    markdown: Annotated[Path | None, typer.Option(help="Write the tables to this Markdown file.")] = None,
    latex: Annotated[Path | None, typer.Option(help="Write the table to this LaTeX file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare each RUN with a baseline: mean, difference with its 95 % interval, Holm-corrected p.

    Example: opticlir compare bm25.run optical.run --qrels qrels.txt --measure AP --markdown table.md
    """
    from opticlir.data import read_qrels, read_run, run_with_judged_numbers
    from opticlir.data.own_documents import own_documents, own_documents_note, without_own_documents
    from opticlir.evaluation import (
        DEFAULT_MEASURES,
        check_measures,
        compare_runs,
        comparison_json,
        latex_table,
        markdown_table,
        tied_queries,
    )
    from opticlir.storage import write_result
    from opticlir.visible import visible

    measures = measure or list(DEFAULT_MEASURES)
    try:
        check_measures(measures)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    names = _names(run, baseline)
    judgements = read_qrels(qrels)
    runs = {name: run_with_judged_numbers(read_run(path), judgements) for name, path in names.items()}
    for name, ranking in runs.items():
        if own := own_documents(ranking, judgements):
            typer.echo(
                f"note: {visible(name)}: {own_documents_note(len(own), are_left_out=without_own)}", err=True
            )
            runs[name] = without_own_documents(ranking, own) if without_own else ranking
    for name, ranking in runs.items():
        if tied := tied_queries(ranking, judgements):
            typer.echo(
                f"note: {visible(name)}: {len(tied)} queries have ties, documents with equal scores: ordered as in "
                "trec_eval, the last document id first",
                err=True,
            )
    result = compare_runs(
        runs,
        judgements,
        measures,
        draws=draws,
        seed=seed,
        missing_as_zero=missing_as_zero,
    )
    if markdown:
        write_result(markdown, markdown_table(result))
    if latex:
        write_result(latex, latex_table(result))
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
    """Print a table per measure, and the legend below. In a narrow terminal, numbers replace long names."""
    from opticlir.evaluation.comparison_table import HEADINGS, legend, rows
    from opticlir.visible import visible

    tables = {
        measure: [list(HEADINGS), *(list(map(visible, cells)) for cells in rows(result, measure))]
        for measure in result.means
    }
    if sys.stdout.isatty() and max(map(_width, tables.values())) > get_terminal_size().columns:
        for number, name in enumerate(next(iter(result.means.values())), start=1):
            typer.echo(f"[{number}] {visible(name)}")
        typer.echo()
        for table in tables.values():
            for number, cells in enumerate(table[1:], start=1):
                cells[0] = f"[{number}]"
    for measure, table in tables.items():
        typer.echo("\n".join([visible(measure), *_lines(table), ""]))
    typer.echo(visible(legend(result)))


def _widths(table: list[list[str]]) -> list[int]:
    from rich.cells import cell_len

    return [max(map(cell_len, column)) for column in zip(*table, strict=True)]


def _width(table: list[list[str]]) -> int:
    return sum(_widths(table)) + len(_GAP) * (len(table[0]) - 1)


def _lines(table: list[list[str]]) -> Iterator[str]:
    """The rows of a table, names to the left and figures to the right, with a rule below the headings."""
    from rich.cells import cell_len

    widths = _widths(table)
    for number, cells in enumerate(table):
        gaps = [" " * (width - cell_len(cell)) for width, cell in zip(widths, cells, strict=True)]
        figures = (gap + cell for gap, cell in zip(gaps[1:], cells[1:], strict=True))
        yield _GAP.join([cells[0] + gaps[0], *figures]).rstrip()
        if number == 0:
            yield "─" * _width(table)
