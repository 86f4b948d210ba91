"""`opticlir lab word-alignment`: score the word links of the transport plan against gold links."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opticlir.cli.app import AsJson, Device, print_json
from opticlir.cli.benchmark import ModelName
from opticlir.lab.cli.app import ForeignLanguage, lab

if TYPE_CHECKING:
    from opticlir.lab.probes.word_alignment import AlignmentScore
    from opticlir.records import SentencePair

_ROWS = {
    "intersection": "plan, most of the mass both ways",
    "threshold": "plan, a share of the mass both ways",
    "nearest": "no plan, nearest cosine both ways",
}


@lab.command("word-alignment")
def word_alignment(
    bitext: Annotated[
        str, typer.Option(help="Sentence pairs with spaces between the words, FILE in any bitext format.")
    ],
    gold: Annotated[
        Path,
        typer.Option(
            help="Links made by people, one line per pair: 0-0 1-2 are sure, 2p3 or 2?3 possible. Words count from 0.",
            exists=True,
            dir_okay=False,
        ),
    ],
    model: ModelName,
    language: ForeignLanguage,
    foreign_first: Annotated[
        bool, typer.Option("--foreign-first", help="The first number of a link is the foreign word.")
    ] = False,
    threshold: Annotated[
        float, typer.Option(min=0.01, max=1.0, help="Share of the mass of either word that makes a link.")
    ] = 0.3,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Score the word links of the transport plan against gold links: precision, recall, alignment error rate.

    The query route encodes the foreign side, the document route the English side. The mass that the plan moves is
    summed over the pieces of each word. The last row links mutual nearest neighbours by cosine, without a plan.

    Example: opticlir lab word-alignment --bitext test.tsv --gold test.gold --model swahili --language swa
    """
    from opticlir.cli.progress import progress_bars

    pairs = _pairs(Path(bitext), language)
    from opticlir.encoder import load_model
    from opticlir.errors import ArtefactError
    from opticlir.lab.probes.gold_links import read_gold_links
    from opticlir.lab.probes.plan_links import score_word_alignment

    links = read_gold_links(gold, pairs, foreign_first=foreign_first)
    with progress_bars() as bars:
        try:
            found = score_word_alignment(
                load_model(model, device=device), pairs, links, threshold=threshold, progress=bars
            )
        except ValueError as error:
            raise ArtefactError(f"{model}: {error}") from None
    figures, n_unread = (
        {rule: _figures(score) for rule, score in found.scores.items()},
        found.n_without_vector,
    )
    if as_json:
        print_json({
            **figures, "threshold_share": threshold, "pairs": len(pairs), "words_without_vector": n_unread
        })  # fmt: skip
        return
    typer.echo(f"{'':38}{'precision':>10}{'recall':>10}{'AER':>10}{'links':>10}")
    for rule, meaning in _ROWS.items():
        row = figures[rule]
        precision = "-" if row["precision"] is None else f"{row['precision']:.4f}"
        typer.echo(f"{meaning:38}{precision:>10}{row['recall']:10.4f}{row['AER']:10.4f}{row['links']:10}")
    typer.echo(f"{len(pairs)} pairs, {sum(len(each.sure) for each in links)} sure links")
    if n_unread:
        typer.echo(f"{n_unread} words have no vector: their texts are longer than the model reads", err=True)


def _pairs(path: Path, language: str) -> "list[SentencePair]":
    """Read all pairs of the file. Links belong to pairs by their line, so no pair may be skipped."""
    from opticlir.data import SkipReport, read_bitext
    from opticlir.errors import DataError

    skipped = SkipReport(lenient=False)
    found = list(read_bitext(path, language=language, skipped=skipped))
    if skipped.dropped:
        raise DataError(
            f"{path}: {skipped.summary()}: line n of the links belongs to pair n, so no pair may be missing"
        )
    return found


def _figures(score: "AlignmentScore") -> dict[str, Any]:
    return {
        "precision": score.precision, "recall": score.recall, "AER": score.error_rate, "links": score.n_links
    }  # fmt: skip
