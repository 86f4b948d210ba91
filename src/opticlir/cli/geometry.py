"""`opticlir geometry`: how near translations lie to each other, and how spread out everything else."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opticlir.cli.app import AsJson, Lenient, app, print_json

if TYPE_CHECKING:
    from opticlir.evaluation.geometry import Geometry
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
}


@app.command()
def geometry(
    bitext: Annotated[
        str, typer.Option(help="Sentence pairs that the model was not trained on, FILE in any bitext format.")
    ],
    model: Annotated[str, typer.Option(help="Model folder, hub name or minilm.")],
    language: Annotated[str, typer.Option(help="Language of the foreign side, any code.")],
    pairs: Annotated[int, typer.Option(min=2, help="How many pairs are drawn, of larger files.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw.")] = 0,
    lenient: Lenient = False,
    as_json: AsJson = False,
) -> None:
    """Measure alignment, uniformity and translation retrieval of a model on sentence pairs.

    The foreign side goes through the query route, the English side through the document route, and a
    sentence is the mean of its tokens. Read nearness beside spread: where everything is near everything,
    translations are too.

    Example: opticlir geometry --bitext held-out.tsv --model swahili --language swa
    """
    chosen = _drawn(Path(bitext), language, pairs, seed, lenient=lenient)
    found = _measured(model, chosen)
    figures = {**asdict(found), "cosine_margin": found.cosine_margin}
    if as_json:
        print_json({**figures, "pairs": len(chosen)})
        return
    for name, meaning in _ROWS.items():
        typer.echo(f"{name:20}{figures[name]:9.4f}  {meaning}")
    typer.echo(f"{len(chosen)} pairs")


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


def _measured(model: str, pairs: "list[SentencePair]") -> "Geometry":
    from opticlir.cli.libraries import quieten

    quieten()
    from opticlir.encoder import encode_documents, encode_queries, load_model
    from opticlir.errors import ArtefactError
    from opticlir.evaluation.geometry import measure_geometry, sentence_vectors

    encoder = load_model(model)
    try:
        foreign = sentence_vectors(encode_queries(encoder, [pair.foreign for pair in pairs]))
        english = sentence_vectors(encode_documents(encoder, (pair.english for pair in pairs)))
    except ValueError as error:
        raise ArtefactError(f"{model}: {error}") from None
    return measure_geometry(foreign, english)
