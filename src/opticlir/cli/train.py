"""`opticlir train`: bitext in, a query encoder out."""

import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opticlir.cli.app import TRAIN_AND_SEARCH, AsJson, Lenient, app, print_json
from opticlir.errors import ArtefactError, OpticlirError

if TYPE_CHECKING:
    from opticlir.data import BitextSource, PairTable, SkipReport


@app.command(rich_help_panel=TRAIN_AND_SEARCH)
def train(
    bitext: Annotated[
        list[str],
        typer.Option(
            help="Sentence pairs, FILE or FILE:WEIGHT; repeat for more. TSV, Moses, JSONL, .po, TMX, .gz. "
            "With several languages LANGUAGE=FILE."
        ),
    ],
    language: Annotated[
        str,
        typer.Option(
            help="Query language, ISO 639-3 (swa) or any code in use (sw); several for one student: hau,yor."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the model; the record of the run is kept in OUT/run.")],
    teacher: Annotated[
        str | None, typer.Option(help="English encoder: minilm, a folder or a hub name.")
    ] = None,
    student: Annotated[
        str | None, typer.Option(help="What the student starts from; default: the teacher.")
    ] = None,
    method: Annotated[
        str | None, typer.Option(help="Objectives, in turn between commas; see docs/training.md.")
    ] = None,
    train: Annotated[str | None, typer.Option(help="What is trained: all, embeddings or adapters.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Time budget for the training steps.")] = None,
    epochs: Annotated[float | None, typer.Option(help="Passes over the bitext; 0 only initialises.")] = None,
    steps: Annotated[
        int | None, typer.Option(help="Budget in training steps, the same on every machine.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of data order; same seed, same weights.")] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file of settings; options win over it.")] = None,
    print_config: Annotated[
        bool,
        typer.Option(
            "--print-config", help="Print every setting, explained, as TOML for --config, and stop."
        ),
    ] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write the curves to OUT/run/tensorboard as well.")
    ] = False,
    lenient: Lenient = False,
    as_json: AsJson = False,
) -> None:
    """Distil a query encoder for LANGUAGE from sentence pairs, and save it joined with its English teacher.

    Killed and started again with the same command, it goes on where it was. Several processes share each batch:
    torchrun --nproc-per-node 2 -m opticlir train ...

    Example: opticlir train --bitext news.tsv --bitext questions.tsv:3 --language swa --out swahili --minutes 15
    """
    from opticlir.data import SkipReport, bitext_files, bitext_sources
    from opticlir.languages import language_codes
    from opticlir.manifest import input_checksums
    from opticlir.training import make_config, read_config

    options: dict[str, Any] = {
        "teacher": teacher, "student": student, "method": method, "train": train,
        "minutes": minutes, "epochs": epochs, "steps": steps, "seed": seed,
    }  # fmt: skip
    settings = read_config(config) if config else {}
    settings |= {name: value for name, value in options.items() if value is not None}
    languages = language_codes(language)
    settings["language"] = "+".join(languages)
    resolved = make_config(settings, source=str(config) if config else "command line")
    if print_config:
        from opticlir.training.config_toml import config_toml

        print_json(asdict(resolved)) if as_json else typer.echo(config_toml(resolved), nl=False)
        return
    skipped = SkipReport(lenient=lenient)
    sources = bitext_sources(bitext, languages)
    pairs = _pairs(sources, languages, resolved.language_balance, skipped)
    if summary := skipped.summary():
        typer.echo(summary, err=True)
    inputs = {
        f"{name}:{source.weight}": value
        for source in sources
        for name, value in input_checksums(bitext_files(source.path, language=source.language)).items()
    }
    _distil(resolved, pairs, out, inputs, tensorboard=tensorboard, as_json=as_json)


def _pairs(
    sources: "list[BitextSource]", languages: tuple[str, ...], balance: float, skipped: "SkipReport"
) -> "PairTable":
    from opticlir.data import PairTable, read_bitext
    from opticlir.training import balanced

    found = {
        language: PairTable(
            pair
            for source in sources
            if source.language == language
            for pair in read_bitext(source.path, language=language, weight=source.weight, skipped=skipped)
        )
        for language in languages
    }
    return balanced(found, balance) if len(languages) > 1 else found[languages[0]]


def _distil(
    config: Any, pairs: Any, out: Path, inputs: dict[str, str], *, tensorboard: bool, as_json: bool
) -> None:
    from opticlir.cli.libraries import quieten
    from opticlir.cli.progress import console, progress_bars

    quieten()
    from opticlir.training import distil, is_main_process
    from opticlir.training.tensorboard import tensorboard_report

    speaks = is_main_process()
    observers = [tensorboard_report(out)] if tensorboard and speaks else []
    with progress_bars() as bars, _withdrawn_on_failure(out):
        observers.append(bars.training)

        def report(event: dict[str, Any]) -> None:
            for observer in observers:
                observer(event)

        try:
            command = shlex.join(["opticlir", *sys.argv[1:]])
            outcome = distil(config, pairs, out, inputs=inputs, command=command, report=report)
        except FloatingPointError as error:
            raise ArtefactError(
                f"{out}: {error}: training stopped, the last checkpoint is kept in {out / 'run'}; "
                "begin again in another --out with a smaller learning_rate"
            ) from error
    if as_json and speaks:
        print_json({"model": str(out), "pairs": len(pairs), **asdict(outcome)})
    elif speaks and not outcome.is_finished:
        console.print(f"stopped; the same command goes on from the last checkpoint in {out}")
    elif speaks:
        typer.echo(
            f"{out}: {len(pairs)} pairs, {outcome.steps} steps, saved as after step {outcome.saved_step}"
        )
        for name, value in outcome.trained.items():
            typer.echo(f"held-out {name}: {outcome.initial[name]:.3f} as initialised, {value:.3f} trained")
        typer.echo(f"how it went: {out / 'run' / 'report.html'}")
    if not outcome.is_finished:
        raise typer.Exit(1)


@contextmanager
def _withdrawn_on_failure(out: Path) -> Iterator[None]:
    """Leave OUT as it was where a run fails before its steps are planned.

    Its record would be all there is, and would refuse the command with which the fault is mended.
    """
    from opticlir.storage import exclusive_lock
    from opticlir.training import is_main_process

    run, is_new = out / "run", not out.exists()
    had_record = (run / "run.json").exists()
    try:
        yield
    except OpticlirError:
        if is_main_process() and not had_record and not (run / "plan.json").exists():
            with suppress(ArtefactError), exclusive_lock(run / "run.json"):  # refused where nothing was begun
                shutil.rmtree(run)
            if is_new:
                with suppress(OSError):
                    out.rmdir()
        raise
