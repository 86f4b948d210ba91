"""`opticlir lab study`: a research question as a file, and its answer as a report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opticlir.cli.app import AsJson, InputFile, print_json
from opticlir.lab.cli.app import lab

if TYPE_CHECKING:
    from opticlir.lab.studies import CellFailure, CellStore, Plan


@lab.command()
def study(
    study_file: InputFile,
    data: Annotated[
        Path, typer.Option(file_okay=False, exists=True, help="Folder that the paths of the study begin at.")
    ],
    out: Annotated[
        Path, typer.Option(file_okay=False, help="Folder of cells and report; used again, it goes on.")
    ],
    budget: Annotated[str, typer.Option(help="One of the study's budgets.")] = "small",
    discard_models: Annotated[
        bool,
        typer.Option(
            "--discard-models",
            help="Remove what was trained when no missing cell needs it; other cells would train it again.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the cells, done or missing, and compute nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compute the cells of STUDY_FILE that are missing, compare its arms, and write the report.

    A cell is one arm on one task in one language with one seed. Killed and started again it goes on; several
    processes may work on one OUT. Exit 1 if a cell failed: the others are computed and reported all the same.

    Example: opticlir lab study studies/headline.toml --data ../shared/data --out runs/headline --budget small
    """
    from opticlir.cli.libraries import quieten

    quieten()
    from opticlir.lab.studies import CellStore, plan_study, read_study
    from opticlir.pictures import require_matplotlib

    plan = plan_study(read_study(study_file), budget, data)
    store = CellStore(out)
    if dry_run:
        _list_cells(plan, store, as_json=as_json)
        return
    require_matplotlib()
    failures = _compute(plan, out, keep_models=not discard_models)
    files = _report(plan, store, failures)
    if as_json:
        print_json(
            {
                "cells": len(plan.cells),
                "failed": [{"cell": str(each.cell), "reason": each.reason} for each in failures],
                "files": list(map(str, files)),
            }
        )
    else:
        typer.echo(f"{out / 'report.html'}: {len(plan.cells) - len(failures)} of {len(plan.cells)} cells")
    for each in failures:
        typer.echo(f"failed: {each.cell}: {each.reason}", err=True)
    if failures:
        raise typer.Exit(1)


def _list_cells(plan: "Plan", store: "CellStore", *, as_json: bool) -> None:
    listed = [(cell, "done" if store.holds(cell) else "missing") for cell in plan.cells]
    if as_json:
        print_json(
            [
                {"arm": cell.arm, "task": cell.task, "language": cell.language, "seed": cell.seed,
                 "key": cell.key, "state": state}
                for cell, state in listed
            ]
        )  # fmt: skip
        return
    for cell, state in listed:
        typer.echo(f"{state:8}{cell}")
    n_done = sum(state == "done" for _, state in listed)
    typer.echo(f"{n_done} of {len(listed)} cells are done")


def _compute(plan: "Plan", out: Path, *, keep_models: bool) -> "list[CellFailure]":
    from opticlir.cli.progress import progress_bars
    from opticlir.lab.studies import run_cells
    from opticlir.lab.studies.systems import CellsDone

    with progress_bars() as bars:

        def on_event(event: Any) -> None:
            if isinstance(event, CellsDone):
                bars("cells", event.done, event.total, event.cell)
            else:
                bars.training(event)

        bars("cells", 0, len(plan.cells))
        return run_cells(plan, out, keep_models=keep_models, on_event=on_event)


def _report(plan: "Plan", store: "CellStore", failures: "list[CellFailure]") -> list[Path]:
    from opticlir.lab.studies import study_result, write_reports

    return write_reports(study_result(plan, store, failures), store.out)
