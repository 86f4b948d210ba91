"""`opticlir index`: documents in, a searchable folder out."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from opticlir.cli.app import AsJson, Lenient, app, print_json


class Precision(StrEnum):
    """How a token vector is kept."""

    FLOAT16 = "float16"
    FLOAT32 = "float32"


@app.command()
def index(
    corpus: Annotated[
        Path,
        typer.Argument(
            exists=True, help="BEIR corpus.jsonl, a TSV of id, title and text, or a folder with either."
        ),
    ],
    model: Annotated[str, typer.Option(help="Model folder or name; its document route encodes the corpus.")],
    out: Annotated[Path, typer.Option(help="The index folder; an index there is replaced when all is done.")],
    dtype: Annotated[Precision, typer.Option(help="Precision of the stored vectors.")] = Precision.FLOAT16,
    lenient: Lenient = False,
    as_json: AsJson = False,
) -> None:
    """Encode CORPUS and build an index of its token vectors, with BM25 beside it.

    Example: opticlir index corpus.jsonl --model model/ --out index/
    """
    from itertools import tee

    from rich.progress import track

    from opticlir.cli.libraries import quieten
    from opticlir.cli.progress import console
    from opticlir.data import SkipReport, read_corpus

    quieten()
    from opticlir.encoder import document_fingerprint, encode_documents, load_model
    from opticlir.manifest import input_checksums
    from opticlir.search import ExactIndex

    skipped = SkipReport(lenient=lenient)
    encoder = load_model(model)
    documents, to_encode = tee(read_corpus(corpus, skipped=skipped))
    tokens = encode_documents(encoder, (document.content for document in to_encode))
    entries = track(
        zip(documents, tokens, strict=True),
        description="Encoding documents",
        console=console,
        disable=as_json,
    )
    built = ExactIndex.create(
        out,
        entries,
        encoder=document_fingerprint(encoder),
        dtype=dtype.value,
        inputs=input_checksums([corpus]),
    )
    counts = {**built.manifest.counts, "skipped": skipped.n_malformed}
    if as_json:
        print_json({"index": str(out), **counts})
        return
    for message in skipped.messages:
        typer.echo(f"skipped: {message}", err=True)
    typer.echo(
        f"{out}: {counts['documents']:,} documents, {counts['tokens']:,} token vectors "
        f"({counts['empty_documents']:,} empty and {counts['skipped']:,} malformed documents left out)"
    )
