"""`opticlir audit`: check a bitext before training."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opticlir.cli.app import MEASURE, AsJson, Lenient, app, print_json
from opticlir.languages import language_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from opticlir.data.audit import BitextAudit


@app.command(rich_help_panel=MEASURE)
def audit(
    bitext: Annotated[
        list[str],
        typer.Argument(
            help="Sentence pairs, FILE or FILE:WEIGHT: TSV, Moses, JSONL, .po or TMX, plain or .gz."
        ),
    ],
    language: Annotated[str, typer.Option(help="Language of the foreign side, ISO 639-3 (swa) or any code.")],
    queries: Annotated[
        Path | None, typer.Option(help="Queries in the language, compared with the bitext.")
    ] = None,
    tokenizer: Annotated[
        str,
        typer.Option(
            help="Tokenizer of the student: minilm, a model folder, a hub name or a tokenizer.json."
        ),
    ] = "minilm",
    lenient: Lenient = False,
    as_json: AsJson = False,
) -> None:
    """Find problems in sentence pairs before training.

    Example: opticlir audit news.tsv questions.tsv:3 --language swa --queries topics.tsv
    """
    from opticlir.cli.libraries import quieten

    quieten()
    from opticlir.data import parse_bitext_argument, read_queries
    from opticlir.data.audit import audit_bitext
    from opticlir.encoder import load_tokenizer

    files = [parse_bitext_argument(argument) for argument in bitext]
    found = audit_bitext(
        files,
        language=language,
        tokenizer=load_tokenizer(tokenizer),
        queries=read_queries(queries, language) if queries else (),
        lenient=lenient,
    )
    if as_json:
        print_json(found.as_json())
    else:
        _print(found)


def _print(found: "BitextAudit") -> None:
    """Print the tables and the warnings."""
    from rich.console import Console

    from opticlir.data.visible import visible

    console = Console(highlight=False, markup=False)
    console.print(_file_table(found))
    console.print(_figure_table(found))
    if found.length_outliers:
        console.print(_outlier_table(found))
    for warning in found.warnings:
        console.print(f"! {visible(warning)}", style="yellow", soft_wrap=True)
    if not found.warnings:
        console.print("no problems found", style="green")


def _file_table(found: "BitextAudit") -> "Table":
    from rich import box
    from rich.table import Table

    from opticlir.data.visible import visible

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

    from opticlir.data.visible import visible

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
    yield "scripts", ", ".join(f"{name} {share:.1%}" for name, share in list(found.scripts.items())[:5])
    yield (
        "tokens per word",
        f"{tokens.tokens_per_word:.2f} (English {tokens.tokens_per_word_english:.2f}; {tokens.n_sentences} sentences)",
    )
    unknown = ", ".join(f"{word} {count}" for word, count in tokens.unknown_words[:5])
    yield "unknown tokens", f"{tokens.unknown_rate:.2%}{f' ({unknown})' if unknown else ''}"
    lost = ", ".join(str(character) for character in tokens.lost_characters[:5])
    yield "letters changed", f"{tokens.lost_rate:.2%}{f' ({lost})' if lost else ''}"
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

    from opticlir.data.visible import visible

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
    from opticlir.data.visible import visible

    text = visible(text)
    return text if len(text) <= 60 else f"{text[:59]}…"
