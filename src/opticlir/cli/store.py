"""`opticlir stats`, `optimize` and `snapshot`: what an index takes, less of it, and a second index from it."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from opticlir.cli.app import MAINTAIN, AsJson, IndexFolder, app, print_json, say
from opticlir.cli.index import StoreFormat, recall_line


@app.command(rich_help_panel=MAINTAIN)
def stats(
    index: IndexFolder,
    documents: Annotated[
        int | None, typer.Option(min=1, help="Say what so many documents like those of INDEX would take.")
    ] = None,
    store: Annotated[StoreFormat | None, typer.Option(help="With --documents: in another store.")] = None,
    store_dim: Annotated[
        int | None, typer.Option(min=4, help="With --documents: numbers of a stored vector.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what INDEX holds, and what it takes on disk and in memory. With --documents, also what more would take.

    Example: opticlir stats index/ --documents 1000000
    """
    from rich.filesize import decimal

    from opticlir.search.exact import ExactIndex

    if documents is None and (store or store_dim):
        raise typer.BadParameter("--store and --store-dim go with --documents")
    opened = ExactIndex.open(index)
    found = opened.stats()
    planned = None
    if documents:
        planned = found.estimated(documents, store.value if store else None, store_dim)
    if as_json:
        names = ("estimated_disk_bytes", "estimated_memory_bytes")
        estimate = dict(zip(names, planned, strict=True)) if planned else {}
        print_json({"index": str(index), "version": opened.version, **asdict(found), **estimate})
        return
    per_document = found.disk_bytes // found.documents
    say(f"{index}: version {opened.version}")
    say(f"{found.documents:,} documents, {found.passages:,} passages, {found.tokens:,} token vectors")
    say(f"{found.segments:,} segments, {found.tombstones:,} deleted documents that still take space")
    say(f"search: {found.search}")
    for language, each in found.recall.items():
        say(recall_line(language, each))
    say(f"vectors of {found.store_dim} numbers in {found.store}")
    say(f"disk: {decimal(found.disk_bytes)}, {decimal(per_document)} per document")
    say(f"memory of a search: about {decimal(found.memory_bytes)}")
    if planned:
        disk, memory = map(decimal, planned)
        say(f"{documents:,} such documents: about {disk} on disk, {memory} of memory")


@app.command(rich_help_panel=MAINTAIN)
def recall(
    index: IndexFolder,
    model: Annotated[str, typer.Option(help="Model folder or name; its query route encodes the questions.")],
    bitext: Annotated[
        Path, typer.Option(exists=True, help="Sentence pairs; the side that is not English asks.")
    ],
    language: Annotated[str, typer.Option(help="Language of that side, any code.")],
    questions: Annotated[
        int, typer.Option(min=1, help="Pairs that ask, at equal distances in the file.")
    ] = 200,
    as_json: AsJson = False,
) -> None:
    """Measure how many of the exact ten best the approximate search of INDEX finds, and record it in INDEX.

    Example: opticlir recall index/ --model model/ --bitext pairs.tsv --language swa
    """
    from opticlir.data import read_bitext
    from opticlir.search import Retriever

    texts = [pair.foreign for pair in read_bitext(bitext, language=language)]
    opened = Retriever.open(index, model)
    opened.measure_recall(texts[:: -(-len(texts) // questions)], language=language)
    measured = opened.stats().recall[language]
    if as_json:
        print_json({"index": str(index), "language": language, **asdict(measured)})
    else:
        say(f"{index}: {recall_line(language, measured)}")


@app.command(rich_help_panel=MAINTAIN)
def optimize(index: IndexFolder, as_json: AsJson = False) -> None:
    """Write INDEX as one segment without deleted documents. Nothing is encoded again, and answers stay the same.

    Example: opticlir optimize index/
    """
    from rich.filesize import decimal

    from opticlir.search.exact import ExactIndex

    before = ExactIndex.open(index)
    after = before.optimize()
    old, new = before.stats(), after.stats()
    if as_json:
        print_json({"index": str(index), **asdict(new)})
    else:
        say(
            f"{index}: {old.segments:,} segments became {new.segments:,}, "
            f"{decimal(old.disk_bytes)} became {decimal(new.disk_bytes)}"
        )


@app.command(rich_help_panel=MAINTAIN)
def snapshot(
    index: IndexFolder,
    folder: Annotated[Path, typer.Argument(help="Folder of the second index; absent, empty or an index.")],
    as_json: AsJson = False,
) -> None:
    """Publish the current version of INDEX in FOLDER as well; it opens as an index.

    On the same file system the files share their space (hard links). For a copy that survives the disk, choose another.

    Example: opticlir snapshot index/ index-of-monday/
    """
    from opticlir.search.exact import ExactIndex

    made = ExactIndex.open(index).snapshot(folder)
    if as_json:
        print_json({"index": str(index), "snapshot": str(folder), **made.counts})
    else:
        say(f"{folder}: {len(made):,} documents")
