"""`opticlir lab mine`: the translations hidden in two comparable corpora, as BUCC asks for them."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opticlir.cli.app import AsJson, print_json
from opticlir.lab.cli.app import lab

if TYPE_CHECKING:
    from opticlir.lab.collections.bucc import ComparableCorpora
    from opticlir.lab.probes.mining import MinedPair


@lab.command()
def mine(
    data: Annotated[Path, typer.Option(help="Folder with the files of BUCC 2018, in their original form.")],
    model: Annotated[str, typer.Option(help="Model folder, hub name or minilm.")],
    language: Annotated[str, typer.Option(help="Language of the foreign corpus, any code.")],
    split: Annotated[str, typer.Option(help="Which corpora: training, sample.")] = "training",
    threshold_split: Annotated[
        str | None,
        typer.Option(
            help="Choose the threshold on this one, as XTREME does on sample; else by the gold itself."
        ),
    ] = None,
    neighbours: Annotated[int, typer.Option(min=1, help="That a sentence is compared with.")] = 4,
    out: Annotated[
        Path | None,
        typer.Option(help="Write the pairs that were found: foreign<TAB>English.", dir_okay=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find the sentences of two corpora that translate each other, and give the F1 of BUCC.

    A sentence is the mean of its token vectors; a pair counts by its ratio margin, from both sides, each sentence
    once. Without --threshold-split the F1 is the best that any threshold could give.

    Example: opticlir lab mine --data bucc --model german --language deu --threshold-split sample
    """
    from opticlir.cli.libraries import quieten
    from opticlir.cli.progress import progress_bars
    from opticlir.lab.collections.bucc import load_corpora
    from opticlir.lab.probes.bitext_mining import run_mining

    corpora = load_corpora(data, language, split)
    rehearsal = load_corpora(data, language, threshold_split) if threshold_split else None
    quieten()
    from opticlir.encoder import load_model
    from opticlir.lab.probes.mining import best_threshold, score_mining

    with progress_bars() as bars:
        encoder = load_model(model)
        mined, gold = run_mining(corpora, encoder, k=neighbours, progress=bars)
        if rehearsal is None:
            score = best_threshold(mined, gold)
        else:
            chosen = best_threshold(*run_mining(rehearsal, encoder, k=neighbours, progress=bars))
            score = score_mining(mined, gold, chosen.threshold)
    if out is not None:
        _write_pairs(out, corpora, [pair for pair in mined if pair.margin >= score.threshold])
    if as_json:
        sizes = {"foreign": len(corpora.foreign), "english": len(corpora.english), "gold": len(gold)}
        print_json({**asdict(score), **sizes, "threshold_of": threshold_split or split})
        return
    typer.echo(f"F1 {score.f1:.4f}  precision {score.precision:.4f}  recall {score.recall:.4f}")
    typer.echo(f"margin of at least {score.threshold:.4f}, the best threshold of {threshold_split or split}")
    typer.echo(f"{len(gold)} translations in {len(corpora.foreign)} and {len(corpora.english)} sentences")


def _write_pairs(path: Path, corpora: "ComparableCorpora", pairs: "list[MinedPair]") -> None:
    from opticlir.storage import write_text_atomically

    lines = (
        f"{corpora.foreign[each.foreign].text}\t{corpora.english[each.english].text}\n" for each in pairs
    )
    write_text_atomically(path, "".join(lines))
