"""`opticlir lab translate`: the questions of a collection in English, by a rival; and `train-translator`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opticlir.cli.app import AsJson, print_json
from opticlir.lab.cli.app import lab

if TYPE_CHECKING:
    from opticlir.lab.rivals import Translator

Bitext = Annotated[
    list[str] | None, typer.Option(help="Sentence pairs to learn from, FILE or FILE:WEIGHT; repeat for more.")
]


@lab.command()
def translate(
    name: Annotated[str, typer.Argument(help="Collection, as of `opticlir lab benchmark`.")],
    language: Annotated[str, typer.Option(help="Language of the queries.")],
    by: Annotated[str, typer.Option(help="word-table, dictionary, seq2seq or apertium.")],
    out: Annotated[Path, typer.Option(help="File of the translations: query_id<TAB>English.")],
    data: Annotated[Path | None, typer.Option(help="Folder with the files of the collection.")] = None,
    split: Annotated[str, typer.Option(help="Which queries: dev, test, train.")] = "dev",
    bitext: Bitext = None,
    dictionary: Annotated[
        list[Path] | None, typer.Option(help="english<TAB>foreign entries; repeat for more.")
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a Marian, NLLB or M2M100 model, as it is or converted by CTranslate2, for seq2seq."
        ),
    ] = None,
    source: Annotated[str | None, typer.Option(help="The model's own code of the language.")] = None,
    target: Annotated[str | None, typer.Option(help="The model's own code of English.")] = None,
    pair: Annotated[str | None, typer.Option(help="Language pair of apertium, as eus-eng.")] = None,
    as_json: AsJson = False,
) -> None:
    """Translate the queries of a collection; `opticlir lab benchmark --queries` then asks them in English.

    What OUT holds already is not translated again. Where the collection has the English questions, BLEU and
    chrF are printed beside it (needs sacrebleu).

    Example: opticlir lab translate afriqa --data afriqa/clir --language hau --by word-table --bitext F --out hau.tsv
    """
    from opticlir.cli.libraries import quieten
    from opticlir.cli.progress import progress_bars
    from opticlir.lab.collections import load_benchmark

    task = load_benchmark(name, data, language, split)
    quieten()
    translators = {
        "word-table": lambda: _word_table(_required(bitext, "--bitext", by), language),
        "dictionary": lambda: _dictionary(_required(dictionary, "--dictionary", by)),
        "seq2seq": lambda: _seq2seq(_required(model, "--model", by), source, target),
        "apertium": lambda: _apertium(_required(pair, "--pair", by)),
    }
    if by not in translators:
        raise typer.BadParameter(f"{by!r}: expected {', '.join(translators)}", param_hint="--by")
    translator = translators[by]()

    from opticlir.lab.rivals import agreement, translate_queries

    with progress_bars() as bars:
        found = translate_queries(
            task.queries, translator, out, lambda done, total: bars("translating", done, total)
        )
    english = {query.query_id: query.text for query in task.english_queries}
    measures = (
        agreement([query.text for query in found], [english[query.query_id] for query in found])
        if english
        else {}
    )
    if as_json:
        print_json({"translations": str(out), "queries": len(found), **measures})
        return
    typer.echo(f"{out}: {len(found)} queries")
    for measure, value in measures.items():
        typer.echo(f"{measure}: {value:.1f}")


@lab.command()
def train_translator(
    bitext: Annotated[list[str], typer.Option(help="Sentence pairs, FILE or FILE:WEIGHT; repeat for more.")],
    language: Annotated[str, typer.Option(help="Language that is translated from.")],
    out: Annotated[Path, typer.Option(help="Folder of the model.")],
    minutes: Annotated[float, typer.Option(help="Time budget for the training steps.")] = 15.0,
    seed: Annotated[int, typer.Option(help="Of weights and data order.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Train a small neural translator into English from the bitext alone: the rival on equal data.

    Killed and started again with the same command, it goes on where it was.

    Example: opticlir lab train-translator --bitext hau.tsv --language hau --out hau-nmt --minutes 15
    """
    from opticlir.cli.bitext import read_pairs
    from opticlir.cli.libraries import quieten
    from opticlir.cli.progress import progress_bars

    pairs = read_pairs(bitext, language)
    quieten()
    from opticlir.lab.rivals.nmt import NmtConfig, train_translator

    with progress_bars() as bars:
        steps = train_translator(
            pairs,
            out,
            NmtConfig(minutes=minutes, seed=seed),
            lambda done, total: bars("training", done, total),
        )
    if as_json:
        print_json({"model": str(out), "pairs": len(pairs), "steps": steps})
    else:
        typer.echo(f"{out}: {len(pairs)} pairs, {steps} steps")


def _required(value: Any, option: str, by: str) -> Any:
    if not value:
        raise typer.BadParameter(f"--by {by} needs it", param_hint=option)
    return value


def _word_table(bitext: list[str], language: str) -> "Translator":
    from opticlir.cli.bitext import read_pairs
    from opticlir.lab.rivals import WordTable

    return WordTable.learn(read_pairs(bitext, language))


def _dictionary(paths: list[Path]) -> "Translator":
    from opticlir.lab.rivals import Dictionary

    return Dictionary.read(paths)


def _seq2seq(folder: Path, source: str | None, target: str | None) -> "Translator":
    from opticlir.lab.rivals.neural import load_neural_translator

    return load_neural_translator(folder, source=source, target=target)


def _apertium(pair: str) -> "Translator":
    from opticlir.lab.rivals import Apertium

    return Apertium(pair)
