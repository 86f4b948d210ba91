"""`opticlir index`, `add`, `delete` and `verify`: build an index of documents and change it."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opticlir.cli.app import (
    MAINTAIN,
    TRAIN_AND_SEARCH,
    AsJson,
    Centre,
    Device,
    IndexFolder,
    Lenient,
    NumberFormat,
    Stride,
    WeightsDtype,
    Window,
    app,
    print_json,
    say,
)

if TYPE_CHECKING:
    from opticlir.data import SkipReport
    from opticlir.search import Retriever
    from opticlir.search.index_stats import Recall

Corpus = Annotated[
    Path,
    typer.Argument(
        exists=True,
        help="Documents: JSON lines, TSV, CSV, Parquet or TREC's <DOC>, plain or compressed; or a folder of them.",
    ),
]
DocumentModel = Annotated[
    str, typer.Option(help="Model folder or name; its document route encodes the corpus.")
]


class StoreFormat(StrEnum):
    """How a number of a stored token vector is kept."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    INT8 = "int8"
    BITS4 = "4bit"
    BITS2 = "2bit"


@app.command(rich_help_panel=TRAIN_AND_SEARCH)
def index(
    corpus: Corpus,
    model: DocumentModel,
    out: Annotated[
        Path,
        typer.Option(help="The index folder. An existing index is replaced when the new one is finished."),
    ],
    store: Annotated[
        StoreFormat, typer.Option(help="How a number of a stored vector is kept.")
    ] = StoreFormat.FLOAT16,
    store_dim: Annotated[
        int | None,
        typer.Option(
            min=4, help="Numbers of a stored vector, by a fitted projection; a multiple of 4. Default: all."
        ),
    ] = None,
    approximate: Annotated[
        bool | None,
        typer.Option(
            "--approximate/--exact",
            help="Search by estimates first, or score every document. Default: by the size of the index.",
        ),
    ] = None,
    window: Window = None,
    stride: Stride = None,
    centre: Centre = False,
    device: Device = "auto",
    weights_dtype: WeightsDtype = NumberFormat.AUTO,
    lenient: Lenient = False,
    as_json: AsJson = False,
) -> None:
    """Encode CORPUS and build an index of its token vectors and a BM25 index.

    CORPUS may also be a folder of shards that `opticlir encode` has written; then nothing is encoded.

    Example: opticlir index corpus.jsonl --model model/ --out index/
    """
    from opticlir.cli.progress import progress_bars
    from opticlir.data import CheckedCorpus, SkipReport
    from opticlir.manifest import input_checksums
    from opticlir.search import Retriever
    from opticlir.search.shards import is_shards

    skipped = SkipReport(lenient=lenient)
    with progress_bars() as bars:
        if is_shards(corpus):
            if window or stride is not None or centre:
                raise typer.BadParameter(
                    "--window, --stride and --centre are not for shards: they are encoded"
                )
            built = Retriever.from_shards(
                corpus, model, out, device=device, store=store.value, store_dim=store_dim,
                approximate=approximate, progress=bars,
            )  # fmt: skip
        else:
            built = Retriever.build(
                CheckedCorpus(corpus, skipped=skipped),
                model,
                out,
                device=device,
                weights_dtype=weights_dtype.value,
                store=store.value,
                store_dim=store_dim,
                window=window,
                stride=stride,
                centre=centre,
                approximate=approximate,
                inputs=input_checksums([corpus]),
                progress=bars,
            )
    counts = {**built.counts, "skipped": skipped.n_malformed}
    if as_json:
        print_json({"index": str(out), **counts})
        return
    print_skipped(skipped)
    say(
        f"{out}: {counts['documents']:,} documents, {counts['tokens']:,} token vectors "
        f"({counts['empty_documents']:,} empty and {counts['skipped']:,} malformed documents left out)"
    )
    for language, each in built.stats().recall.items():
        say(recall_line(language, each))
    _print_fields(built)
    _print_long(built)


@app.command(rich_help_panel=MAINTAIN)
def add(
    index: IndexFolder,
    corpus: Corpus,
    model: DocumentModel,
    device: Device = "auto",
    weights_dtype: WeightsDtype = NumberFormat.AUTO,
    update: Annotated[
        bool,
        typer.Option("--update", help="A document may have the id of one in INDEX, and takes its place."),
    ] = False,
    lenient: Lenient = False,
    as_json: AsJson = False,
) -> None:
    """Add the documents of CORPUS to INDEX, cut into passages as those in it. It costs the new documents alone.

    A search that is running keeps the version that it opened.

    Example: opticlir add index/ new.jsonl --model model/
    """
    from opticlir.cli.progress import progress_bars
    from opticlir.data import CheckedCorpus, SkipReport
    from opticlir.manifest import input_checksums
    from opticlir.search import Retriever

    skipped = SkipReport(lenient=lenient)
    with progress_bars() as bars:
        opened = Retriever.open(index, model, device=device, weights_dtype=weights_dtype.value)
        before = len(opened)
        documents = CheckedCorpus(corpus, skipped=skipped)
        opened.add(documents, update=update, inputs=input_checksums([corpus]), progress=bars)
    added = len(opened) - before
    if as_json:
        print_json({"index": str(index), "added": added, **opened.counts, "skipped": skipped.n_malformed})
        return
    print_skipped(skipped)
    more = f"updated, {added:,} documents more than before" if update else f"{added:,} documents added"
    say(f"{index}: {more}, {len(opened):,} in all")
    _print_fields(opened)
    _print_long(opened)


@app.command(rich_help_panel=MAINTAIN)
def delete(
    index: IndexFolder,
    doc_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of the documents to delete.")],
    as_json: AsJson = False,
) -> None:
    """Delete documents from INDEX. If an id is unknown, nothing is deleted.

    Example: opticlir delete index/ d17 d42
    """
    from opticlir.search.exact import ExactIndex

    opened = ExactIndex.open(index)
    left = opened.delete(doc_ids)
    if as_json:
        print_json({"index": str(index), "deleted": len(opened) - len(left), **left.manifest.counts})
    else:
        say(f"{index}: {len(opened) - len(left):,} documents deleted, {len(left):,} left")


@app.command(rich_help_panel=MAINTAIN)
def verify(index: IndexFolder, as_json: AsJson = False) -> None:
    """Read all of INDEX and compare it with its checksums. Exit with 1 if a file is damaged.

    Example: opticlir verify index/
    """
    from opticlir.search.exact import ExactIndex

    opened = ExactIndex.open(index)
    opened.verify()
    if as_json:
        print_json({"index": str(index), "is_sound": True, **opened.manifest.counts})
    else:
        say(f"{index}: {len(opened):,} documents, no damage found")


def recall_line(language: str, measured: "Recall") -> str:
    """What was measured of approximate searches, in words."""
    return (
        f"approximate search finds {measured.recall:.1%} of the exact ten best: {measured.questions:,} questions in "
        f"{language}, {measured.documents:,} documents"
    )


def _print_long(retriever: "Retriever") -> None:
    if said := retriever.long_documents:
        typer.echo(said)


def _print_fields(retriever: "Retriever") -> None:
    if kinds := retriever.index.field_kinds:
        say(f"fields: {', '.join(f'{name} ({kind})' for name, kind in kinds.items())}")


def print_skipped(skipped: "SkipReport") -> None:
    """Say which records were left out, and what else is worth a remark."""
    for message in skipped.messages:
        say(f"skipped: {message}", err=True)
    for remark in skipped.remarks:
        say(f"note: {remark}", err=True)
