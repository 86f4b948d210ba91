"""Passages: the windows of a long document, each encoded alone. A document scores as its best passage (MaxP).

References: Dai and Callan, Deeper Text Understanding for IR with Contextual Neural Language Modeling, SIGIR 2019;
for search across languages Nair et al., arXiv 2112.11031.
"""

from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from opticlir.encoder import WHOLE, Window
from opticlir.search.arrays import damaged, read_array, read_bounds, write_array
from opticlir.storage import Checksum

OFFSETS = "offsets.npy"
"""(n_passages + 1,) int64: where the rows of each passage begin in tokens.bin."""
PASSAGES = "passages.npy"
"""(n_passages, 4) int64: row of its document, and its window: head, start and end."""


class Passage(NamedTuple):
    """A part of a document, or all of it."""

    window: Window
    """Its letters in the document's content."""
    tokens: np.ndarray
    """(tokens, dim) matrix."""


class PassageWriter:
    """Collects the places of passages in their documents and in the token store.

    Args:
        folder: of an unpublished segment.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offsets, self._table = array("q", [0]), array("q")

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def append(self, row: int, window: Window, last: int) -> None:
        """Append a passage of the document of a row. Its tokens end before the row `last` of the token store."""
        self._table.extend((row, *window))
        self._offsets.append(last)

    def finish(self) -> dict[str, Checksum]:
        """Write both tables and return the checksums of their files."""
        return {
            OFFSETS: write_array(self._folder / OFFSETS, np.array(self._offsets, dtype=np.int64)),
            PASSAGES: write_array(
                self._folder / PASSAGES, np.array(self._table, dtype=np.int64).reshape(-1, 4)
            ),
        }


class StoredPassages:
    """The passages of a segment by document.

    Args:
        folder: of a published segment whose checksums are right.
        n_documents: number of documents. An index of format 2 has no table: each of its documents is one
            passage.
        n_tokens: rows of the token store.

    Raises:
        ArtefactError: the files do not hold the passages of so many documents and tokens.
    """

    def __init__(self, folder: Path, n_documents: int, n_tokens: int) -> None:
        if (folder / PASSAGES).exists():
            table = read_array(folder / PASSAGES, np.int64, width=4)
            steps = np.diff(table[:, 0], prepend=-1, append=n_documents)
            if steps[0] != 1 or steps[-1] != 1 or not np.isin(steps, (0, 1)).all():
                raise damaged(
                    folder / PASSAGES, f"it does not name the {n_documents} documents in their order"
                )
            if (table[:, 1:] < 0).any() or (table[:, 2] > table[:, 3]).any():
                raise damaged(folder / PASSAGES, "the letters of a passage end before they begin")
        else:
            table = np.array([(row, *WHOLE) for row in range(n_documents)], np.int64)
        self.offsets = read_bounds(folder / OFFSETS, parts=len(table), stop=n_tokens)
        self._windows = table[:, 1:]
        self._first = np.searchsorted(table[:, 0], np.arange(n_documents + 1))

    def __len__(self) -> int:
        return len(self._windows)

    def numbers(self, row: int) -> range:
        """The numbers of a document's passages."""
        return range(int(self._first[row]), int(self._first[row + 1]))

    def window(self, number: int) -> Window:
        """The letters of a passage."""
        return Window(*self._windows[number].tolist())

    def tokens(self, number: int) -> slice:
        """The rows of a passage in the token store."""
        return slice(int(self.offsets[number]), int(self.offsets[number + 1]))

    def counts(self, rows: np.ndarray) -> dict[str, int]:
        """What some documents have, by their rows.

        `documents`, `passages`, `tokens`, `long_documents` (of several passages, or cut) and `cut_documents` (first
        passage only).
        """
        first, last = self._first[rows], self._first[rows + 1]
        is_cut = (last - first == 1) & (self._windows[first, 2] != WHOLE.end)
        return {
            "documents": len(rows),
            "passages": int((last - first).sum()),
            "tokens": int((self.offsets[last] - self.offsets[first]).sum()),
            "long_documents": int((is_cut | (last - first > 1)).sum()),
            "cut_documents": int(is_cut.sum()),
        }

    def best_by_document(
        self, scores: Float[np.ndarray, "n_queries n_passages"]
    ) -> Float[np.ndarray, "n_queries n_documents"]:
        """MaxP: the score of a document is that of its best passage."""
        return scores if len(self) == len(self._first) - 1 else best_of_each(scores, self._first[:-1])


def best_of_each(
    scores: Float[np.ndarray, "... n_passages"], first: Sequence[int] | np.ndarray
) -> Float[np.ndarray, "... n_documents"]:
    """The highest score of each document, from those of its passages.

    Args:
        scores: of all passages, document by document.
        first: (n_documents,), the number of the first passage of each document, in ascending order.

    Example:
        >>> best_of_each(np.array([0.1, 0.9, 0.4]), [0, 2]).tolist()
        [0.9, 0.4]
    """
    return np.maximum.reduceat(scores, first, axis=-1)


def long_documents(counts: Mapping[str, int], size: int) -> str:
    """Say how documents that are longer than a passage are indexed; empty if there are none.

    Args:
        counts: of an index.
        size: tokens of a passage.
    """
    if not (n_long := counts["long_documents"]):
        return ""
    said = f"{n_long:,} of {counts['documents']:,} documents are longer than {size:,} tokens"
    if n_cut := counts["cut_documents"]:
        return f"{said}: of {n_cut:,} only the beginning is in the index"
    n_passages = counts["passages"] - counts["documents"] + n_long
    return f"{said}: they are in the index as {n_passages:,} passages"
