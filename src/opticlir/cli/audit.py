"""`opticlir audit`: check a bitext before training."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opticlir.cli.app import MEASURE, AsJson, Lenient, MinScore, TableColumns, app, print_json
from opticlir.languages import language_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table
    from tokenizers import Tokenizer

    from opticlir.data.audit import BitextAudit
    from opticlir.data.audit.audit import CountCut


@app.command(rich_help_panel=MEASURE)
def audit(
    bitext: Annotated[
        list[str],
        typer.Argument(
            help="Sentence pairs, FILE or FILE:WEIGHT: TSV, CSV, Moses, JSON, .po, TMX, XLIFF, Parquet or a zip of "
            "one; plain or compressed."
        ),
    ],
    language: Annotated[str, typer.Option(help="Language of the foreign side, ISO 639-3 (swa) or any code.")],
    queries: Annotated[
        Path | None, typer.Option(help="Queries in the language, compared with the bitext.")
    ] = None,
    tokenizer: Annotated[
        str,
        typer.Option(
            help="Tokenizer of the student: minilm, e5, a model folder, a hub name or a tokenizer.json."
        ),
    ] = "minilm",
    columns: TableColumns = None,
    min_score: MinScore = None,
    drop_suspect: Annotated[
        bool,
        typer.Option("--drop-suspect", help="Say what `train --drop-suspect` would leave out, and why."),
    ] = False,
    teacher: Annotated[
        str | None,
        typer.Option(
            help="English encoder of the training; it says which English sides are too long.",
            show_default="the model of --tokenizer",
        ),
    ] = None,
    lenient: Lenient = False,
    as_json: AsJson = False,
) -> None:
    """Find problems in sentence pairs before training.

    Example: opticlir audit news.tsv questions.tsv:3 --language swa --queries topics.tsv
    """
    from opticlir.data import parse_bitext_argument, read_queries
    from opticlir.data.audit import audit_bitext
    from opticlir.data.pair_choice import PairChoice

    files = [parse_bitext_argument(argument) for argument in bitext]
    read, count_cut = _encoders(tokenizer, teacher)
    found = audit_bitext(
        files,
        language=language,
        tokenizer=read,
        queries=read_queries(queries, language) if queries else (),
        count_cut=count_cut,
        lenient=lenient,
        read=PairChoice.of(columns, min_score).read,
        count_suspects=drop_suspect,
    )
    if as_json:
        print_json(found.as_json())
    else:
        _print(found)


def _encoders(student: str, teacher: str | None) -> "tuple[Tokenizer, CountCut | None]":
    """The student's tokenizer, and what counts sentences that are too long; None without a model."""
    from opticlir.encoder import load_model, load_tokenizer, transformer_of
    from opticlir.training.sentence_length import cut_sentences

    if student.endswith(".json"):
        return load_tokenizer(student), None
    reader = load_model(student, device="cpu")
    english = load_model(teacher, device="cpu") if teacher and teacher != student else reader
    return transformer_of(reader, "query").tokenizer.backend_tokenizer, partial(
        cut_sentences, reader, english
    )


def _print(found: "BitextAudit") -> None:
    """Print the tables and the warnings."""
    from rich.console import Console

    from opticlir.visible import visible

    console = Console(highlight=False, markup=False)
    console.print(_file_table(found))
    console.print(_figure_table(found))
    if found.length_outliers:
        console.print(_outlier_table(found))
    for note in found.notes:
        console.print(visible(note), soft_wrap=True)
    for warning in found.warnings:
        console.print(f"! {visible(warning)}", style="yellow", soft_wrap=True)
    if not found.warnings:
        console.print("no problems found", style="green")


def _file_table(found: "BitextAudit") -> "Table":
    from rich import box
    from rich.table import Table

    from opticlir.visible import visible

    title = f"English-{language_name(found.language)} bitext"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    table.add_column("file", overflow="fold", min_width=12)
    for heading in ("weight", "pairs", "empty", "copied", "broken", "questions", "ratio"):
        table.add_column(heading, justify="right")
    for figures in found.files:
        table.add_row(
            visible(Path(figures.path).name), f"{figures.weight:g}", str(figures.n_pairs), str(figures.n_empty),
            str(figures.n_copied), str(figures.n_malformed), f"{figures.question_share:.1%}",
            f"{figures.length_ratio_median:.2f}",
        )  # fmt: skip
    return table


