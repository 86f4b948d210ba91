"""`opticlir lab mine`: find the translations in two comparable corpora (BUCC)."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from opticlir.cli.app import AsJson, Device, print_json
from opticlir.cli.benchmark import ModelName
from opticlir.lab.cli.app import lab


@lab.command()
def mine(
    data: Annotated[Path, typer.Option(help="Folder with the original files of BUCC 2018.")],
    model: ModelName,
    language: Annotated[str, typer.Option(help="Language of the foreign corpus, any code.")],
    split: Annotated[str, typer.Option(help="Which corpora: training, sample.")] = "training",
    threshold_split: Annotated[
        str | None,
        typer.Option(
            help="Choose the threshold on this split, as XTREME does on sample. Default: on the split itself."
        ),
    ] = None,
    neighbours: Annotated[int, typer.Option(min=1, help="Neighbours that a sentence is compared with.")] = 4,
    out: Annotated[
        Path | None,
        typer.Option(help="Write the pairs that were found: foreign<TAB>English.", dir_okay=False),
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Find the sentences of two corpora that are translations, and print the F1 of BUCC.

    A sentence is the mean of its token vectors. A pair is scored by its ratio margin, and each sentence is used once.
    Without --threshold-split the F1 is the best that any threshold could give.

    Example: opticlir lab mine --data bucc --model german --language deu --threshold-split sample
    """
    from opticlir.cli.progress import progress_bars
    from opticlir.lab.collections.bucc import load_corpora

    corpora = load_corpora(data, language, split)
    rehearsal = load_corpora(data, language, threshold_split) if threshold_split else None
    from opticlir.encoder import load_model
    from opticlir.lab.probes.bitext_mining import mine_corpora

    with progress_bars() as bars:
        found = mine_corpora(
            corpora,
            load_model(model, device=device),
            threshold_corpora=rehearsal,
            k=neighbours,
            progress=bars,
        )
    if out is not None:
        from opticlir.storage import write_result

        foreign, english = corpora.foreign, corpora.english
        lines = (f"{foreign[each.foreign].text}\t{english[each.english].text}\n" for each in found.pairs)
        write_result(out, "".join(lines))
    score = found.score
    if as_json:
        sizes = {"foreign": len(corpora.foreign), "english": len(corpora.english), "gold": found.n_gold}
        print_json({**asdict(score), **sizes, "threshold_of": threshold_split or split})
        return
    typer.echo(f"F1 {score.f1:.4f}  precision {score.precision:.4f}  recall {score.recall:.4f}")
    typer.echo(f"margin of at least {score.threshold:.4f}, the best threshold of {threshold_split or split}")
    typer.echo(f"{found.n_gold} translations in {len(corpora.foreign)} and {len(corpora.english)} sentences")
