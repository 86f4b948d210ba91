"""The exact index: every token vector of every document on disk, every document scored.

A document that is longer than the encoder reads is kept as several passages. Its score is that of the best one.

Time: a search takes 2 * query tokens * document tokens * dim operations, and reads the store once per batch of
queries. Both grow in proportion to the collection.

Disk: a document of 150 tokens and 384 dimensions takes 115 KB in half precision, 15 KB in a store of 2 bits. `add` and
`delete` copy the store.

Memory: 70 bytes per document, and the BM25 weights. The vectors are memory-mapped; those of a small index (64 MB in
float32) are kept. Those of a larger one than 64 MB in half precision are screened, with a copy of one byte per value.
Building holds the vectors of one passage, all ids, the grams of all texts, and 64 MB of vectors while a small store is
fitted.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64

from opticlir.errors import ArtefactError, DataError
from opticlir.maxsim import maxsim_exact, rounding_bound
from opticlir.progress import Check, never
from opticlir.records import Document
from opticlir.search.arrays import damaged
from opticlir.search.codecs import Store, check_store
from opticlir.search.documents import StoredDocuments
from opticlir.search.fields import FIELDS
from opticlir.search.filters import matching, parse_filter
from opticlir.search.index import Entry, Vectors
from opticlir.search.index_version import joined_inputs, read_version, stored_as, write_version
from opticlir.search.lexical import LexicalIndex
from opticlir.search.passage_scores import PassageScores
from opticlir.search.passages import Passage, StoredPassages, best_of_each
from opticlir.search.screening import pays
from opticlir.search.tokens import TOKENS, StoredTokens, TokenWriter, read_codec
from opticlir.storage import (
    MANIFEST,
    check_file,
    check_files,
    open_version,
    publish_version,
    sha256_file,
    version_name,
)


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
        self.manifest = manifest = read_version(path, folder)
        self._folder = folder
        self.version = version_name(folder, sha256_file(folder / MANIFEST))
        """Number and beginning of the checksum of the version that is open: `000003-5f2a9c01`."""
        n_documents, n_tokens = manifest.counts["documents"], manifest.counts["tokens"]
        check_files(folder, {name: each for name, each in manifest.files.items() if name != TOKENS})
        check_file(folder / TOKENS, manifest.files[TOKENS], content=False)  # its blocks are checked as read
        self.dim: int = manifest.config["dim"]
        codec = read_codec(folder, *stored_as(manifest))
        self.tokens = StoredTokens(folder, n_tokens=n_tokens, codec=codec)
        self._documents = StoredDocuments(folder, n_documents, has_fields=FIELDS in manifest.files)
        self._passages = StoredPassages(folder, n_documents, n_tokens)
        self._lexical = LexicalIndex(folder, n_documents)
        self._dense = PassageScores(self.tokens, self._passages, is_screened=pays(*self.tokens.shape))

    @classmethod
    def create(  # noqa: PLR0913 - what decides an index
        cls,
        path: Path,
        entries: Iterable[Entry],
        *,
        encoder: str,
        vectors: Vectors = "tokens",
        mean: np.ndarray | None = None,
        store: Store = "float16",
        store_dim: int | None = None,
        windows: tuple[int | None, int | None] = (None, None),
        inputs: dict[str, str] | None = None,
        made_by: dict[str, str] | None = None,
    ) -> "ExactIndex":
        """Build an index from a stream. It replaces an index in `path` once it is complete.

        Args:
            path: the index folder.
            entries: documents with their (tokens, dim) float32 matrices, or with their passages, taken one at a time. A
                document without text or tokens is left out and counted.
            encoder: fingerprint of the document encoder; `check_encoder` compares it.
            vectors: `tokens`, or `pooled` for one vector per document.
            mean: (dim,), the mean token that was subtracted from all vectors; None if none was.
            store: how a number of a stored vector is kept.
            store_dim: numbers of a stored vector, fewer than the encoder's by a fitted projection; None keeps all.
                A collection of fewer than 4,096 token vectors is stored in float16 at full width.
            windows: size and stride of the passages, for documents that are added later; see `Windows`.
            inputs: checksums of the files that the documents came from, for the manifest.
            made_by: for an index in a cache (see `storage.made_by`).

        Raises:
            ArtefactError: an embedding holds NaN or infinity; the disk cannot be written; another process is
                writing; `path` holds something else. The old index is unchanged.
            DataError: an id is blank or comes twice, or no document has any text.
            SettingsError: `store` is unknown, or `store_dim` is not a multiple of 4.
        """
        check_store(store, store_dim)
        with publish_version(path) as folder:
            config = {
                "encoder": encoder, "vectors": vectors, "window": windows[0], "stride": windows[1],
                "mean": None if mean is None else mean.tolist(),
            }  # fmt: skip
            tokens = TokenWriter(folder, store, store_dim)
            write_version(folder, entries, tokens, config=config, inputs=inputs or {}, made_by=made_by or {})
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> "ExactIndex":
        """Open the current version. All files are checked now; token vectors when they are read.

        Raises:
            ArtefactError: there is no finished index, a file is damaged, or its format is too new.
        """
        return open_version(path, lambda folder: cls(path, folder))

    def add(
        self,
        entries: Iterable[Entry],
        *,
        inputs: dict[str, str] | None = None,
        replacing: Collection[str] = (),
    ) -> "ExactIndex":
        """Publish a version with more documents, and give it back.

        Args:
            entries: as of `create`.
            replacing: ids of documents to leave out, because new ones take their place.
            inputs: checksums of the files that the new documents came from, for the manifest.

        Raises:
            ArtefactError: as for `create`; or the index was built again with another encoder since it was opened.
            DataError: as for `create`.
        """
        with publish_version(self.path) as folder:
            current = self._current()
            known = current.manifest.inputs
            current._derive(
                folder, chain(current._entries(replacing), entries), joined_inputs(known, inputs or {})
            )
        return self.open(self.path)

    def delete(self, doc_ids: Iterable[str]) -> "ExactIndex":
        """Publish a version without some documents, and return it.

        Raises:
            DataError: an id is not in the index, or no document would be left.
            ArtefactError: as for `add`.
        """
        unwanted = set(doc_ids)
        with publish_version(self.path) as folder:
            current = self._current()
            if unknown := unwanted.difference(current.doc_ids):
                raise DataError(f"{self.path} holds no document {min(unknown)!r}: nothing was deleted")
            current._derive(folder, current._entries(unwanted), current.manifest.inputs)
        return self.open(self.path)

    def _current(self) -> "ExactIndex":
        """Open the current version, and check that the same encoder built it."""
        current = self.open(self.path)
        current.check_encoder(self.encoder, self.vectors)
        return current

    def _derive(self, folder: Path, entries: Iterable[Entry], inputs: dict[str, str]) -> None:
        known: dict[str, Any] = self.manifest.config
        config = {name: known[name] for name in known if name in ("encoder", "vectors", "mean")}
        config |= {"window": self.windows[0], "stride": self.windows[1]}
        empty_ids = self._documents.empty_ids
        tokens = TokenWriter(folder, self.tokens.codec.store, codec=self.tokens.codec)
        write_version(
            folder, entries, tokens, config=config, inputs=inputs, made_by=self.manifest.made_by,
            empty_ids=empty_ids, n_more_empty=self.n_empty - len(empty_ids),
        )  # fmt: skip

    def _entries(self, unwanted: Collection[str]) -> Iterator[Entry]:
        """All documents but some."""
        for row in range(len(self)):
            if (document := self.document(row)).doc_id not in unwanted:
                yield document, self._passages_of(row, self.tokens.codes)

    def verify(self) -> None:
        """Read and check every file and every number. If another process has published a new version, check that one.

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
        self._documents.verify()
        max_norm = 0.0
        for row in range(len(self)):
            tokens = self.document_tokens(row).astype(np.float32)
            max_norm = max(max_norm, float(np.linalg.norm(tokens, axis=1).max()))
            if not np.isfinite(tokens).all():
                raise ArtefactError(
                    f"{self.path}: document {self.document(row).doc_id!r} holds NaN or infinity"
                )
        if not np.isclose(max_norm, self.manifest.config["max_norm"], rtol=1e-3):
            raise damaged(self._folder / MANIFEST, "its 'max_norm' is not that of the vectors")

    def check_encoder(self, fingerprint: str, vectors: Vectors = "tokens") -> None:
        """Refuse a model whose vectors cannot be compared with those in the index.

        Raises:
            ArtefactError: the fingerprints or the kinds of vectors differ.
        """
        if vectors != self.vectors:
            kinds = {"tokens": "a vector per token", "pooled": "one pooled vector per document"}
            name = "as `NAME:pooled`" if self.vectors == "pooled" else "without `:pooled`"
            raise ArtefactError(
                f"{self.path} holds {kinds[self.vectors]}, the model given has {kinds[vectors]}: name the model "
                f"{name}, or build the index again"
            )
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
    def windows(self) -> tuple[int | None, int | None]:
        """Size and stride of the passages, as `Windows` takes them. Format 2 has first passages only."""
        config = self.manifest.config
        return config.get("window"), config.get("stride") if "stride" in config else 0

    @property
    def vectors(self) -> Vectors:
        """`tokens`, or `pooled` for one vector per document."""
        kind: Vectors = self.manifest.config.get("vectors", "tokens")
        return kind

    @property
    def mean(self) -> np.ndarray | None:
        """(dim,) float32, the mean token that was subtracted from all vectors; None if none was."""
        found = self.manifest.config.get("mean")
        return None if found is None else np.array(found, dtype=np.float32)

    @property
    def counts(self) -> dict[str, int]:
        """What the index holds.

        `documents`, `passages` and `tokens`. `long_documents` have several passages, or were cut. Of
        `cut_documents` the index has the first passage only. `empty_documents` were left out.
        """
        unknown = {"passages": len(self), "long_documents": 0, "cut_documents": 0}  # format 2 does not say
        return unknown | self.manifest.counts

    @property
    def n_empty(self) -> int:
        """Documents that were left out because nothing of them could be encoded."""
        return self.manifest.counts["empty_documents"]

    def __len__(self) -> int:
        return len(self._documents)

    def document(self, row: int) -> Document:
        """The document of a row, read from disk."""
        return self._documents[row]

    @property
    def field_kinds(self) -> dict[str, str]:
        """What each metadata field holds, by name: `text`, `whole number`, `number`, or `true or false`."""
        return self._documents.fields.kinds

    def matching(self, condition: str) -> Bool[np.ndarray, " n_documents"]:
        """Say which documents a filter keeps; see `search/filters.py`.

        Raises:
            SettingsError: it is no filter, names an unknown field, or compares a field with a value of another kind.
        """
        return matching(parse_filter(condition), self._documents.fields.table)

    def document_tokens(self, row: int) -> Float[np.ndarray, "tokens dim"]:
        """All token vectors of a row as they are stored; see `StoredTokens`."""
        numbers = self._passages.numbers(row)
        return self.tokens[self._passages.tokens(numbers[0]).start : self._passages.tokens(numbers[-1]).stop]

    def best_passage(self, query: np.ndarray, row: int) -> Passage:
        """The passage that gives a document its dense score; the first one if the query has no tokens."""
        passages = self._passages_of(row)
        if len(passages) == 1 or not len(query):
            return passages[0]
        query = self.project(query)
        return passages[int(np.argmax(maxsim_exact(query, [passage.tokens for passage in passages])))]

    def _passages_of(self, row: int, read: Callable[[slice], np.ndarray] | None = None) -> list[Passage]:
        """The passages of a document, with their stored vectors or with their codes."""
        read = read or self.tokens.__getitem__
        return [
            Passage(self._passages.window(number), read(self._passages.tokens(number)))
            for number in self._passages.numbers(row)
        ]

    @property
    def doc_ids(self) -> Sequence[str]:
        """Document ids by row."""
        return self._documents.ids

    def row(self, doc_id: str) -> int:
        """The row of a document. Raises KeyError if it is not in the index."""
        return self._rows[doc_id]

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {doc_id: row for row, doc_id in enumerate(self.doc_ids)}

    @property
    def id_order(self) -> np.ndarray:
        """(n_documents,) int64: the place of each row when rows are sorted by id."""
        return self._documents.id_order

    def dense_scores(
        self, queries: Sequence[np.ndarray], *, device: str = "cpu", check: Check = never
    ) -> Float32[np.ndarray, "n_queries n_documents"]:
        """MaxSim of the best passage of every document with each query, within `score_errors`.

        Args:
            queries: (tokens, dim) float32 matrices; all are scored in one pass over the store.
            device: where torch computes; an accelerator is used if it has memory for the vectors.
            check: called before each block of the store is scored.

        Raises:
            ArtefactError: a block of the store is damaged, or holds NaN or infinity.
        """
        scores = self._dense.of_all([self.project(query) for query in queries], device=device, check=check)
        if not np.isfinite(scores).all():
            row = int(np.flatnonzero(~np.isfinite(scores).all(axis=0))[0])
            raise ArtefactError(f"{self.path}: document {self.document(row).doc_id!r} holds NaN or infinity")
        return scores

    def score_errors(self, query: np.ndarray) -> Float64[np.ndarray, " n_documents"] | None:
        """How far the last dense scores may be from the true ones; None if they are in float32, within `resolution`."""
        return self._dense.errors(self.project(query))

    def float32_scores(self, query: np.ndarray, rows: Sequence[int]) -> Float32[np.ndarray, " n_rows"]:
        """MaxSim of some documents in float32, within `resolution`."""
        return self._dense.of_some(self.project(query), rows)

    def project(self, vectors: np.ndarray) -> np.ndarray:
        """(tokens, dim) vectors of the encoder in the (tokens, width) space of the stored ones."""
        return self.tokens.codec.project(vectors)

    def exact_scores(self, query: np.ndarray, rows: Sequence[int]) -> Float64[np.ndarray, " n_rows"]:
        """MaxSim of a few documents in float64. Equal documents get equal scores."""
        passages = [self._passages_of(row) for row in rows]
        scores = maxsim_exact(self.project(query), [each.tokens for found in passages for each in found])
        return best_of_each(scores, np.cumsum([0, *map(len, passages[:-1])])) if rows else scores

    def resolution(self, query: np.ndarray) -> float:
        """The largest rounding error of a float32 score of this query."""
        return rounding_bound(self.project(query), self.manifest.config["max_norm"])

    def lexical_scores(self, texts: Sequence[str]) -> Float32[np.ndarray, "n_queries n_documents"]:
        """BM25 of every document for each query text."""
        return self._lexical.scores(texts)

    def lexical_matches(self, text: str, row: int) -> dict[str, float]:
        """BM25 score of each gram that a query text shares with the document of a row, highest first."""
        return self._lexical.matches(text, row)
