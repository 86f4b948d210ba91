"""`opticlir train`: trains a query encoder from bitext. `opticlir lab train` is the same with more settings."""

import shlex
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from opticlir.cli.app import TRAIN_AND_SEARCH, AsJson, Lenient, MinScore, TableColumns, app, print_json, say
from opticlir.errors import ArtefactError

if TYPE_CHECKING:
    from opticlir.data import BitextSource, PairTable, SkipReport
    from opticlir.data.pair_choice import PairChoice
    from opticlir.training import TrainConfig, TrainingEvent

Training: TypeAlias = tuple[Callable[..., "TrainConfig"], Callable[..., Any]]
"""`make_config` and `distil`."""

_FEW_PAIRS = 100
"""Held-out figures of fewer pairs than this come with a warning."""


def train_command(load: Callable[[], Training]) -> Callable[..., None]:
    """Return the function of a `train` command.

    Args:
        load: imports `make_config` and `distil`.
    """

    def train(
        bitext: Annotated[
            list[str],
            typer.Option(
                help="Sentence pairs, FILE or FILE:WEIGHT; repeat for more. TSV, CSV, Moses, JSON, .po, TMX, XLIFF, "
                "Parquet or a zip of one; plain or compressed. With several languages LANGUAGE=FILE."
            ),
        ],
        language: Annotated[
            str,
            typer.Option(
                help="Query language, ISO 639-3 (swa) or another code (sw); several for one student: hau,yor."
            ),
        ],
        out: Annotated[
            Path, typer.Option(help="Folder of the model. OUT/run has the record of the training.")
        ],
        minutes: Annotated[
            float | None, typer.Option(help="Time budget of the training steps.", show_default="none")
        ] = None,
        teacher: Annotated[
            str | None,
            typer.Option(help="English encoder: minilm, e5, a folder or a hub name.", show_default="minilm"),
        ] = None,
        method: Annotated[
            str | None,
            typer.Option(
                help="Training objectives; those between commas take turns. See docs/training.md.",
                show_default="optical,contrastive",
            ),
        ] = None,
        device: Annotated[
            str | None, typer.Option(help="auto, cpu, cuda (or cuda:1) or mps.", show_default="auto")
        ] = None,
        weights_dtype: Annotated[
            str | None,
            typer.Option(
                help="Number format of the weights: auto, float32, bfloat16 or float16.", show_default="auto"
            ),
        ] = None,
        config: Annotated[
            Path | None,
            typer.Option(help="TOML file of settings. Options override it.", show_default="none"),
        ] = None,
        epochs: Annotated[
            float | None,
            typer.Option(
                help="Budget in passes over the bitext; 0 saves the initialised student.", show_default="4"
            ),
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
            typer.Option(
                help="Seed of the data order; the same seed gives the same weights.", show_default="0"
            ),
        ] = None,
        print_config: Annotated[
            bool,
            typer.Option("--print-config", help="Print all settings as TOML for --config, and stop."),
        ] = False,
        tensorboard: Annotated[
            bool, typer.Option("--tensorboard", help="Also write the curves to OUT/run/tensorboard.")
        ] = False,
        dictionary: Annotated[
            list[str] | None,
            typer.Option(
                help="Words with translations, also trained on: english<TAB>foreign, FILE or FILE:WEIGHT; repeat it."
            ),
        ] = None,
        columns: TableColumns = None,
        min_score: MinScore = None,
        drop_suspect: Annotated[
            bool,
            typer.Option(
                "--drop-suspect",
                help="Leave out pairs that are hardly translations; `opticlir audit` counts them.",
            ),
        ] = False,
        lenient: Lenient = False,
        as_json: AsJson = False,
    ) -> None:
        """Train a query encoder for LANGUAGE from sentence pairs, and save it joined with its English teacher.

        Interrupted? Run the same command to resume. Several processes share each batch:
        torchrun --nproc-per-node 2 -m opticlir train ...

        Example: opticlir train --bitext news.tsv --bitext questions.tsv:3 --language swa --out swahili --minutes 15
        """
        from opticlir.data import SkipReport, bitext_files, bitext_sources, dictionary_pairs, language_sources
        from opticlir.data.pair_choice import PairChoice
        from opticlir.languages import language_codes
        from opticlir.manifest import input_checksums
        from opticlir.settings import read_toml, settings_toml
        from opticlir.training import is_rank_zero

        make_config, distil = load()
        options: dict[str, Any] = {
            "teacher": teacher, "student": student, "method": method, "train": train, "device": device,
            "minutes": minutes, "epochs": epochs, "steps": steps, "seed": seed,
            "weights_dtype": weights_dtype,
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
        skipped, variants = SkipReport(lenient=lenient), language.replace("+", ",").split(",")
        sources = bitext_sources(bitext, languages, variants)
        dictionaries = language_sources(dictionary or [], languages, variants)
        choice = PairChoice.of(columns, min_score, drop_suspect=drop_suspect)
        pairs = _pairs(sources, languages, resolved.language_balance, choice, skipped)
        entries = [
            entry
            for source in dictionaries
            for entry in dictionary_pairs(
                source.path, weight=source.weight, skipped=skipped,
                language=source.language if len(languages) > 1 else "",
            )
        ]  # fmt: skip
        if summary := skipped.summary():
            typer.echo(summary, err=True)
        inputs = {
            f"{name}:{source.weight}": value
            for source in sources
            for name, value in input_checksums(
                bitext_files(source.path, language=source.variant or source.language)
            ).items()
        }
        inputs |= {
            f"dictionary {name}:{source.weight}": value
            for source in dictionaries
            for name, value in input_checksums([source.path]).items()
        }
        inputs |= choice.recorded()
        run = partial(distil, resolved, pairs, out, dictionary=entries, inputs=inputs)
        outcome = _trained(run, out, tensorboard=tensorboard)
        if is_rank_zero():
            _print(outcome, len(pairs), resolved.held_out_of(len(pairs)), out, as_json=as_json)
        if not outcome.is_finished:
            raise typer.Exit(1)

    return train


def _product() -> Training:
    from opticlir.training import distil, make_config

    return make_config, distil


app.command(rich_help_panel=TRAIN_AND_SEARCH)(train_command(_product))


def _pairs(
    sources: "list[BitextSource]",
    languages: tuple[str, ...],
    balance: float,
    choice: "PairChoice",
    skipped: "SkipReport",
) -> "PairTable":
    from opticlir.data import PairTable
    from opticlir.training import balanced

    found = {}
    for language in languages:
        pairs = PairTable(
            pair
            for source in sources
            if source.language == language
            for pair in choice.read(
                source.path,
                language=source.variant or language,
                weight=source.weight,
                skipped=skipped,
            )
        )
        found[language] = choice.sound(pairs, language, skipped)
    return balanced(found, balance) if len(languages) > 1 else found[languages[0]]


def _trained(run: Callable[..., Any], out: Path, *, tensorboard: bool) -> Any:
    """Train with progress bars; `run` is `distil` without its event handler."""
    from opticlir.cli.progress import progress_bars
    from opticlir.training import is_rank_zero
    from opticlir.training.tensorboard import tensorboard_writer

    observers = [tensorboard_writer(out)] if tensorboard and is_rank_zero() else []
    with progress_bars() as bars:

        def on_event(event: "TrainingEvent") -> None:
            for observer in (*observers, bars.training):
                observer(event)

        try:
            command = shlex.join(["opticlir", *sys.argv[1:]])
            return run(command=command, on_event=on_event)
        except FloatingPointError as error:
            raise ArtefactError(
                f"{out}: {error}: training stopped, the last checkpoint is kept in {out / 'run'}; "
                "start again with another --out and a smaller learning_rate"
            ) from error


def _print(outcome: Any, n_pairs: int, n_held_out: int, out: Path, *, as_json: bool) -> None:
    if as_json:
        print_json({"model": str(out), "pairs": n_pairs, "held_out_pairs": n_held_out, **asdict(outcome)})
    elif not outcome.is_finished:
        say(f"stopped; run the same command to resume from the last checkpoint in {out}", err=True)
    else:
        say(f"{out}: {n_pairs} pairs, {outcome.steps} steps, weights of step {outcome.saved_step}")
        for name, value in outcome.trained.items():
            typer.echo(f"held-out {name}: {outcome.initial[name]:.3f} before training, {value:.3f} after")
        if outcome.trained and n_held_out < _FEW_PAIRS:
            typer.echo(
                f"the held-out figures come from {n_held_out} pairs, each ranked among these alone: too few to judge "
                "a model by; measure it with opticlir benchmark"
            )
        say(f"training report: {out / 'run' / 'report.html'}")
