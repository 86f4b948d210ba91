"""`opticlir lab geometry`: how close translations are in the vector space of a model."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opticlir.cli.app import AsJson, Device, Lenient, print_json, say
from opticlir.cli.benchmark import ModelName
from opticlir.lab.cli.app import ForeignLanguage, lab

if TYPE_CHECKING:
    from opticlir.lab.probes.geometry import Geometry
    from opticlir.records import SentencePair

_ROWS = {
    "alignment": "mean squared distance of translations; lower is closer",
    "uniformity_english": "spread within English; lower is wider",
    "uniformity_foreign": "spread within the language",
    "uniformity_cross": "spread between the two",
    "cosine_pairs": "mean cosine of translations",
    "cosine_random": "mean cosine of other pairs",
    "cosine_margin": "the difference of the two",
    "csls_to_english": "share of sentences that find their translation",
    "csls_from_english": "the same from English",
    "language_identity": "accuracy of a linear probe for the language; .5 is chance",
}


@lab.command()
def geometry(
    bitext: Annotated[
        str, typer.Option(help="Sentence pairs that the model was not trained on, FILE in any bitext format.")
    ],
    model: ModelName,
    language: ForeignLanguage,
    pairs: Annotated[
        int, typer.Option(min=2, help="Number of pairs that are drawn from a larger file.")
    ] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seed that draws the pairs.")] = 0,
    layers: Annotated[
        bool,
        typer.Option(
            "--layers",
            help="Also compare every layer of the query encoder with that of the document encoder.",
        ),
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(help="Write charts of the layers to this HTML page; needs --layers.", dir_okay=False),
    ] = None,
    lenient: Lenient = False,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure alignment, uniformity, translation retrieval and language identity of a model on sentence pairs.

    The query route encodes the foreign side, the document route the English side. A sentence is the mean of its
    tokens. Compare closeness with spread: if all sentences are close to each other, translations are too.

    Example: opticlir lab geometry --bitext held-out.tsv --model swahili --language swa
    """
    if html is not None and not layers:
        raise typer.BadParameter("this page shows the layers: give --layers too", param_hint="--html")
    chosen = _drawn(Path(bitext), language, pairs, seed, lenient=lenient)
    from opticlir.encoder import load_model
    from opticlir.errors import ArtefactError
    from opticlir.lab.probes.geometry import model_geometry

    try:
        found = model_geometry(load_model(model, device=device), chosen, layers=layers)
    except ValueError as error:
        raise ArtefactError(f"{model}: {error}") from None
    figures, by_layer = _figures(found.whole), [_figures(space) for space in found.layers]
    if html is not None:
        from opticlir.lab.pictures.layers import layers_page
        from opticlir.storage import write_result

        write_result(html, layers_page(model, by_layer))
        say(f"{html}: page written", err=True)
    if as_json:
        print_json({**figures, **({"layers": by_layer} if layers else {}), "pairs": len(chosen)})
        return
    for name, meaning in _ROWS.items():
        typer.echo(f"{name:20}{figures[name]:9.4f}  {meaning}")
    typer.echo(f"{len(chosen)} pairs")
    if layers:
        typer.echo("\n" + "\n".join(_table(by_layer)))


def _drawn(path: Path, language: str, n_pairs: int, seed: int, *, lenient: bool) -> "list[SentencePair]":
    from opticlir.data import SkipReport, read_bitext
    from opticlir.errors import DataError
    from opticlir.lab.probes.geometry import drawn_pairs

    skipped = SkipReport(lenient=lenient)
    found = drawn_pairs(read_bitext(path, language=language, skipped=skipped), n_pairs, seed)
    if summary := skipped.summary():
        typer.echo(summary, err=True)
    if len(found) < 2:
        raise DataError(f"{path}: one sentence pair alone has no geometry: give 2 or more")
    return found


def _figures(space: "Geometry") -> dict[str, Any]:
    figures = {**asdict(space), "cosine_margin": space.cosine_margin}
    return {name: value for name, value in figures.items() if value is not None}


def _table(layers: list[dict[str, Any]]) -> list[str]:
    from opticlir.lab.pictures.layers import COLUMNS

    lines = ["layer" + "".join(f"{name:>12}" for name in COLUMNS.values())]
    for number, figures in enumerate(layers):
        lines.append(f"{number:5}" + "".join(f"{figures[name]:12.4f}" for name in COLUMNS))
    return lines
