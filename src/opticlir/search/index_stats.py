"""What an index holds, and what it takes on disk and in memory; also before it is built."""

from dataclasses import dataclass

from opticlir.search.codecs import Store, row_bytes
from opticlir.search.passage_scores import way_of

_PER_DOCUMENT = 150
"""Bytes of memory for the id and the tables of a document."""


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
    store: Store
    """How a number of a stored vector is kept."""
    store_dim: int
    """Numbers of a stored vector."""
    disk_bytes: int
    memory_bytes: int
    """What a search keeps in memory, about; mapped files come on top while there is space."""


def vector_bytes(n_tokens: int, dim: int, store: Store = "float16", store_dim: int | None = None) -> int:
    """Bytes on disk of the token vectors of a collection, before it is built.

    Args:
        n_tokens: of all its documents.
        dim: width of the encoder's vectors.
        store: how a number is kept.
        store_dim: numbers of a stored vector; None keeps all.

    Example:
        >>> vector_bytes(150 * 1_000_000, 384) / 1e9
        115.2
        >>> vector_bytes(150 * 1_000_000, 384, "4bit", 128) / 1e9
        9.9
    """
    return n_tokens * row_bytes(store, store_dim or dim)


def memory_bytes(n_tokens: int, width: int, n_documents: int) -> int:
    """Bytes that a search keeps in memory on this machine, about.

    Args:
        n_tokens: of all documents.
        width: numbers of a stored vector.
        n_documents: their number.
    """
    vectors = {"kept": 4 * n_tokens * width, "screened": n_tokens * width, "read": 0}
    return vectors[way_of(n_tokens, width)] + _PER_DOCUMENT * n_documents
