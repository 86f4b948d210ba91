"""`opticlir lab word-alignment`: how often the transport plan brings the right words together."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opticlir.cli.app import AsJson, print_json
from opticlir.lab.cli.app import lab

if TYPE_CHECKING:
    from opticlir.lab.probes.word_alignment import AlignmentScore
    from opticlir.records import GoldLinks, SentencePair

_TOGETHER = 64

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
            help="Links made by people, a line for each pair: 0-0 1-2 sure, 2p3 or 2?3 possible; words are "
            "counted from 0.",
            exists=True,
            dir_okay=False,
        ),
    ],
    model: Annotated[str, typer.Option(help="Model folder, hub name or minilm.")],
    language: Annotated[str, typer.Option(help="Language of the foreign side, any code.")],
    foreign_first: Annotated[
        bool, typer.Option("--foreign-first", help="The first number of a link is the foreign word.")
    ] = False,
    threshold: Annotated[
        float, typer.Option(min=0.01, max=1.0, help="Share of the mass of either word that makes a link.")
    ] = 0.3,
    as_json: AsJson = False,
) -> None:
    """Score the word links of the transport plan against gold links: precision, recall, alignment error rate.

    The foreign side goes through the query route, the English side through the document route; the mass that
    the plan moves is summed over the pieces of each word. The last row links what is each other's nearest
    by cosine, so that one sees what the plan adds.

    Example: opticlir lab word-alignment --bitext test.tsv --gold test.gold --model swahili --language swa
    """
    pairs = _pairs(Path(bitext), language)
    from opticlir.lab.probes.gold_links import read_gold_links

    links = read_gold_links(gold, pairs, foreign_first=foreign_first)
    scores, n_unread = _scores(model, pairs, links, threshold)
    figures = {rule: _figures(score) for rule, score in scores.items()}
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
    """All pairs of the file; none may be missing, since links are told apart by their line alone."""
    from opticlir.data import SkipReport, read_bitext
    from opticlir.errors import DataError

    skipped = SkipReport(lenient=False)
    found = list(read_bitext(path, language=language, skipped=skipped))
    if summary := skipped.summary():
        raise DataError(
            f"{path}: {summary}: line n of the links belongs to pair n, so that no pair may be missing"
        )
    return found


def _scores(
    model: str, pairs: "list[SentencePair]", gold: "list[GoldLinks]", threshold: float
) -> "tuple[dict[str, AlignmentScore], int]":
    """The score of each rule, and how many words no rule could link."""
    from opticlir.cli.libraries import quieten

    quieten()
    from opticlir.cli.progress import progress_bars
    from opticlir.encoder import encode_words, load_model
    from opticlir.errors import ArtefactError
    from opticlir.lab.probes.gold_links import spaced_words
    from opticlir.lab.probes.plan_links import link_words
    from opticlir.lab.probes.word_alignment import score_links

    encoder = load_model(model)
    found, n_unread = [], 0
    with progress_bars() as bars:
        for start in range(0, len(pairs), _TOGETHER):
            bars("aligning", start, len(pairs))
            chunk = pairs[start : start + _TOGETHER]
            foreign = encode_words(encoder, [pair.foreign for pair in chunk], "query", places_of=spaced_words)
            english = encode_words(
                encoder, [pair.english for pair in chunk], "document", places_of=spaced_words
            )
            n_unread += sum(side.n_without_vector for side in (*foreign, *english))
            try:
                found += [
                    link_words(*sides, threshold=threshold) for sides in zip(foreign, english, strict=True)
                ]
            except ValueError as error:
                raise ArtefactError(f"{model}: {error}") from None
        bars("aligning", len(pairs), len(pairs))
    return {
        rule: score_links((getattr(each, rule), links) for each, links in zip(found, gold, strict=True))
        for rule in _ROWS
    }, n_unread


def _figures(score: "AlignmentScore") -> dict[str, Any]:
    return {
        "precision": score.precision, "recall": score.recall, "AER": score.error_rate, "links": score.n_links
    }  # fmt: skip
