"""The live documents of a segment: those that were not deleted. The deleted ones are its tombstones."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Integer, UInt8

from opticlir.search.arrays import damaged, read_array, write_array
from opticlir.search.grams import Part, StoredGrams
from opticlir.search.passages import Passage
from opticlir.search.segment import Full, Segment
from opticlir.storage import Checksum

if TYPE_CHECKING:
    import pyarrow as pa

NONE_DELETED = np.empty(0, np.int64)


class LiveSegment:
    """A segment without its deleted documents. The place of a document is its number among the live ones.

    Args:
        segment: the segment.
        deleted: (n_deleted,) int64, rows of deleted documents, rising; fewer than it has.
    """

    def __init__(self, segment: Segment, deleted: Integer[np.ndarray, " n_deleted"] = NONE_DELETED) -> None:
        self.segment, self.deleted = segment, deleted

    def __len__(self) -> int:
        return self.segment.record.documents - len(self.deleted)

    @cached_property
    def rows(self) -> Integer[np.ndarray, " n_documents"]:
        """The rows of the live documents in the segment."""
        return np.delete(np.arange(self.segment.record.documents), self.deleted)

    @cached_property
    def places(self) -> Integer[np.ndarray, " n_rows"]:
        """The place of each row, -1 for a deleted document."""
        places = np.full(self.segment.record.documents, -1)
        places[self.rows] = np.arange(len(self))
        return places

    def live(self, values: np.ndarray) -> np.ndarray:
        """Of (..., n_rows) values those of live documents."""
        return values[..., self.rows] if len(self.deleted) else values

    @property
    def ids(self) -> list[str]:
        """Of the live documents."""
        ids = self.segment.documents.ids
        return [ids[row] for row in self.rows] if len(self.deleted) else ids

    @cached_property
    def in_order(self) -> Integer[np.ndarray, " n_documents"]:
        """Places of the live documents in the order of their ids."""
        places = self.places[self.segment.documents.in_order]
        return places[places >= 0]

    def place(self, doc_id: str) -> int | None:
        """The place of a document; None if it is not here."""
        row = self.segment.documents.rows.get(doc_id)
        place = -1 if row is None else int(self.places[row])
        return None if place < 0 else place

    def id_like(self, look: str) -> str | None:
        """The id of a live document that looks so; see `look_of`."""
        for doc_id in (look, self.segment.documents.by_look.get(look)):
            if doc_id is not None and self.place(doc_id) is not None:
                return doc_id
        return None

    @cached_property
    def counts(self) -> dict[str, int]:
        """Of the live documents; see `StoredPassages.counts`."""
        return self.segment.passages.counts(self.rows)

    def fields(self) -> "pa.Table":
        """The metadata fields of the live documents; see `StoredFields.table`."""
        table = self.segment.documents.fields.table
        return table.take(self.rows) if len(self.deleted) and table.num_columns else table

    @property
    def gram_counts(self) -> StoredGrams:
        """The counts of its grams. Raises ValueError before format 5."""
        if self.segment.grams is None:
            raise ValueError("a segment of an older format has no counts of grams")
        return self.segment.grams

    def part(self, first: int = 0) -> Part:
        """Its counts of grams, and the place of each document among live ones of which the first has a number."""
        return self.gram_counts, np.where(self.places < 0, -1, self.places + first)

    def documents(self) -> Iterator[Full]:
        """All live documents, with the codes of their passages."""
        for row in self.rows.tolist():
            yield self.segment.documents[row], iter(self.passages(row, as_codes=True))

    def passages(self, row: int, *, as_codes: bool = False) -> list[Passage]:
        """The passages of the document of a row, with their stored vectors or with their codes."""
        segment = self.segment
        read = segment.tokens.codes if as_codes else segment.tokens.__getitem__
        return [
            Passage(segment.passages.window(number), read(segment.passages.tokens(number)))
            for number in segment.passages.numbers(row)
        ]

    def estimates(self) -> UInt8[np.ndarray, "n_passages bytes"]:
        """The estimating vectors of the passages of live documents, as they are on disk; none if it has none."""
        stored, numbers = self.segment.estimating, self.segment.passages.numbers
        kept = np.concatenate([np.asarray(numbers(row)) for row in self.rows.tolist()])
        return np.empty((0, 0), np.uint8) if stored is None else stored.codes(slice(None))[kept]

    def without(self, doc_ids: set[str]) -> "LiveSegment":
        """Without some more documents; ids of others are ignored."""
        rows = self.segment.documents.rows
        more = [rows[doc_id] for doc_id in doc_ids if self.place(doc_id) is not None]
        return LiveSegment(self.segment, np.union1d(self.deleted, more).astype(np.int64)) if more else self


def tombstones_of(folder: str) -> str:
    """Name of the file of the deleted rows of a segment."""
    return f"deleted-{folder}.npy"


def write_tombstones(folder: Path, live: LiveSegment) -> dict[str, Checksum]:
    """Write the deleted rows of a segment to the folder of a version, if there are any."""
    name = tombstones_of(live.segment.record.folder)
    return {name: write_array(folder / name, live.deleted)} if len(live.deleted) else {}


def read_tombstones(path: Path, n_documents: int) -> Integer[np.ndarray, " n_deleted"]:
    """Read the deleted rows of a segment of so many documents.

    Raises:
        ArtefactError: the file holds anything else.
    """
    deleted = read_array(path, np.int64)
    if not 0 < len(deleted) < n_documents or deleted[0] < 0 or deleted[-1] >= n_documents:
        raise damaged(path, f"it does not name some of {n_documents} documents")
    if (np.diff(deleted) <= 0).any():
        raise damaged(path, "its numbers do not rise")
    return deleted
