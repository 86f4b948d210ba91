"""What a retriever needs of an index, whatever the index is made of."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np

from opticlir.progress import Check, never
from opticlir.records import Document
from opticlir.search.index_stats import IndexStats, Recall
from opticlir.search.passages import Passage

Entry: TypeAlias = tuple[Document, np.ndarray | Iterable[Passage]]
"""A document and its (tokens, dim) float32 matrix, or its passages. Without tokens it is left out and counted."""

Vectors: TypeAlias = Literal["tokens", "pooled"]
"""What an index holds of each document: a vector per token, or one pooled vector."""


@runtime_checkable
class Index(Protocol):
    """Documents with their token matrices. A version of an index never changes.

    Each kind of index has its own `create` and `open`. A change publishes a new version and returns it.
    Programs that have opened the old version keep reading it.
    """

    dim: int
    """Width of a token vector."""
    version: str
    """Number and beginning of the checksum of the version that is open."""

    def add(self, entries: Iterable[Entry], *, inputs: dict[str, str] | None = None) -> "Index":
        """Publish a version with more documents, from files with these checksums."""

    def update(self, entries: Iterable[Entry], *, inputs: dict[str, str] | None = None) -> "Index":
        """Publish a version in which documents take the places of those with their ids."""

    def delete(self, doc_ids: Iterable[str]) -> "Index":
        """Publish a version without some documents."""

    def reopened(self) -> "Index":
        """Open the current version; what is computed for documents that stayed is taken along."""

    def optimize(self) -> "Index":
        """Publish a version in which nothing is left of deleted documents, with the same answers."""

    def snapshot(self, folder: Path) -> "Index":
        """Publish the current version in another folder as well, and return the index there."""

    def stats(self) -> IndexStats:
        """What the index holds and takes."""

    def with_recall(self, language: str, recall: Recall) -> "Index":
        """Publish a version that records what was measured of its approximate search."""

    def verify(self) -> None:
        """Read everything. Raises ArtefactError if a file is damaged."""

    def check_encoder(self, fingerprint: str, vectors: Vectors = "tokens") -> None:
        """Raise ArtefactError if the index was built with another encoder."""

    @property
    def windows(self) -> tuple[int | None, int | None]:
        """Size and stride of the passages, as `Windows` takes them."""

    @property
    def mean(self) -> np.ndarray | None:
        """(dim,), the mean token that was subtracted from all vectors; None if none was."""

    @property
    def counts(self) -> dict[str, int]:
        """`documents`, `passages`, `tokens`, and others; see `ExactIndex.counts`."""

    def __len__(self) -> int:
        """Number of documents."""

    def document(self, row: int) -> Document:
        """The document of a row."""

    def get(self, doc_id: str) -> Document:
        """A document by its id. Raises DataError if it is not in the index."""

    def id_like(self, look: str) -> str | None:
        """The id in the index that looks so, in NFC and without blanks around it; None if there is none."""

    def best_passage(self, query: np.ndarray, row: int) -> Passage:
        """The passage that gives a document its dense score; the first one if the query has no tokens."""

    def row(self, doc_id: str) -> int:
        """The row of a document. Raises KeyError if it is not in the index."""

    @property
    def doc_ids(self) -> Sequence[str]:
        """Document ids by row."""

    @property
    def field_kinds(self) -> dict[str, str]:
        """What each metadata field holds, by name; see `ExactIndex.field_kinds`."""

    def matching(self, condition: str) -> np.ndarray:
        """(n_documents,) bool: which documents a filter keeps. Raises SettingsError if it does not fit the fields."""

    @property
    def id_order(self) -> np.ndarray:
        """(n_documents,) int64: the place of each row when rows are sorted by id."""

    def dense_scores(
        self, queries: Sequence[np.ndarray], *, device: str = "cpu", check: Check = never
    ) -> np.ndarray:
        """(n_queries, n_documents) float32 MaxSim of the best passage of every document; `check` can stop it."""

    @property
    def is_approximate(self) -> bool:
        """Whether it has estimates, so that a search need not score every document."""

    def estimated_scores(self, queries: Sequence[np.ndarray], *, check: Check = never) -> np.ndarray:
        """(n_queries, n_documents) float32, about the dense scores. Raises ValueError if it has no estimates."""

    def score_errors(self, query: np.ndarray) -> np.ndarray | None:
        """(n_documents,), how far dense scores may be from the true ones; None: no farther than `resolution`."""

    def float32_scores(self, query: np.ndarray, rows: Sequence[int]) -> np.ndarray:
        """(n_rows,) float32 MaxSim of some documents, no farther from the true one than `resolution`."""

    def project(self, vectors: np.ndarray) -> np.ndarray:
        """(tokens, dim) vectors of the encoder in the space of the stored ones."""

    def exact_scores(self, query: np.ndarray, rows: Sequence[int]) -> np.ndarray:
        """(n_rows,) float64 MaxSim of a few documents, to order those with nearly equal scores."""

    def resolution(self, query: np.ndarray) -> float:
        """The largest rounding error of a float32 score of this query."""

    def lexical_scores(self, texts: Sequence[str]) -> np.ndarray:
        """(n_queries, n_documents) float32 BM25 of every document."""

    def lexical_matches(self, text: str, row: int) -> dict[str, float]:
        """BM25 score of each gram that a query text shares with the document of a row."""