def _figure_table(found: "BitextAudit") -> "Table":
    from rich.table import Table

    from opticlir.visible import visible

    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in _figures(found):
        table.add_row(name, visible(value))
    return table


def _figures(found: "BitextAudit") -> "Iterator[tuple[str, str]]":
    """Yield name and value of each figure over all files."""
    estimated = (
        f", estimated from one pair in {found.duplicates_one_in}" if found.duplicates_one_in > 1 else ""
    )
    tokens = found.tokenization
    yield "pairs", str(found.n_pairs)
    yield "exact duplicates", f"{found.n_duplicates}{estimated}"
    quantiles = (f"{float(share):.0%}: {ratio:.2f}" for share, ratio in found.length_ratio.items())
    yield "length ratio", f"foreign to English characters; {', '.join(quantiles)}"
    yield "length outliers", str(found.n_length_outliers)
    if found.alignment is None:
        yield "shifted", "too few pairs to tell"
    else:
        yield "shifted", f"{found.n_shifted_pairs} of {found.alignment.n_pairs} pairs checked"
    yield "without matching words", f"{len(found.unmatched)} of {found.n_judged} longer pairs checked"
    damage = (f"{kind} {count}" for kind, count in found.damage.items())
    yield "damaged", ", ".join(damage) or "0"
    if found.suspects is not None:
        reasons = (f"{count} {reason}" for reason, count in found.suspects.items())
        yield "left out by train --drop-suspect", ", ".join(reasons) or "0"
    yield "scripts", ", ".join(f"{name} {share:.1%}" for name, share in list(found.scripts.items())[:5])
    yield (
        "tokens per word",
        f"{tokens.tokens_per_word:.2f} (English {tokens.tokens_per_word_english:.2f}; {tokens.n_sentences} sentences)",
    )
    unknown = ", ".join(f"{word} {count}" for word, count in tokens.unknown_words[:5])
    yield "unknown tokens", f"{tokens.unknown_rate:.2%}{f' ({unknown})' if unknown else ''}"
    lost = ", ".join(str(character) for character in tokens.lost_characters[:5])
    yield "letters changed", f"{tokens.lost_rate:.2%}{f' ({lost})' if lost else ''}"
    if cut := found.cut_sentences:
        yield (
            "cut while training",
            f"{cut.english} English sides (above {cut.english_tokens} tokens), {cut.foreign} foreign sides (above "
            f"{cut.foreign_tokens}); {cut.n_pairs} pairs checked",
        )
    if register := found.register:
        yield (
            "queries",
            (
                f"{register.n_queries}; median length {register.query_characters_median:.0f} characters against "
                f"{register.bitext_characters_median:.0f} in bitext; questions {register.query_question_share:.0%} "
                f"against {register.bitext_question_share:.0%}; {register.unseen_word_rate:.1%} of the words unseen"
            ),
        )


def _outlier_table(found: "BitextAudit") -> "Table":
    from rich import box
    from rich.table import Table

    from opticlir.visible import visible

    title = "Most unusual length ratios"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    table.add_column("file:pair", overflow="fold", min_width=20)
    table.add_column("ratio", justify="right")
    table.add_column("English", ratio=1)
    table.add_column("foreign", ratio=1)
    for pair in found.length_outliers:
        place = f"{visible(Path(pair.path).name)}:{pair.pair}"
        table.add_row(place, f"{pair.ratio:.2f}", _shortened(pair.english), _shortened(pair.foreign))
    return table


def _shortened(text: str) -> str:
    """The beginning of a text, shown safely."""
    from opticlir.visible import visible

    text = visible(text)
    return text if len(text) <= 60 else f"{text[:59]}…"
