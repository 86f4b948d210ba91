"""What an index holds, and what it takes on disk and in memory; also before it is built."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from opticlir.search.codecs import Store, check_store, row_bytes
from opticlir.search.estimates import WIDTH
from opticlir.search.gathering import approximates
from opticlir.search.passage_scores import estimating_way, way_of

_PER_DOCUMENT = 150
"""Bytes of memory for the id and the tables of a document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """How many of the ten best documents of an exact search an approximate one finds."""

    recall: float
    """The mean over the questions, 0 to 1."""
    questions: int
    documents: int
    """In the index when it was measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexStats:
    """Sizes of an index."""

    documents: int
    passages: int
    tokens: int
    long_documents: int
    """Of several passages, or cut."""
    cut_documents: int
    """Of which the index has the first passage only."""
    empty_documents: int
    """Left out because nothing of them could be encoded."""
    tombstones: int
    """Deleted documents that still take space; `optimize` removes them."""
    segments: int
    dim: int
    """Numbers of the encoder's vectors."""
    store: Store
    """How a number of a stored vector is kept."""
    store_dim: int
    """Numbers of a stored vector."""
    disk_bytes: int
    search: Literal["exact", "approximate"]
    recall: Mapping[str, Recall]
    """What was measured of approximate searches, by the language of the questions."""
    memory_bytes: int
    """What a search keeps in memory, about; mapped files come on top while there is space."""

    def estimated(
        self, n_documents: int, store: Store | None = None, store_dim: int | None = None
    ) -> tuple[int, int]:
        """What an index of so many documents like these would take, before it is built.

        Args:
            n_documents: as many as planned.
            store: how a number would be kept; None is as here.
            store_dim: numbers of a stored vector; None is as here, or all of them with another `store`.

        Returns:
            Bytes on disk, and of memory as in `memory_bytes`, about.

        Raises:
            SettingsError: `store` is unknown, or `store_dim` is not a multiple of 4.
        """
        check_store(store or self.store, store_dim)
        width = min(store_dim or (self.store_dim if store is None else self.dim), self.dim)
        n_tokens = self.tokens * n_documents // self.documents
        rest = self.disk_bytes - self.tokens * row_bytes(self.store, self.store_dim)
        disk = n_tokens * row_bytes(store or self.store, width) + rest * n_documents // self.documents
        n_passages = self.passages * n_documents // self.documents
        is_estimated = self.search == "approximate" or approximates(n_tokens * width)
        return disk, memory_bytes(n_tokens, width, n_documents, n_estimated=n_passages if is_estimated else 0)


def memory_bytes(n_tokens: int, width: int, n_documents: int, *, n_estimated: int = 0) -> int:
    """Bytes that a search keeps in memory on this machine, about.

    Args:
        n_tokens: of all documents.
        width: numbers of a stored vector.
        n_documents: their number.
        n_estimated: passages with estimating vectors, kept instead of token vectors; 0 in an exact index.
    """
    if n_estimated:
        per_number = 1 if estimating_way(n_estimated) == "screened" else 4
        return per_number * WIDTH * n_estimated + _PER_DOCUMENT * n_documents
    vectors = {"kept": 4 * n_tokens * width, "screened": n_tokens * width, "read": 0}
    return vectors[way_of(n_tokens, width)] + _PER_DOCUMENT * n_documents
