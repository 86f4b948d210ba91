"""`opticlir lab geometry`: how near translations lie to each other, and how spread out everything else."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opticlir.cli.app import AsJson, Lenient, print_json
from opticlir.lab.cli.app import lab

if TYPE_CHECKING:
    from opticlir.lab.probes.geometry import Geometry
    from opticlir.records import SentencePair

_ROWS = {
    "alignment": "mean squared distance of translations; lower is nearer",
    "uniformity_english": "spread within English; lower is wider",
    "uniformity_foreign": "spread within the language",
    "uniformity_cross": "spread between the two",
    "cosine_pairs": "mean cosine of translations",
    "cosine_random": "mean cosine of other pairs",
    "cosine_margin": "the difference of the two",
    "csls_to_english": "share of sentences that find their translation",
    "csls_from_english": "the same from English",
    "language_identity": "share whose language a linear probe tells; .5 is chance",
}
_COLUMNS = {
    "alignment": "alignment",
    "uniformity_english": "unif. eng",
    "uniformity_foreign": "unif. own",
    "uniformity_cross": "unif. both",
    "cosine_margin": "cos margin",
    "csls_to_english": "CSLS to",
    "csls_from_english": "CSLS from",
}
"""What is said of each layer."""


@lab.command()
def geometry(
    bitext: Annotated[
        str, typer.Option(help="Sentence pairs that the model was not trained on, FILE in any bitext format.")
    ],
    model: Annotated[str, typer.Option(help="Model folder, hub name or minilm.")],
    language: Annotated[str, typer.Option(help="Language of the foreign side, any code.")],
    pairs: Annotated[int, typer.Option(min=2, help="How many pairs are drawn, of larger files.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw.")] = 0,
    layers: Annotated[
        bool,
        typer.Option(
            "--layers", help="Also measure every layer of the query encoder against the document encoder's."
        ),
    ] = False,
    html: Annotated[
        Path | None, typer.Option(help="Draw the layers into this HTML page; with --layers.", dir_okay=False)
    ] = None,
    lenient: Lenient = False,
    as_json: AsJson = False,
) -> None:
    """Measure alignment, uniformity, translation retrieval and language identity of a model on sentence pairs.

    The foreign side goes through the query route, the English side through the document route, and a
    sentence is the mean of its tokens. Read nearness beside spread: where everything is near everything,
    translations are too.

    Example: opticlir lab geometry --bitext held-out.tsv --model swahili --language swa
    """
    if html is not None and not layers:
        raise typer.BadParameter("it draws the layers: give --layers too", param_hint="--html")
    chosen = _drawn(Path(bitext), language, pairs, seed, lenient=lenient)
    found, spaces = _measured(model, chosen, layers=layers)
    if html is not None:
        _write_page(html, model, spaces)
    figures = _figures(found)
    if as_json:
        by_layer = {"layers": [_figures(space) for space in spaces]} if layers else {}
        print_json({**figures, **by_layer, "pairs": len(chosen)})
        return
    for name, meaning in _ROWS.items():
        typer.echo(f"{name:20}{figures[name]:9.4f}  {meaning}")
    typer.echo(f"{len(chosen)} pairs")
    if layers:
        typer.echo("\n" + "\n".join(_table(spaces)))


def _drawn(path: Path, language: str, n_pairs: int, seed: int, *, lenient: bool) -> "list[SentencePair]":
    import numpy as np

    from opticlir.data import SkipReport, read_bitext
    from opticlir.errors import DataError

    skipped = SkipReport(lenient=lenient)
    found = list(dict.fromkeys(read_bitext(path, language=language, skipped=skipped)))
    if summary := skipped.summary():
        typer.echo(summary, err=True)
    if len(found) < 2:
        raise DataError(f"{path}: one sentence pair alone has no geometry: give 2 or more")
    if len(found) <= n_pairs:
        return found
    chosen = np.random.default_rng(seed).choice(len(found), size=n_pairs, replace=False)
    return [found[number] for number in sorted(chosen.tolist())]


def _measured(model: str, pairs: "list[SentencePair]", *, layers: bool) -> "tuple[Geometry, list[Geometry]]":
    """The space of the model, and that of each layer, the word embeddings first."""
    from opticlir.cli.libraries import quieten

    quieten()
    from opticlir.encoder import encode_documents, encode_queries, layer_vectors, load_model
    from opticlir.errors import ArtefactError
    from opticlir.lab.probes.geometry import measure_geometry, sentence_vectors

    encoder = load_model(model)
    foreign_texts, english_texts = [pair.foreign for pair in pairs], [pair.english for pair in pairs]
    try:
        foreign = sentence_vectors(encode_queries(encoder, foreign_texts))
        english = sentence_vectors(encode_documents(encoder, english_texts))
    except ValueError as error:
        raise ArtefactError(f"{model}: {error}") from None
    found = measure_geometry(foreign, english, is_probed=True)
    if not layers:
        return found, []
    students, teachers = (
        layer_vectors(encoder, foreign_texts, "query"), layer_vectors(encoder, english_texts, "document")
    )  # fmt: skip
    if students.shape != teachers.shape:
        sizes = " and ".join(f"{len(each)} layers of {each.shape[2]}" for each in (students, teachers))
        raise ArtefactError(
            f"{model}: the query and the document encoder have {sizes} dimensions: layers can be compared one by "
            "one only where both are built alike; leave --layers out"
        )
    return found, [measure_geometry(*sides) for sides in zip(students, teachers, strict=True)]


def _figures(space: "Geometry") -> dict[str, Any]:
    figures = {**asdict(space), "cosine_margin": space.cosine_margin}
    return {name: value for name, value in figures.items() if value is not None}


def _table(spaces: "Sequence[Geometry]") -> list[str]:
    lines = ["layer" + "".join(f"{name:>12}" for name in _COLUMNS.values())]
    for number, space in enumerate(spaces):
        figures = _figures(space)
        lines.append(f"{number:5}" + "".join(f"{figures[name]:12.4f}" for name in _COLUMNS))
    return lines


def _write_page(path: Path, model: str, spaces: "Sequence[Geometry]") -> None:
    from opticlir.pictures import LineChart, Prose, Section, Table, report_html
    from opticlir.storage import write_text_atomically

    figures = [_figures(space) for space in spaces]

    def chart(title: str, names: dict[str, str], top: float | None = None) -> LineChart:
        numbers = [float(number) for number in range(len(figures))]
        lines = {name: (numbers, [each[key] for each in figures]) for key, name in names.items()}
        return LineChart(title, lines, top=top, across="layer")

    shares = {"csls_to_english": "CSLS to English", "csls_from_english": "CSLS from English",
              "cosine_margin": "cosine margin"}  # fmt: skip
    distances = {
        "alignment": "alignment",
        "uniformity_foreign": "uniformity",
        "uniformity_cross": "across languages",
    }
    page = report_html(
        f"Layers of {model}",
        [
            Section("Translations found", [
                Prose("Share of sentences that find their translation, and how much nearer translations are than other "
                      "pairs. Layer 0 is the word embeddings, before the encoder has read a sentence."),
                chart("Higher is better", shares, top=1.0),
            ]),
            Section("Nearness and spread", [
                Prose("Alignment: how far translations lie apart. Uniformity: how crowded the sentences of the "
                      "language, and of both, are. Lower is better in all three."),
                chart("Lower is better", distances),
            ]),
            Section("Figures", [
                Table(("layer", *_COLUMNS.values()),
                      [[number, *(each[name] for name in _COLUMNS)] for number, each in enumerate(figures)])
            ]),
        ],
    )  # fmt: skip
    write_text_atomically(path, page)
    typer.echo(f"{path}: page written", err=True)
