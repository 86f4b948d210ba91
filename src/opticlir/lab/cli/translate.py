"""`opticlir lab translate` and `train-translator`: the questions of a test collection in English."""

from pathlib import Path
from typing import Annotated

import typer

from opticlir.cli.app import AsJson, print_json, say
from opticlir.lab.cli.app import (
    Bitext,
    CollectionFolder,
    CollectionName,
    OptionalBitext,
    QueryLanguage,
    Split,
    lab,
)


@lab.command()
def translate(
    name: CollectionName,
    language: QueryLanguage,
    by: Annotated[str, typer.Option(help="word-table, dictionary, seq2seq or apertium.")],
    out: Annotated[Path, typer.Option(help="File of the translations: query_id<TAB>English.")],
    data: CollectionFolder = None,
    split: Split = "dev",
    bitext: OptionalBitext = None,
    dictionary: Annotated[
        list[Path] | None, typer.Option(help="Bilingual dictionary, english<TAB>foreign; repeat for more.")
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            help="For seq2seq: folder of a Marian, NLLB or M2M100 model, or of its conversion for CTranslate2."
        ),
    ] = None,
    source: Annotated[str | None, typer.Option(help="The model's own code of the language.")] = None,
    target: Annotated[str | None, typer.Option(help="The model's own code of English.")] = None,
    pair: Annotated[str | None, typer.Option(help="Language pair of Apertium, as eus-eng.")] = None,
    as_json: AsJson = False,
) -> None:
    """Translate the queries of a test collection, for `opticlir lab benchmark --queries`.

    Queries that OUT already holds are not translated again. If the collection has English questions and sacrebleu is
    installed, BLEU and chrF are printed.

    Example: opticlir lab translate afriqa --data clir --language hau --by word-table --bitext F.tsv --out hau.tsv
    """
    from opticlir.cli.bitext import read_pairs
    from opticlir.cli.progress import progress_bars
    from opticlir.lab.collections import load_benchmark

    task = load_benchmark(name, data, language, split)
    from opticlir.lab.rivals import translate_task
    from opticlir.languages import language_code
    from opticlir.translation import load_translator
    from opticlir.translation.load import NEEDS

    if by not in NEEDS:
        raise typer.BadParameter(f"{by!r}: expected {', '.join(NEEDS)}", param_hint="--by")
    given = {"bitext": bitext, "dictionary": dictionary, "model": model, "pair": pair}
    if not given[NEEDS[by]]:
        raise typer.BadParameter(f"--by {by} needs it", param_hint=f"--{NEEDS[by]}")
    translator = load_translator(
        by, language=language_code(language),
        pairs=read_pairs(bitext, language) if by == "word-table" and bitext else [], dictionary=dictionary or [],
        model=model, source=source, target=target, pair=pair or "",
    )  # fmt: skip
    with progress_bars() as bars:
        found, measures = translate_task(task, translator, out, bars)
    if as_json:
        print_json({"translations": str(out), "queries": len(found), **measures})
        return
    say(f"{out}: {len(found)} queries")
    for measure, value in measures.items():
        typer.echo(f"{measure}: {value:.1f}")


@lab.command()
def train_translator(
    bitext: Bitext,
    language: Annotated[str, typer.Option(help="Language to translate from.")],
    out: Annotated[Path, typer.Option(help="Folder of the model.")],
    minutes: Annotated[float, typer.Option(help="Time budget for the training steps.")] = 15.0,
    seed: Annotated[int, typer.Option(help="Seed of weights and data order.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Train a small neural translator into English on the same bitext as a student.

    Interrupted? Run the same command to resume.

    Example: opticlir lab train-translator --bitext hau.tsv --language hau --out hau-nmt --minutes 15
    """
    from opticlir.cli.bitext import read_pairs
    from opticlir.cli.progress import progress_bars

    pairs = read_pairs(bitext, language)
    from opticlir.lab.rivals.nmt import NmtConfig, train_translator

    with progress_bars() as bars:
        steps = train_translator(
            pairs,
            out,
            NmtConfig(minutes=minutes, seed=seed),
            bars,
        )
    if as_json:
        print_json({"model": str(out), "pairs": len(pairs), "steps": steps})
    else:
        say(f"{out}: {len(pairs)} pairs, {steps} steps")
