"""`opticlir lab robustness`: the effect of query noise on the rankings of a test collection."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opticlir.cli.app import AsJson, Device, print_json, say
from opticlir.cli.benchmark import ModelName
from opticlir.lab.cli.app import CollectionFolder, CollectionName, OptionalBitext, QueryLanguage, Split, lab

if TYPE_CHECKING:
    from opticlir.lab.probes.robustness import CollectionRobustness, RankingRobustness
    from opticlir.records import Query

_RANKINGS = ("hybrid", "dense", "bm25")


@lab.command()
def robustness(
    name: CollectionName,
    model: ModelName,
    language: QueryLanguage,
    data: CollectionFolder = None,
    split: Split = "dev",
    bitext: OptionalBitext = None,
    dictionary: Annotated[
        list[Path] | None,
        typer.Option(
            help="Instead of --bitext: bilingual dictionary, english<TAB>foreign; repeat for more.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    measure: Annotated[str, typer.Option(help="Name of the measure in ir-measures.")] = "AP",
    ranking: Annotated[
        str, typer.Option(help="Which ranking the table shows: hybrid, dense or bm25.")
    ] = "hybrid",
    png: Annotated[Path | None, typer.Option(help="Draw the curves to this PNG file.")] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure how much query noise costs on a test collection.

    There are five kinds of noise: typing errors in 5 and 10 % of the letters; no diacritics; Latin letters only; 20 %
    of the words left out; and, with --bitext or --dictionary, 20 and 40 % of the words in English. "lost" is the share
    of the score that noise costs. RBO, from 0 to 1, is the overlap with the ranking without noise. Every call makes
    the same noise.

    Example: opticlir lab robustness afriqa --data afriqa/clir --model swahili --language swa --bitext pairs.tsv
    """
    _check(measure, ranking, bitext, dictionary)
    if png is not None:
        from opticlir.pictures import require_matplotlib

        require_matplotlib()
    from opticlir.cli.progress import progress_bars
    from opticlir.lab.collections import load_benchmark

    task = load_benchmark(name, data, language, split)
    meanings = _meanings(task.queries, language, bitext, dictionary)
    from opticlir.artefacts import default_cache_folder
    from opticlir.encoder import load_model
    from opticlir.lab.probes.robustness import measure_robustness

    with progress_bars() as bars:
        found = measure_robustness(
            task,
            load_model(model, device=device),
            default_cache_folder(),
            meanings=meanings,
            measure=measure,
            progress=bars,
        )
    if png is not None:
        _draw(png, found, measure)
    if as_json:
        print_json({
            **{name: {**asdict(each), "worst": each.worst} for name, each in found.rankings.items()},
            "measure": measure, "changed": found.changed, "queries": len(task.qrels),
            "documents": len(task.documents),
        })  # fmt: skip
        return
    shown = next(each for name, each in found.rankings.items() if name == ranking)
    typer.echo("\n".join(_table(shown, found.changed, f"{ranking}, {measure}")))
    typer.echo(f"{len(task.qrels)} queries, {len(task.documents)} documents")
    if meanings is None:
        typer.echo("no words switched to English: give --bitext or --dictionary", err=True)


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
    """Return the English of the words of the questions; None without bitext and dictionary."""
    from opticlir.cli.bitext import read_pairs
    from opticlir.lab.probes.query_noise import known_meanings
    from opticlir.languages import language_code
    from opticlir.translation import Dictionary, WordTable

    code = language_code(language)
    if dictionary:
        return known_meanings(Dictionary.read(dictionary, code), queries)
    if not bitext:
        return None
    return known_meanings(WordTable.learn(read_pairs(bitext, language), language=code), queries)


def _table(found: "RankingRobustness", changed: Mapping[str, int], title: str) -> list[str]:
    lines = [
        f"{title:22}{'score':>10}{'lost':>10}{'RBO':>10}{'changed':>10}",
        f"{'no noise':22}{found.clean:10.4f}",
    ]
    for label, each in found.noisy.items():
        lost = "-" if each.relative_drop is None else f"{each.relative_drop:.1%}"
        lines.append(f"{label:22}{each.score:10.4f}{lost:>10}{each.overlap:10.4f}{changed[label]:10}")
    if found.worst is not None:
        lines.append(f"worst: {found.worst}")
    return lines


def _draw(path: Path, found: "CollectionRobustness", measure: str) -> None:
    """Draw a panel for each kind of noise with rates, a line for each ranking."""
    from opticlir.lab.pictures.decline import Decline, decline_picture
    from opticlir.storage import write_result

    panels: dict[str, Decline] = {}
    for kind in dict.fromkeys(each.kind for each in found.noises if each.rate is not None):
        rated = [
            (each.label, each.rate) for each in found.noises if each.kind == kind and each.rate is not None
        ]
        panels[kind.replace("_", " ")] = {
            ranking: [(0.0, whole.clean), *((rate, whole.noisy[label].score) for label, rate in rated)]
            for ranking, whole in found.rankings.items()
        }
    write_result(path, decline_picture(panels, measure, "png").data)
    say(f"{path}: picture written", err=True)
