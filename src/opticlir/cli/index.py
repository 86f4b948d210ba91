"""`opticlir index`, `add`, `delete` and `verify`: make an index of documents and keep it."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opticlir.cli.app import MAINTAIN, TRAIN_AND_SEARCH, AsJson, Device, IndexFolder, Lenient, app, print_json

if TYPE_CHECKING:
    from opticlir.data import SkipReport

Corpus = Annotated[
    Path,
    typer.Argument(
        exists=True, help="BEIR corpus.jsonl, a TSV of id, title and text, or a folder with either."
    ),
]
DocumentModel = Annotated[
    str, typer.Option(help="Model folder or name; its document route reads the corpus.")
]


class Precision(StrEnum):
    """How a token vector is kept."""

    FLOAT16 = "float16"
    FLOAT32 = "float32"


@app.command(rich_help_panel=TRAIN_AND_SEARCH)
def index(
    corpus: Corpus,
    model: DocumentModel,
    out: Annotated[Path, typer.Option(help="The index folder; an index there is replaced when all is done.")],
    dtype: Annotated[Precision, typer.Option(help="Precision of the stored vectors.")] = Precision.FLOAT16,
    device: Device = "auto",
    lenient: Lenient = False,
    as_json: AsJson = False,
) -> None:
    """Encode CORPUS and build an index of its token vectors, with a BM25 index beside it.

    Example: opticlir index corpus.jsonl --model model/ --out index/
    """
    from opticlir.cli.libraries import quieten
    from opticlir.cli.progress import progress_bars
    from opticlir.data import SkipReport, read_corpus

    quieten()
    from opticlir.manifest import input_checksums
    from opticlir.search import Retriever

    skipped = SkipReport(lenient=lenient)
    with progress_bars() as bars:
        built = Retriever.build(
            read_corpus(corpus, skipped=skipped),
            model,
            out,
            device=device,
            dtype=dtype.value,
            inputs=input_checksums([corpus]),
            progress=bars,
        )
    counts = {**built.counts, "skipped": skipped.n_malformed}
    if as_json:
        print_json({"index": str(out), **counts})
        return
    _print_skipped(skipped)
    typer.echo(
        f"{out}: {counts['documents']:,} documents, {counts['tokens']:,} token vectors "
        f"({counts['empty_documents']:,} empty and {counts['skipped']:,} malformed documents left out)"
    )


@app.command(rich_help_panel=MAINTAIN)
def add(
    index: IndexFolder,
    corpus: Corpus,
    model: DocumentModel,
    device: Device = "auto",
    lenient: Lenient = False,
    as_json: AsJson = False,
) -> None:
    """Add the documents of CORPUS to INDEX. Searches that are open keep the version they opened.

    Example: opticlir add index/ new.jsonl --model model/
    """
    from opticlir.cli.libraries import quieten
    from opticlir.cli.progress import progress_bars
    from opticlir.data import SkipReport, read_corpus

    quieten()
    from opticlir.manifest import input_checksums
    from opticlir.search import Retriever

    skipped = SkipReport(lenient=lenient)
    with progress_bars() as bars:
        opened = Retriever.open(index, model, device=device)
        before = len(opened)
        documents = read_corpus(corpus, skipped=skipped)
        opened.add(documents, inputs=input_checksums([corpus]), progress=bars)
    added = len(opened) - before
    if as_json:
        print_json({"index": str(index), "added": added, **opened.counts, "skipped": skipped.n_malformed})
        return
    _print_skipped(skipped)
    typer.echo(f"{index}: {added:,} documents added, {len(opened):,} in all")


@app.command(rich_help_panel=MAINTAIN)
def delete(
    index: IndexFolder,
    doc_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of the documents to delete.")],
    as_json: AsJson = False,
) -> None:
    """Delete documents from INDEX. An unknown id is an error, and then nothing is deleted.

    Example: opticlir delete index/ d17 d42
    """
    from opticlir.search.exact import ExactIndex

    opened = ExactIndex.open(index)
    left = opened.delete(doc_ids)
    if as_json:
        print_json({"index": str(index), "deleted": len(opened) - len(left), **left.manifest.counts})
    else:
        typer.echo(f"{index}: {len(opened) - len(left):,} documents deleted, {len(left):,} left")


@app.command(rich_help_panel=MAINTAIN)
def verify(index: IndexFolder, as_json: AsJson = False) -> None:
    """Read all of INDEX and compare it with its checksums; exit code 1 if a file is damaged.

    Example: opticlir verify index/
    """
    from opticlir.search.exact import ExactIndex

    opened = ExactIndex.open(index)
    opened.verify()
    if as_json:
        print_json({"index": str(index), "is_sound": True, **opened.manifest.counts})
    else:
        typer.echo(f"{index}: {len(opened):,} documents, no damage found")


def _print_skipped(skipped: "SkipReport") -> None:
    for message in skipped.messages:
        typer.echo(f"skipped: {message}", err=True)
