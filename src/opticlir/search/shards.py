"""Shards: a corpus that is encoded part by part, by one process or by many machines, before it is indexed.

A shard is an index of so many documents in a row, in full precision of float16. Each process takes the next shard that
no other one is writing, by its lock. So the same command can run on every machine that sees the folder, under any
scheduler; it can be stopped at any time, and costs at most the shards that were being written.
"""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import chain, count, islice
from pathlib import Path

import numpy as np
from sentence_transformers import MultiVectorEncoder

from opticlir.encoder import Windows, document_fingerprint
from opticlir.errors import ArtefactError, DataError
from opticlir.manifest import read_manifest
from opticlir.progress import Progress, silent
from opticlir.records import Document
from opticlir.search.encoding import encoded, vectors_of
from opticlir.search.exact import ExactIndex
from opticlir.search.index import Entry, Vectors
from opticlir.storage import MANIFEST, LockedError, open_version, write_text_atomically
from opticlir.storage.filesystem import make_folders, refusals_named

PLAN = "shards.json"
"""What all shards of a folder have in common; it is written first."""


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """Into which shards a corpus is cut, and who encodes them."""

    documents: int
    """Of the corpus."""
    shard_documents: int
    """Of each shard but the last."""
    encoder: str
    """Fingerprint of the document encoder."""
    window: int | None
    stride: int | None
    inputs: dict[str, str]
    """SHA-256 of each file of the corpus, by its name."""

    @property
    def shards(self) -> int:
        """How many there are."""
        return -(-self.documents // self.shard_documents)


@dataclass(frozen=True, slots=True)
class EncodedShards:
    """What one process did."""

    shards: int
    """Of the corpus."""
    encoded: int
    """Shards that this process wrote."""
    others: int
    """Shards that other processes were writing."""


def encode_shards(
    corpus: Iterable[Document],
    model: MultiVectorEncoder,
    folder: Path,
    *,
    documents: int,
    windows: Windows,
    shard_documents: int = 10_000,
    inputs: dict[str, str],
    progress: Progress = silent,
) -> EncodedShards:
    """Encode the shards of a corpus that are missing and that no other process is writing.

    Args:
        corpus: the same documents in the same order for every process.
        model: its document route encodes them.
        folder: where the shards are, one folder each.
        documents: number of documents in the corpus.
        windows: cuts the long ones; of the same model.
        shard_documents: documents of a shard, 1 or more.
        inputs: checksums of the files of the corpus.
        progress: called after each document, also of shards that were there.

    Raises:
        ArtefactError: the folder has shards of another corpus, model or size; or the disk cannot be written.
        DataError: the corpus is empty, or a shard has no document with text. Shards that are complete stay.
    """
    if not documents:
        raise DataError("the corpus has no documents, or can be read only once: give a file")
    plan = ShardPlan(
        documents, shard_documents, document_fingerprint(model), windows.size, windows.stride,
        {Path(path).name: digest for path, digest in inputs.items()},
    )  # fmt: skip
    _declare(folder, plan)
    n_encoded = n_others = n_seen = 0
    stream = iter(corpus)
    for number in range(plan.shards):
        shard = list(islice(stream, shard_documents))
        before, n_seen = n_seen, n_seen + len(shard)
        if _documents(folder, number) == len(shard):
            progress("encoding documents", n_seen, documents)
            continue
        if not any(document.content.strip() for document in shard):
            raise DataError(
                f"documents {before + 1:,} to {n_seen:,} have no text: remove them, or take larger shards"
            )

        entries = encoded(iter(shard), model, windows, progress=_from(before, documents, progress))
        try:
            ExactIndex.create(
                folder / _name(number), entries, encoder=plan.encoder, vectors=vectors_of(model),
                windows=(windows.size, windows.stride), approximate=False, inputs=inputs,
                made_by=_made_by(number),
            )  # fmt: skip
        except LockedError:
            n_others += 1
        else:
            n_encoded += 1
    return EncodedShards(plan.shards, n_encoded, n_others)


def is_shards(folder: Path) -> bool:
    """Whether a folder holds the shards of a corpus."""
    return (folder / PLAN).is_file()


class Shards:
    """The finished shards of a corpus.

    Args:
        folder: where `encode_shards` wrote them.

    Raises:
        ArtefactError: a shard is missing or damaged, or holds other documents than the plan says.
    """

    def __init__(self, folder: Path) -> None:
        self.plan = plan = _read_plan(folder)
        sizes = [
            min(plan.shard_documents, plan.documents - n)
            for n in range(0, plan.documents, plan.shard_documents)
        ]
        missing = [number for number, size in enumerate(sizes) if _documents(folder, number) != size]
        if missing:
            raise ArtefactError(
                f"{folder} lacks {len(missing):,} of {plan.shards:,} shards, the first is {_name(missing[0])}: run "
                "`opticlir encode` with the same arguments"
            )
        self._shards = [_opened(folder / _name(number)) for number in range(plan.shards)]
        for shard in self._shards:
            shard.check_encoder(plan.encoder, self.vectors)

    def __len__(self) -> int:
        return self.plan.documents

    @property
    def vectors(self) -> Vectors:
        """What they hold of each document: a vector per token, or one pooled vector."""
        return self._shards[0].vectors

    def check_encoder(self, fingerprint: str, vectors: Vectors = "tokens") -> None:
        """Raise ArtefactError if another encoder wrote them."""
        self._shards[0].check_encoder(fingerprint, vectors)

    def entries(self, progress: Progress = silent) -> Iterator[Entry]:
        """Each document with its passages, read from the disk one at a time.

        Args:
            progress: called after each document.
        """
        n_done = count(1)
        for shard in self._shards:
            empty = (
                (Document(doc_id, ""), np.empty((0, shard.dim), np.float32)) for doc_id in shard.empty_ids
            )
            with _damage_named(shard.path):
                for entry in chain(shard.entries(), empty):
                    yield entry
                    progress("indexing documents", next(n_done), len(self))


def _name(number: int) -> str:
    return f"{number:06d}"


def _made_by(number: int) -> dict[str, str]:
    return {"shard": str(number)}


def _documents(folder: Path, number: int) -> int | None:
    """How many documents a finished shard holds; None if it is not there, or is another one."""
    try:
        manifest = open_version(folder / _name(number), lambda version: read_manifest(version / MANIFEST))
    except ArtefactError:
        return None
    counts = manifest.counts
    is_it = manifest.made_by == _made_by(number)
    return counts.get("documents", 0) + counts.get("empty_documents", 0) if is_it else None


def _opened(path: Path) -> ExactIndex:
    with _damage_named(path):
        return ExactIndex.open(path)


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except ArtefactError as error:
        raise ArtefactError(f"{error}; remove {path}, and run `opticlir encode` again") from error


def _from(before: int, documents: int, progress: Progress) -> Progress:
    """Progress over the corpus, from that within a shard."""

    def passed_on(name: str, done: int, total: int) -> None:  # noqa: ARG001
        progress(name, before + done, documents)

    return passed_on


def _declare(folder: Path, plan: ShardPlan) -> None:
    """Write the plan, or refuse another one."""
    if os.path.lexists(folder) and not folder.is_dir():
        raise ArtefactError(f"{folder} is a file, a folder was expected: choose another name")
    with refusals_named(folder):
        make_folders(folder.resolve())
    if not is_shards(folder):
        if any(folder.iterdir()):
            raise ArtefactError(f"{folder} holds something else: choose a new folder, or an empty one")
        write_text_atomically(folder / PLAN, json.dumps(asdict(plan), indent=2, sort_keys=True) + "\n")
    known = asdict(_read_plan(folder))
    if different := [name for name, value in asdict(plan).items() if known[name] != value]:
        raise ArtefactError(
            f"{folder} has shards with other {' and '.join(different)}: give the same corpus, model and options, or "
            "choose another folder"
        )


def _read_plan(folder: Path) -> ShardPlan:
    path = folder / PLAN
    with suppress(OSError, ValueError, TypeError):
        plan = ShardPlan(**json.loads(path.read_text()))
        if (
            isinstance(plan.documents, int)
            and isinstance(plan.shard_documents, int)
            and plan.shard_documents > 0
        ):
            return plan
    raise ArtefactError(f"{path} is missing or damaged: encode into a new folder, or remove this one first")
