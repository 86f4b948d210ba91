"""What a retriever needs of an index, whatever the index is made of."""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np

from opticlir.records import Document

Entry: TypeAlias = tuple[Document, np.ndarray]
"""A document and its (tokens, dim) float32 token matrix; without tokens it is left out and counted."""


@runtime_checkable
class Index(Protocol):
    """Documents with their token matrices, made once and replaced whole.

    Each kind of index has its own `create` and `open`. An index is opened at a version and stays there:
    `add` and `delete` publish a new version and give it back, readers of the old one go on undisturbed.
    """

    dim: int
    """Width of a token vector."""

    def add(self, entries: Iterable[Entry], *, inputs: dict[str, str] | None = None) -> "Index":
        """Publish a version with more documents, from files with these checksums."""

    def delete(self, doc_ids: Iterable[str]) -> "Index":
        """Publish a version without some documents."""

    def verify(self) -> None:
        """Read everything and refuse what is not as it was written."""

    def check_encoder(self, fingerprint: str) -> None:
        """Refuse an encoder whose documents would not look like those in the index."""

    @property
    def counts(self) -> dict[str, int]:
        """`documents`, `tokens`, and `empty_documents` that were left out."""

    def __len__(self) -> int:
        """Number of documents."""

    def document(self, row: int) -> Document:
        """The document of a row."""

    def document_tokens(self, row: int) -> np.ndarray:
        """(tokens, dim) matrix of a row, in the precision it is kept in."""

    def row(self, doc_id: str) -> int:
        """The row of a document; KeyError where there is none."""

    @property
    def doc_ids(self) -> Sequence[str]:
        """Document ids by row."""

    @property
    def id_order(self) -> np.ndarray:
        """(n_documents,) place of each row in the order of ids."""

    def dense_scores(self, queries: Sequence[np.ndarray]) -> np.ndarray:
        """(n_queries, n_documents) float32 MaxSim of every document."""

    def exact_scores(self, query: np.ndarray, rows: Sequence[int]) -> np.ndarray:
        """(n_rows,) float64 MaxSim of a few documents: for near ties."""

    def resolution(self, query: np.ndarray) -> float:
        """How far a dense score of this query may be from the exact one."""

    def lexical_scores(self, texts: Sequence[str]) -> np.ndarray:
        """(n_queries, n_documents) float32 BM25 of every document."""

    def lexical_matches(self, text: str, row: int) -> dict[str, float]:
        """BM25 score of each gram that a query text shares with the document of a row."""
