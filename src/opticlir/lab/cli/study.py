"""`opticlir lab study`: a research question as a file, and its answer as a report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opticlir.cli.app import AsJson, InputFile, print_json, say
from opticlir.lab.cli.app import lab

if TYPE_CHECKING:
    from opticlir.lab.studies import Plan, RunFailure, RunStore


@lab.command()
def study(
    study_file: InputFile,
    data: Annotated[
        Path,
        typer.Option(
            file_okay=False, exists=True, help="Folder to which the paths of the study are relative."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(file_okay=False, help="Folder for runs and report; finished runs in it are reused."),
    ],
    budget: Annotated[str, typer.Option(help="One of the study's budgets.")] = "small",
    discard_models: Annotated[
        bool,
        typer.Option(
            "--discard-models",
            help="Remove trained models that no missing run needs. Another run would train them again.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the runs, done or missing, and compute nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compute the missing runs of STUDY_FILE, compare its systems, and write the report.

    A run is one system on one task in one language with one seed. Interrupted? Run the same command to resume. Several
    processes can work on one OUT. Exit code 1: a run failed; all others are computed and reported.

    Example: opticlir lab study studies/headline.toml --data ../shared/data --out runs/headline --budget small
    """
    from opticlir.lab.studies import RunStore, plan_study, read_study, study_result, write_reports
    from opticlir.pictures import require_matplotlib

    plan, store = plan_study(read_study(study_file), budget, data), RunStore(out)
    if dry_run:
        _list_runs(plan, store, as_json=as_json)
        return
    require_matplotlib()
    failures = _compute(plan, out, keep_models=not discard_models)
    files = write_reports(study_result(plan, store, failures), out)
    if as_json:
        failed = [{"run": str(each.run), "reason": each.reason} for each in failures]
        print_json({"runs": len(plan.runs), "failed": failed, "files": list(map(str, files))})
    else:
        say(f"{out / 'report.html'}: {len(plan.runs) - len(failures)} of {len(plan.runs)} runs")
    for each in failures:
        typer.echo(f"failed: {each.run}: {each.reason}", err=True)
    if failures:
        raise typer.Exit(1)


def _list_runs(plan: "Plan", store: "RunStore", *, as_json: bool) -> None:
    listed = [(run, "done" if store.holds(run) else "missing") for run in plan.runs]
    if as_json:
        print_json([{**run.plain(), "state": state} for run, state in listed])
        return
    for run, state in listed:
        typer.echo(f"{state:8}{run}")
    n_done = sum(state == "done" for _, state in listed)
    typer.echo(f"{n_done} of {len(listed)} runs are done")
    from opticlir.lab.studies.training_cost import missing_trainings

    if cost := missing_trainings(run for run, state in listed if state == "missing"):
        typer.echo(str(cost))


def _compute(plan: "Plan", out: Path, *, keep_models: bool) -> "list[RunFailure]":
    from opticlir.cli.progress import progress_bars
    from opticlir.lab.studies import compute_runs
    from opticlir.lab.studies.systems import RunsDone

    with progress_bars() as bars:

        def on_event(event: Any) -> None:
            if isinstance(event, RunsDone):
                bars("study runs", event.done, event.total, event.run)
            else:
                bars.training(event)

        bars("study runs", 0, len(plan.runs))
        return compute_runs(plan, out, keep_models=keep_models, on_event=on_event)
