"""The exact index: every token vector of every document on disk, every document scored.

Growth: a search costs 2 * query tokens * document tokens * dim operations and reads the store once per
batch of queries; both are linear in the collection. On disk a document of 150 tokens and 384 dimensions
takes 115 KB in half precision. In memory: 24 bytes a document, and the lexical weights. The vectors are
mapped; those of a small index (64 MB) are kept in float32. Building holds one document's vectors, all ids and the
grams of all texts. `add` and `delete` copy the store.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from functools import cached_property
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Float64

from opticlir.errors import ArtefactError, DataError
from opticlir.manifest import Manifest, read_manifest, write_manifest
from opticlir.maxsim import TokenRows, maxsim_exact, maxsim_ragged, rounding_bound
from opticlir.records import Document
from opticlir.search.documents import DocumentWriter, StoredDocuments, write_array
from opticlir.search.index import Entry
from opticlir.search.lexical import GRAM, K1, B, LexicalIndex, LexicalWriter
from opticlir.search.tokens import TOKENS, StoredTokens, TokenType, TokenWriter
from opticlir.storage import MANIFEST, check_file, check_files, open_version, publish_version

_KIND = "exact index"
_FORMAT = 2
"""1: BM25 of untransliterated letters, which no query is brought into any more."""
_OFFSETS = "offsets.npy"
"""(n_documents + 1,) int64: where the rows of each document begin in tokens.bin."""
_IN_MEMORY = 2**26
"""Bytes of token vectors in float32 up to which a search keeps them in memory."""


class ExactIndex:
    """An exact index, opened at one version; `create` or `open` makes it.

    Example:
        >>> import tempfile
        >>> entries = [(Document("d1", "one"), np.eye(2, dtype=np.float32))]
        >>> index = ExactIndex.create(Path(tempfile.mkdtemp(), "index"), entries, encoder="ab12")
        >>> len(index), index.dense_scores([np.ones((1, 2), dtype=np.float32)]).tolist()
        (1, [[1.0]])
    """

    def __init__(self, path: Path, folder: Path) -> None:
        self.path = path
        self.manifest = manifest = read_manifest(folder / MANIFEST, kind=_KIND, newest_version=_FORMAT)
        if manifest.format_version < _FORMAT:
            raise ArtefactError(
                f"{path}: an index of format {manifest.format_version}, made by an earlier version of opticlir; "
                f"this one reads format {_FORMAT}: build it again with `opticlir index`"
            )
        self._folder = folder
        check_files(folder, {name: each for name, each in manifest.files.items() if name != TOKENS})
        check_file(folder / TOKENS, manifest.files[TOKENS], content=False)  # its blocks are checked as read
        self.dim: int = manifest.config["dim"]
        self.dtype: TokenType = manifest.config["dtype"]
        n_tokens = manifest.counts["tokens"]
        self.tokens = StoredTokens(folder, n_tokens=n_tokens, dim=self.dim, dtype=self.dtype)
        self.offsets: np.ndarray = np.load(folder / _OFFSETS, allow_pickle=False)
        self._documents = StoredDocuments(folder)
        self._lexical = LexicalIndex(folder, len(self._documents))

    @classmethod
    def create(
        cls,
        path: Path,
        entries: Iterable[Entry],
        *,
        encoder: str,
        dtype: TokenType = "float16",
        inputs: dict[str, str] | None = None,
        made_by: dict[str, str] | None = None,
    ) -> "ExactIndex":
        """Build an index from a stream; an index that `path` holds is replaced when all is well.

        Args:
            path: the index folder.
            entries: documents and their (tokens, dim) float32 matrices, taken one at a time. A document
                without text or tokens is left out and counted.
            encoder: fingerprint of the document encoder; `check_encoder` compares it.
            dtype: precision of the store.
            inputs: checksums of the files that the documents came from, for the manifest.
            made_by: for an index in a cache (see `storage.made_by`).

        Raises:
            ArtefactError: an embedding holds NaN or infinity; the disk refuses; somebody else is
                writing; `path` holds something else. What was there before is unchanged.
            DataError: an id is blank or comes twice, or no document has any text.
        """
        if dtype not in ("float16", "float32"):
            raise ValueError(f"dtype is {dtype!r}: expected 'float16' or 'float32'")
        with publish_version(path) as folder:
            config = {"encoder": encoder, "dtype": dtype}
            _write_version(
                folder, entries, config=config, inputs=inputs or {}, made_by=made_by or {}, n_empty=0
            )
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> "ExactIndex":
        """Open the current version: all files are checked, the token vectors when they are read.

        Raises:
            ArtefactError: there is no finished index, a file is damaged, or its format is too new.
        """
        return open_version(path, lambda folder: cls(path, folder))

    def add(self, entries: Iterable[Entry], *, inputs: dict[str, str] | None = None) -> "ExactIndex":
        """Publish a version with more documents, and give it back.

        Args:
            entries: as of `create`.
            inputs: checksums of the files that the new documents came from, for the manifest.

        Raises:
            ArtefactError: as `create`; or another encoder has built the index anew since this one was opened.
            DataError: as `create`.
        """
        with publish_version(self.path) as folder:
            current = self._current()
            known = current.manifest.inputs
            current._derive(folder, chain(current._entries(), entries), _joined(known, inputs or {}))
        return self.open(self.path)

    def delete(self, doc_ids: Iterable[str]) -> "ExactIndex":
        """Publish a version without some documents, and give it back.

        Raises:
            DataError: an id is not in the index, or none would be left.
            ArtefactError: as `add`.
        """
        unwanted = set(doc_ids)
        with publish_version(self.path) as folder:
            current = self._current()
            if unknown := unwanted.difference(current.doc_ids):
                raise DataError(f"{self.path} holds no document {min(unknown)!r}: nothing was deleted")
            kept = (each for each in current._entries() if each[0].doc_id not in unwanted)
            current._derive(folder, kept, current.manifest.inputs)
        return self.open(self.path)

    def _current(self) -> "ExactIndex":
        """The current version, which has to be of the same encoder."""
        current = self.open(self.path)
        current.check_encoder(self.encoder)
        return current

    def _derive(self, folder: Path, entries: Iterable[Entry], inputs: dict[str, str]) -> None:
        config = {name: self.manifest.config[name] for name in ("encoder", "dtype")}
        _write_version(
            folder, entries, config=config, inputs=inputs, made_by=self.manifest.made_by,
            n_empty=self.n_empty,
        )  # fmt: skip

    def _entries(self) -> Iterator[Entry]:
        for row in range(len(self)):
            yield self.document(row), self.document_tokens(row)

    def verify(self) -> None:
        """Read and check every file and every number. If another process has replaced this version, check the new one.

        Raises:
            ArtefactError: a file is damaged, or a vector holds NaN or infinity.
        """
        try:
            self._verify()
        except (ArtefactError, OSError):
            current = self.open(self.path)
            if current.manifest == self.manifest:
                raise
            current.verify()

    def _verify(self) -> None:
        check_files(self._folder, self.manifest.files)
        for row in range(len(self)):
            if not np.isfinite(self.document_tokens(row)).all():
                raise ArtefactError(
                    f"{self.path}: document {self.document(row).doc_id!r} holds NaN or infinity"
                )

    def check_encoder(self, fingerprint: str) -> None:
        """Refuse a model whose documents would not look like those in the index.

        Raises:
            ArtefactError: the fingerprints differ.
        """
        if fingerprint != self.encoder:
            raise ArtefactError(
                f"{self.path} was built with document encoder {self.encoder[:12]}, the model given has "
                f"{fingerprint[:12]}: use the model that built the index, or build the index again with this one"
            )

    @property
    def encoder(self) -> str:
        """Fingerprint of the document encoder that built it."""
        return str(self.manifest.config["encoder"])

    @property
    def counts(self) -> dict[str, int]:
        """`documents`, `tokens`, and `empty_documents` that were left out."""
        return self.manifest.counts

    @property
    def n_empty(self) -> int:
        """Documents that were left out because nothing of them could be encoded."""
        return self.manifest.counts["empty_documents"]

    def __len__(self) -> int:
        return len(self._documents)

    def document(self, row: int) -> Document:
        """The document of a row, read from disk."""
        return self._documents[row]

    def document_tokens(self, row: int) -> Float[np.ndarray, "tokens dim"]:
        """The token matrix of a row in the precision it is kept in; a view of the file."""
        return self.tokens[int(self.offsets[row]) : int(self.offsets[row + 1])]

    @property
    def doc_ids(self) -> Sequence[str]:
        """Document ids by row."""
        return self._documents.ids

    def row(self, doc_id: str) -> int:
        """The row of a document; KeyError where there is none."""
        return self._rows[doc_id]

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {doc_id: row for row, doc_id in enumerate(self.doc_ids)}

    @property
    def id_order(self) -> np.ndarray:
        """(n_documents,) int64: place of each row in the order of ids."""
        return self._documents.id_order

    def dense_scores(self, queries: Sequence[np.ndarray]) -> Float32[np.ndarray, "n_queries n_documents"]:
        """MaxSim of every document with each (tokens, dim) float32 query.

        Raises:
            ArtefactError: a block of the store is damaged, or holds NaN or infinity.
        """
        with np.errstate(invalid="ignore", over="ignore"):
            scores = maxsim_ragged(queries, self._scored_rows, self.offsets)
        if not np.isfinite(scores).all():
            row = int(np.flatnonzero(~np.isfinite(scores).all(axis=0))[0])
            raise ArtefactError(f"{self.path}: document {self.document(row).doc_id!r} holds NaN or infinity")
        return scores

    @cached_property
    def _scored_rows(self) -> TokenRows:
        """The rows to score: those of a small store in float32, so that they are converted once."""
        n_tokens, dim = self.tokens.shape
        return self.tokens[:n_tokens].astype(np.float32) if 4 * n_tokens * dim <= _IN_MEMORY else self.tokens

    def exact_scores(self, query: np.ndarray, rows: Sequence[int]) -> Float64[np.ndarray, " n_rows"]:
        """MaxSim of a few documents in float64, the same for equal documents."""
        return maxsim_exact(query, [self.document_tokens(row) for row in rows])

    def resolution(self, query: np.ndarray) -> float:
        """How far a dense score of this query may be from the exact one."""
        return rounding_bound(query, self.manifest.config["max_norm"])

    def lexical_scores(self, texts: Sequence[str]) -> Float32[np.ndarray, "n_queries n_documents"]:
        """BM25 of every document for each query text."""
        return self._lexical.scores(texts)

    def lexical_matches(self, text: str, row: int) -> dict[str, float]:
        """BM25 score of each gram that a query text shares with the document of a row, the highest first."""
        return self._lexical.matches(text, row)


def _write_version(
    folder: Path,
    entries: Iterable[Entry],
    *,
    config: dict[str, Any],
    inputs: dict[str, str],
    made_by: dict[str, str],
    n_empty: int,
) -> None:
    stream = ((document, np.asarray(tokens)) for document, tokens in entries)
    full = _FullEntries(stream, n_empty)
    first = next(full, None)
    if first is None:
        raise DataError(f"there is no document with text to index ({full.n_empty} empty ones were left out)")
    offsets = [0]
    lexical = LexicalWriter(folder)
    with (
        closing(TokenWriter(folder, config["dtype"], dim=first[1].shape[-1])) as vectors,
        closing(DocumentWriter(folder)) as documents,
    ):
        for document, tokens in chain([first], full):
            documents.append(document)
            vectors.append(tokens, document.doc_id)
            lexical.append(document.content)
            offsets.append(vectors.n_tokens)
        files = {
            **vectors.finish(),
            **documents.finish(),
            **lexical.finish(),
            _OFFSETS: write_array(folder / _OFFSETS, np.array(offsets, dtype=np.int64)),
        }
    manifest = Manifest(
        kind=_KIND,
        format_version=_FORMAT,
        config={
            **config,
            "dim": vectors.dim,
            "max_norm": vectors.max_norm,
            "lexical": {"gram": GRAM, "letters": "latin", "k1": K1, "b": B},
        },
        inputs=inputs,
        files=files,
        counts={
            "documents": len(documents),
            "tokens": vectors.n_tokens,
            "empty_documents": full.n_empty,
        },
        made_by=made_by,
    )
    write_manifest(folder / MANIFEST, manifest)


def _joined(known: dict[str, str], new: dict[str, str]) -> dict[str, str]:
    """Inputs of both; a file that was given before, with other content, gets a number."""
    joined = dict(known)
    for name, checksum in new.items():
        names = chain([name], (f"{name} ({number})" for number in count(2)))
        joined[next(each for each in names if joined.get(each, checksum) == checksum)] = checksum
    return joined


class _FullEntries:
    """Passes on the entries that hold something, and counts the others."""

    def __init__(self, entries: Iterator[Entry], n_empty: int) -> None:
        self.n_empty = n_empty
        self._entries = entries

    def __iter__(self) -> Iterator[Entry]:
        return self

    def __next__(self) -> Entry:
        for document, tokens in self._entries:
            if len(tokens) and document.content.strip():
                return document, tokens
            self.n_empty += 1
        raise StopIteration
