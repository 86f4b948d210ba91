"""`opticlir encode`: encode a large corpus in parts, by any number of processes."""

from pathlib import Path
from typing import Annotated

import typer

from opticlir.cli.app import (
    MAINTAIN,
    AsJson,
    Device,
    Lenient,
    NumberFormat,
    Stride,
    WeightsDtype,
    Window,
    app,
    print_json,
    say,
)
from opticlir.cli.index import Corpus, DocumentModel, print_skipped


@app.command(rich_help_panel=MAINTAIN)
def encode(
    corpus: Corpus,
    model: DocumentModel,
    out: Annotated[Path, typer.Option(help="Folder for the shards.")],
    shard_documents: Annotated[int, typer.Option(min=1, help="Documents of a shard.")] = 10_000,
    window: Window = None,
    stride: Stride = None,
    device: Device = "auto",
    weights_dtype: WeightsDtype = NumberFormat.AUTO,
    lenient: Lenient = False,
    as_json: AsJson = False,
) -> None:
    """Encode CORPUS in shards, for `opticlir index`. Run the same command on several machines that share OUT.

    Each process takes the next shard that is missing and that no other process is writing. Interrupted? Run the same
    command to resume.

    Example: opticlir encode corpus.jsonl --model model/ --out shards/
    """
    from opticlir.cli.progress import progress_bars
    from opticlir.data import CheckedCorpus, SkipReport
    from opticlir.encoder import Windows, load_model
    from opticlir.manifest import input_checksums
    from opticlir.search.shards import encode_shards

    skipped = SkipReport(lenient=lenient)
    documents = CheckedCorpus(corpus, skipped=skipped)
    with progress_bars() as bars:
        encoder = load_model(model, device=device, weights_dtype=weights_dtype.value)
        done = encode_shards(
            documents, encoder, out, documents=len(documents), windows=Windows(encoder, window, stride),
            shard_documents=shard_documents, inputs=input_checksums([corpus]), progress=bars,
        )  # fmt: skip
    if as_json:
        print_json(
            {"out": str(out), "shards": done.shards, "encoded": done.encoded, "other_processes": done.others,
             "skipped": skipped.n_malformed}
        )  # fmt: skip
        return
    print_skipped(skipped)
    say(f"{out}: {done.encoded:,} of {done.shards:,} shards encoded now")
    if done.others:
        say(f"{done.others:,} shards were being written by other processes: wait for them before you index")
