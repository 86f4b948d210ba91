"""Segments: documents with everything that searching them needs, in a folder of files that never change.

An index is a list of segments, and which of their documents were deleted. Adding documents writes a segment, and
costs nothing for those that are there.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np

from opticlir.records import Document
from opticlir.search.codecs import Codec
from opticlir.search.documents import DOCUMENT_FILES, DocumentWriter, StoredDocuments
from opticlir.search.estimates import WIDTH
from opticlir.search.fields import FIELDS
from opticlir.search.grams import GRAM_FILES, READ_LATER, GramWriter, Part, StoredGrams, merge_grams
from opticlir.search.passage_scores import PassageScores
from opticlir.search.passages import OFFSETS, PASSAGES, Passage, PassageWriter, StoredPassages
from opticlir.search.tokens import TOKENS, StoredTokens, TokenWriter, store_files
from opticlir.storage import Checksum, check_file

SEGMENT_FILES = frozenset({*DOCUMENT_FILES, *store_files(TOKENS), *GRAM_FILES, OFFSETS, PASSAGES})
ESTIMATES = "estimates"
"""Name of the store of estimating vectors, one for each passage; see `estimates`. An exact index has none."""
_READ_LATER = {store_files(TOKENS)[0], store_files(ESTIMATES)[0]}
_FULL = 2**26
"""Postings of a segment that is written, 400 MB of memory; the documents after them begin another segment."""

_CODEC = Codec("int8", WIDTH)

Full: TypeAlias = tuple[Document, Iterator[Passage]]
"""A document with text, and its passages that have tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRecord:
    """What the manifest of an index says of a segment."""

    folder: str
    """Its name in the folder of the version: `000001`. Empty before format 5: such an index is one segment."""
    documents: int
    tokens: int
    max_norm: float
    """The longest token vector."""
    files: dict[str, Checksum] = field(repr=False)
    """By their name in the folder."""

    @property
    def has_counts(self) -> bool:
        """Whether it holds counts of grams. Before format 5 there are BM25 weights in their place."""
        return bool(self.folder)

    @property
    def has_estimates(self) -> bool:
        """Whether it holds the vectors that `estimates` makes of passages."""
        return self.files.keys() >= set(store_files(ESTIMATES))


class Segment:
    """A segment, opened. Vectors and counts of grams are checked when they are first read, the rest now.

    Args:
        folder: of the segment.
        record: what the manifest says of it.
        codec: how its vectors are written.

    Raises:
        ArtefactError: a file is missing or damaged.
    """

    def __init__(self, folder: Path, record: SegmentRecord, codec: Codec) -> None:
        for name, checksum in record.files.items():
            is_later = name in _READ_LATER or (record.has_counts and name in READ_LATER)
            check_file(folder / name, checksum, content=not is_later)
        self.record = record
        self.documents = StoredDocuments(folder, record.documents, has_fields=FIELDS in record.files)
        self.passages = StoredPassages(folder, record.documents, record.tokens)
        self.tokens = StoredTokens(folder, n_tokens=record.tokens, codec=codec)
        self.scores = PassageScores(self.tokens, self.passages)
        self.grams = StoredGrams(folder, record.documents, record.files) if record.has_counts else None
        """None before format 5."""
        self.estimating: StoredTokens | None = None
        """The estimating vectors of its passages, if they are there."""
        self.estimates: PassageScores | None = None
        """The products with them."""
        if self.record.has_estimates:
            n_passages = len(self.passages)
            self.estimating = StoredTokens(folder, n_tokens=n_passages, codec=_CODEC, name=ESTIMATES)
            self.estimates = PassageScores(self.estimating, self.passages, np.arange(n_passages + 1))

    def verify_counts(self) -> None:
        """Read the counts of grams. Raises ArtefactError: they are damaged."""
        if self.grams is not None:
            self.grams.of(self.grams.grams[:1])


def write_segment(
    folder: Path, documents: Iterator[Full], tokens: TokenWriter, *, merged: Sequence[Part] = ()
) -> SegmentRecord:
    """Write documents until there are no more, or the segment is full.

    Args:
        folder: empty and unpublished.
        documents: with their passages; there is at least one.
        tokens: writes their vectors to `folder`; it is closed here.
        merged: the counts of grams of the segments that they come from; none counts those of the texts.

    Raises:
        DataError: a text is no valid Unicode.
        ArtefactError: an embedding holds NaN or infinity, or the disk cannot be written.
    """
    grams, passages = GramWriter(folder), PassageWriter(folder)
    with closing(tokens) as vectors, closing(DocumentWriter(folder)) as written:
        for document, found in documents:
            written.append(document)
            for passage in found:
                vectors.append(passage.tokens, document.doc_id)
                passages.append(len(written) - 1, passage.window, vectors.n_tokens)
            if not merged:
                grams.append(document.content)
            if grams.n_postings >= _FULL:
                break
        counts = merge_grams(folder, merged) if merged else grams.finish()
        files = {**vectors.finish(), **written.finish(), **counts, **passages.finish()}
    return SegmentRecord(
        folder=folder.name,
        documents=len(written),
        tokens=vectors.n_tokens,
        max_norm=vectors.max_norm,
        files=files,
    )


def write_estimates(folder: Path, parts: Iterable[np.ndarray]) -> dict[str, Checksum]:
    """Write the estimating vectors of passages, in their order.

    Args:
        folder: of an unpublished segment.
        parts: (n, WIDTH) float32 vectors, or their (n, bytes) uint8 rows in another segment.
    """
    with closing(TokenWriter(folder, _CODEC.store, codec=_CODEC, name=ESTIMATES)) as written:
        for part in parts:
            written.append(part, ESTIMATES)
        return written.finish()
