"""`opticlir lab robustness`: what is left of a collection's rankings when its questions are perturbed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opticlir.cli.app import AsJson, print_json
from opticlir.lab.cli.app import lab

if TYPE_CHECKING:
    from opticlir.lab.probes.robustness import RankingRobustness
    from opticlir.lab.studies.perturbation import Perturbation
    from opticlir.records import Query

_RANKINGS = ("hybrid", "dense", "bm25")


@lab.command()
def robustness(
    name: Annotated[str, typer.Argument(help="Collection, as of `opticlir lab benchmark`.")],
    model: Annotated[str, typer.Option(help="Model folder, hub name or minilm.")],
    language: Annotated[str, typer.Option(help="Language of the queries.")],
    data: Annotated[Path | None, typer.Option(help="Folder with the files of the collection.")] = None,
    split: Annotated[str, typer.Option(help="Which queries: dev, test, train.")] = "dev",
    bitext: Annotated[
        list[str] | None,
        typer.Option(
            help="Sentence pairs that words are switched to English by, FILE or FILE:WEIGHT; repeat for more."
        ),
    ] = None,
    dictionary: Annotated[
        list[Path] | None,
        typer.Option(help="Or english<TAB>foreign entries; repeat for more.", exists=True, dir_okay=False),
    ] = None,
    measure: Annotated[str, typer.Option(help="What is measured, an ir-measures name.")] = "AP",
    ranking: Annotated[
        str, typer.Option(help="Which ranking the table shows: hybrid, dense or bm25.")
    ] = "hybrid",
    png: Annotated[Path | None, typer.Option(help="Draw what has rates into this PNG file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Ask the questions of a collection as they are, and mistyped, stripped, shortened or mixed with English.

    Typing errors in 5 and 10 % of the letters, no diacritics, Latin letters alone, 20 % of the words left out, and
    20 and 40 % of them in English where --bitext or --dictionary says what they mean. Lost is the share of the clean
    score; RBO says how much of the clean ranking is still there, from 0 to 1. The same questions are changed in the
    same places in every run.

    Example: opticlir lab robustness afriqa --data afriqa/clir --model swahili --language swa --bitext pairs.tsv
    """
    _check(measure, ranking, bitext, dictionary)
    if png is not None:
        from opticlir.pictures import require_matplotlib

        require_matplotlib()
    from opticlir.cli.libraries import quieten
    from opticlir.cli.progress import progress_bars
    from opticlir.lab.collections import load_benchmark
    from opticlir.lab.probes.query_noise import run_perturbed
    from opticlir.lab.studies.perturbation import BY_MEANING, STANDARD, n_changed

    task = load_benchmark(name, data, language, split)
    meanings = _meanings(task.queries, language, bitext, dictionary)
    chosen = [each for each in STANDARD if each.kind != BY_MEANING or meanings is not None]
    asked = {each.label: each.apply(task.queries, meanings or {}) for each in chosen}
    quieten()
    from opticlir.artefacts import default_cache_folder
    from opticlir.encoder import load_model

    with progress_bars() as bars:
        found = run_perturbed(
            task, load_model(model), default_cache_folder(), asked, measure=measure, progress=bars
        )
    if png is not None:
        _draw(png, chosen, found, measure)
    changed = {label: n_changed(task.queries, queries) for label, queries in asked.items()}
    if as_json:
        print_json({
            **{name: {**asdict(each), "worst": each.worst} for name, each in found.items()},
            "measure": measure, "changed": changed, "queries": len(task.qrels), "documents": len(task.documents),
        })  # fmt: skip
        return
    shown = next(each for name, each in found.items() if name == ranking)
    typer.echo("\n".join(_table(shown, changed, f"{ranking}, {measure}")))
    typer.echo(f"{len(task.qrels)} queries, {len(task.documents)} documents")
    if meanings is None:
        typer.echo("not mixed with English: give --bitext or --dictionary", err=True)


def _check(measure: str, ranking: str, bitext: list[str] | None, dictionary: list[Path] | None) -> None:
    from opticlir.evaluation import check_measures

    if ranking not in _RANKINGS:
        raise typer.BadParameter(f"{ranking!r}: expected {', '.join(_RANKINGS)}", param_hint="--ranking")
    if bitext and dictionary:
        raise typer.BadParameter("give --bitext or --dictionary, not both", param_hint="--dictionary")
    try:
        check_measures([measure])
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--measure") from None


def _meanings(
    queries: "Sequence[Query]", language: str, bitext: list[str] | None, dictionary: list[Path] | None
) -> dict[str, str] | None:
    """English of the words of the questions; None where nothing says it."""
    from opticlir.cli.bitext import read_pairs
    from opticlir.lab.rivals import Dictionary, WordTable
    from opticlir.lab.studies.perturbation import known_meanings

    if dictionary:
        return known_meanings(Dictionary.read(dictionary), queries)
    if not bitext:
        return None
    return known_meanings(WordTable.learn(read_pairs(bitext, language)), queries)


def _table(found: "RankingRobustness", changed: Mapping[str, int], title: str) -> list[str]:
    lines = [
        f"{title:22}{'score':>10}{'lost':>10}{'RBO':>10}{'changed':>10}",
        f"{'as they are':22}{found.clean:10.4f}",
    ]
    for label, each in found.perturbed.items():
        lost = "-" if each.relative_drop is None else f"{each.relative_drop:.1%}"
        lines.append(f"{label:22}{each.score:10.4f}{lost:>10}{each.overlap:10.4f}{changed[label]:10}")
    if found.worst is not None:
        lines.append(f"worst: {found.worst}")
    return lines


def _draw(
    path: Path, chosen: "Sequence[Perturbation]", found: "Mapping[Any, RankingRobustness]", measure: str
) -> None:
    """A panel for each kind that has rates, a line for each ranking."""
    from opticlir.lab.pictures.decline import Decline, decline_picture
    from opticlir.storage import write_bytes_atomically

    panels: dict[str, Decline] = {}
    for kind in dict.fromkeys(each.kind for each in chosen if each.rate is not None):
        rated = [(each.label, each.rate) for each in chosen if each.kind == kind and each.rate is not None]
        panels[kind.replace("_", " ")] = {
            ranking: [(0.0, whole.clean), *((rate, whole.perturbed[label].score) for label, rate in rated)]
            for ranking, whole in found.items()
        }
    write_bytes_atomically(path, decline_picture(panels, measure, "png").data)
    typer.echo(f"{path}: picture written", err=True)
