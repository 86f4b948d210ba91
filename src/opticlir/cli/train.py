"""`opticlir train`: bitext in, a query encoder out. `opticlir lab train` is the same with more settings."""

import shlex
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from opticlir.cli.app import TRAIN_AND_SEARCH, AsJson, Lenient, app, print_json
from opticlir.errors import ArtefactError

if TYPE_CHECKING:
    from opticlir.data import BitextSource, PairTable, SkipReport
    from opticlir.training import TrainConfig, TrainingEvent

Training: TypeAlias = tuple[Callable[..., "TrainConfig"], Callable[..., Any]]
"""`make_config` and `distil`."""


def train_command(load: Callable[[], Training]) -> Callable[..., None]:
    """The function of a `train` command.

    Args:
        load: imports what makes settings, and what trains with them.
    """

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
                help="Query language, ISO 639-3 (swa) or another code (sw); several for one student: hau,yor."
            ),
        ],
        out: Annotated[Path, typer.Option(help="Folder of the model; OUT/run keeps the record of the run.")],
        minutes: Annotated[
            float | None, typer.Option(help="Time budget of the training steps.", show_default="none")
        ] = None,
        teacher: Annotated[
            str | None,
            typer.Option(help="English encoder: minilm, a folder or a hub name.", show_default="minilm"),
        ] = None,
        method: Annotated[
            str | None,
            typer.Option(
                help="Training objectives, in turn between commas; see docs/training.md.",
                show_default="optical,contrastive",
            ),
        ] = None,
        device: Annotated[
            str | None, typer.Option(help="auto, cpu, cuda (or cuda:1) or mps.", show_default="auto")
        ] = None,
        config: Annotated[
            Path | None,
            typer.Option(help="TOML file of settings; options override it.", show_default="none"),
        ] = None,
        epochs: Annotated[
            float | None,
            typer.Option(help="Budget in passes over the bitext; 0 only initialises.", show_default="4"),
        ] = None,
        steps: Annotated[
            int | None,
            typer.Option(help="Budget in training steps, the same on every machine.", show_default="none"),
        ] = None,
        student: Annotated[
            str | None, typer.Option(help="Encoder the student starts from.", show_default="the teacher")
        ] = None,
        train: Annotated[
            str | None,
            typer.Option(help="Weights to train: all, embeddings or adapters.", show_default="all"),
        ] = None,
        seed: Annotated[
            int | None,
            typer.Option(help="Seed of the data order; same seed, same weights.", show_default="0"),
        ] = None,
        print_config: Annotated[
            bool,
            typer.Option("--print-config", help="Print all settings as TOML for --config, and stop."),
        ] = False,
        tensorboard: Annotated[
            bool, typer.Option("--tensorboard", help="Also write the curves to OUT/run/tensorboard.")
        ] = False,
        lenient: Lenient = False,
        as_json: AsJson = False,
    ) -> None:
        """Train a query encoder for LANGUAGE from sentence pairs, and save it joined with its English teacher.

        Interrupted? Run the same command to resume. Several processes share each batch:
        torchrun --nproc-per-node 2 -m opticlir train ...

        Example: opticlir train --bitext news.tsv --bitext questions.tsv:3 --language swa --out swahili --minutes 15
        """
        from opticlir.data import SkipReport, bitext_files, bitext_sources
        from opticlir.languages import language_codes
        from opticlir.manifest import input_checksums
        from opticlir.settings import read_toml, settings_toml

        make_config, distil = load()
        options: dict[str, Any] = {
            "teacher": teacher, "student": student, "method": method, "train": train, "device": device,
            "minutes": minutes, "epochs": epochs, "steps": steps, "seed": seed,
        }  # fmt: skip
        settings = read_toml(config) if config else {}
        settings |= {name: value for name, value in options.items() if value is not None}
        languages = language_codes(language)
        settings["language"] = "+".join(languages)
        resolved = make_config(settings, source=str(config) if config else "command line")
        if print_config:
            without = ["method"] if getattr(resolved, "stages", ()) else []
            text = settings_toml(resolved, without=without)
            print_json(asdict(resolved)) if as_json else typer.echo(text, nl=False)
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
        _distil(distil, resolved, pairs, out, inputs, tensorboard=tensorboard, as_json=as_json)

    return train


def _product() -> Training:
    from opticlir.training import distil, make_config

    return make_config, distil


app.command(rich_help_panel=TRAIN_AND_SEARCH)(train_command(_product))


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
    distil: Callable[..., Any],
    config: "TrainConfig",
    pairs: "PairTable",
    out: Path,
    inputs: dict[str, str],
    *,
    tensorboard: bool,
    as_json: bool,
) -> None:
    from opticlir.cli.libraries import quieten
    from opticlir.cli.progress import progress_bars

    quieten()
    from opticlir.training import is_rank_zero
    from opticlir.training.tensorboard import tensorboard_writer

    observers = [tensorboard_writer(out)] if tensorboard and is_rank_zero() else []
    with progress_bars() as bars:

        def on_event(event: "TrainingEvent") -> None:
            for observer in (*observers, bars.training):
                observer(event)

        try:
            command = shlex.join(["opticlir", *sys.argv[1:]])
            outcome = distil(config, pairs, out, inputs=inputs, command=command, on_event=on_event)
        except FloatingPointError as error:
            raise ArtefactError(
                f"{out}: {error}: training stopped, the last checkpoint is kept in {out / 'run'}; "
                "start again with another --out and a smaller learning_rate"
            ) from error
    if is_rank_zero():
        _print(outcome, len(pairs), out, as_json=as_json)
    if not outcome.is_finished:
        raise typer.Exit(1)


def _print(outcome: Any, n_pairs: int, out: Path, *, as_json: bool) -> None:
    from opticlir.cli.progress import console

    if as_json:
        print_json({"model": str(out), "pairs": n_pairs, **asdict(outcome)})
    elif not outcome.is_finished:
        console.print(f"stopped; run the same command to resume from the last checkpoint in {out}")
    else:
        typer.echo(f"{out}: {n_pairs} pairs, {outcome.steps} steps, weights of step {outcome.saved_step}")
        for name, value in outcome.trained.items():
            typer.echo(f"held-out {name}: {outcome.initial[name]:.3f} before training, {value:.3f} after")
        typer.echo(f"training report: {out / 'run' / 'report.html'}")
