"""The exact index: every token vector of every document on disk, every document scored.

A document that is longer than the encoder reads is kept as several passages. Its score is that of the best one.
The documents are in segments; see `segment`, `live_segment` and `compaction`.

Time: a search takes 2 * query tokens * document tokens * dim operations, and reads the store once per batch of
queries. Both grow in proportion to the collection. A change takes the time of what is changed, and sometimes that of
a compaction.

Disk: a document of 150 tokens and 384 dimensions takes 115 KB in half precision, 15 KB in a store of 2 bits.

Memory: 150 bytes per document. The vectors and the counts of grams are memory-mapped; the vectors of a small index
(64 MB in float32) are kept. Those of a larger one than 64 MB in half precision are screened, with a copy of one byte
per value. Building holds the vectors of one passage, all ids, and 6 bytes per gram and document of one
segment. While a small store is fitted, it also holds 64 MB of vectors.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64

from opticlir.errors import ArtefactError, DataError
from opticlir.maxsim import as_float32, maxsim_exact, rounding_bound
from opticlir.progress import Check, never
from opticlir.records import Document
from opticlir.search.arrays import damaged
from opticlir.search.codecs import Store, check_store
from opticlir.search.document_ids import DocumentIds, look_of
from opticlir.search.fields import joined, kinds_of
from opticlir.search.filters import matching, parse_filter
from opticlir.search.index import Entry, Vectors
from opticlir.search.index_stats import IndexStats, Recall, memory_bytes
from opticlir.search.index_version import (
    codec_of,
    empty_ids_of,
    estimator_of,
    open_segments,
    read_version,
    recall_of,
)
from opticlir.search.lexical import LexicalIndex, LiveWeights, StoredWeights
from opticlir.search.live_segment import LiveSegment
from opticlir.search.next_version import NextVersion, joined_inputs
from opticlir.search.passage_scores import estimating_way, way_of
from opticlir.search.passages import Passage, best_of_each
from opticlir.storage import (
    MANIFEST,
    check_files,
    current_version,
    link_tree,
    open_version,
    publish_version,
    sha256_file,
    version_name,
)

if TYPE_CHECKING:  # it is heavy, and an index without fields does without it
    import pyarrow as pa


class ExactIndex:
    """An exact index, opened at one version; `create` or `open` makes it.

    Example:
        >>> import tempfile
        >>> entries = [(Document("d1", "one"), np.eye(2, dtype=np.float32))]
        >>> index = ExactIndex.create(Path(tempfile.mkdtemp(), "index"), entries, encoder="ab12")
        >>> len(index), index.dense_scores([np.ones((1, 2), dtype=np.float32)]).tolist()
        (1, [[1.0]])
    """

    def __init__(self, path: Path, folder: Path, *, opened: Sequence[LiveSegment] = ()) -> None:
        self.path = path
        self.manifest = manifest = read_version(path, folder)
        self._folder = folder
        self.version = version_name(folder, sha256_file(folder / MANIFEST))
        """Number and beginning of the checksum of the version that is open: `000003-5f2a9c01`."""
        self.dim: int = manifest.config["dim"]
        self.codec = codec_of(manifest, folder)
        """How vectors are written; all segments share it."""
        self.empty_ids = empty_ids_of(manifest, folder)
        self.segments = tuple(open_segments(manifest, folder, self.codec, opened))
        """The live documents, segment by segment."""
        self._starts = np.cumsum([0, *map(len, self.segments)])
        oldest = self.segments[0].segment
        self._old_weights = None if oldest.grams else StoredWeights(folder, len(self))
        self.estimator = estimator_of(manifest, folder, self.codec.width)
        """What its estimates share; None if every search is exact."""
        self._way = way_of(sum(each.segment.record.tokens for each in self.segments), self.codec.width)

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
        approximate: bool | None = None,
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
            approximate: whether searches are approximate unless they ask for exact ones; None decides by the size.
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
            version = NextVersion(folder, store=store, store_dim=store_dim, approximate=approximate)
            version.add(entries, DocumentIds())
            version.compact()
            version.finish(config, inputs=inputs or {}, made_by=made_by or {})
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> "ExactIndex":
        """Open the current version. All files are checked now; token vectors when they are read.

        Raises:
            ArtefactError: there is no finished index, a file is damaged, or its format is too new.
        """
        return open_version(path, lambda folder: cls(path, folder))

    def add(self, entries: Iterable[Entry], *, inputs: dict[str, str] | None = None) -> "ExactIndex":
        """Publish a version with more documents, and return it. It costs the new documents, not the old ones.

        Args:
            entries: as of `create`.
            inputs: checksums of the files that the new documents came from, for the manifest.

        Raises:
            ArtefactError: as for `create`; or the index was built again with another encoder since it was opened.
            DataError: as for `create`.
        """
        return self._changed(
            lambda current, version: version.add(entries, DocumentIds(current.id_like)), inputs
        )

    def update(self, entries: Iterable[Entry], *, inputs: dict[str, str] | None = None) -> "ExactIndex":
        """Publish a version in which documents take the places of those with their ids, and return it.

        Args:
            entries: as of `create`. One with an unknown id is added; one without text is only deleted.
            inputs: as of `add`.

        Raises:
            ArtefactError: as for `add`.
            DataError: as for `create`; or no document would be left.
        """
        return self._changed(
            lambda current, version: version.add(entries, DocumentIds(current.id_like, replaces=True)), inputs
        )

    def delete(self, doc_ids: Iterable[str]) -> "ExactIndex":
        """Publish a version without some documents, and return it.

        Raises:
            DataError: an id is not in the index, or no document would be left.
            ArtefactError: as for `add`.
        """
        unwanted = set(doc_ids)

        def delete(current: "ExactIndex", version: NextVersion) -> None:
            if unknown := {doc_id for doc_id in unwanted if current.id_like(look_of(doc_id)) != doc_id}:
                raise DataError(f"{self.path} holds no document {min(unknown)!r}: nothing was deleted")
            version.delete(unwanted)

        return self._changed(delete)

    def optimize(self) -> "ExactIndex":
        """Publish a version of one segment without tombstones, and return it. Nothing is encoded again."""
        (first, *others) = self.segments
        if not others and not len(first.deleted) and first.segment.record.has_counts:
            return self
        return self._changed(lambda _, version: version.compact(into_one=True))

    def snapshot(self, folder: Path) -> "ExactIndex":
        """Publish the current version in another folder as well, and return the index there.

        On the same file system its files are second names of those here (hard links), which take no time and no
        space. Elsewhere they are copied. Later changes of one of the two do not reach the other.

        Args:
            folder: absent, empty, or an index, which is replaced.

        Raises:
            ArtefactError: `folder` holds something else or is in the index, or the disk cannot be written.
        """
        here, there = self.path.resolve(), folder.resolve()
        if here == there or here in there.parents or there in here.parents:
            raise ArtefactError(f"{folder} and the index {self.path} overlap: choose another folder")
        with publish_version(folder) as draft:
            open_version(self.path, lambda version: link_tree(version, draft))
        return self.open(folder)

    def stats(self) -> IndexStats:
        """What the index holds and takes."""
        return IndexStats(
            **self.counts,
            tombstones=sum(len(each.deleted) for each in self.segments),
            segments=len(self.segments),
            dim=self.dim,
            store=self.codec.store,
            store_dim=self.codec.width,
            search="approximate" if self.is_approximate else "exact",
            recall=recall_of(self.manifest, self._folder),
            disk_bytes=sum(each.n_bytes for each in self.manifest.files.values()),
            memory_bytes=memory_bytes(
                self.manifest.counts["tokens"],
                self.codec.width,
                len(self),
                n_estimated=self.counts["passages"] if self.is_approximate else 0,
            ),
        )

    def with_recall(self, language: str, recall: Recall) -> "ExactIndex":
        """Publish a version that records what was measured of its approximate search.

        Args:
            language: of the questions; what was measured of it before is replaced.
            recall: what was measured.

        Raises:
            ArtefactError: as for `add`.
        """
        return self._changed(lambda _current, _version: None, recall={language: asdict(recall)})

    def _changed(
        self,
        change: Callable[["ExactIndex", NextVersion], None],
        inputs: dict[str, str] | None = None,
        *,
        recall: dict[str, dict[str, Any]] | None = None,
    ) -> "ExactIndex":
        """Publish what a change makes of the current version."""
        with publish_version(self.path) as folder:
            current = self._current()
            version = NextVersion(
                folder, live=current.segments, source=current._folder, codec=current.codec,
                empty_ids=current.empty_ids, estimator=current.estimator,
                approximate=current.manifest.config.get("approximate"),
            )  # fmt: skip
            change(current, version)
            version.compact()
            known = current.manifest.config
            config = {name: known[name] for name in known if name in ("encoder", "vectors", "mean")}
            if measured := known.get("recall", {}) | (recall or {}):
                config["recall"] = measured
            config |= {"window": current.windows[0], "stride": current.windows[1]}
            version.finish(
                config,
                inputs=joined_inputs(current.manifest.inputs, inputs or {}),
                made_by=current.manifest.made_by,
                n_more_empty=current.n_empty - len(current.empty_ids),
            )
        return self.reopened()

    def reopened(self) -> "ExactIndex":
        """Open the current version. Segments that are open already are taken along, with what was computed for them.

        Raises:
            ArtefactError: as for `open`.
        """
        return open_version(self.path, lambda folder: type(self)(self.path, folder, opened=self.segments))

    def _current(self) -> "ExactIndex":
        """Open the current version, and check that the same encoder built it."""
        current = self if current_version(self.path) == self.version else self.reopened()
        current.check_encoder(self.encoder, self.vectors)
        return current

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
        for each in self.segments:
            segment, record = each.segment, each.segment.record
            segment.documents.verify()
            segment.verify_counts()
            max_norm = 0.0
            for row in range(record.documents):
                vectors = np.concatenate([passage.tokens for passage in each.passages(row)]).astype(
                    np.float32
                )
                max_norm = max(max_norm, float(np.linalg.norm(vectors, axis=1).max()))
                if not np.isfinite(vectors).all():
                    doc_id = segment.documents.ids[row]
                    raise ArtefactError(f"{self.path}: document {doc_id!r} holds NaN or infinity")
            if not np.isclose(max_norm, record.max_norm, rtol=1e-3):
                raise damaged(self._folder / MANIFEST, "its 'max_norm' is not that of the vectors")
        self.id_order  # noqa: B018 - it checks that all ids differ

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
        return int(self._starts[-1])

    def _place(self, row: int) -> tuple[LiveSegment, int]:
        """The segment of a document, and its row there."""
        if not -len(self) <= row < len(self):
            raise IndexError(f"row is {row}: the index has {len(self)} documents")
        number = int(np.searchsorted(self._starts, row % len(self), side="right")) - 1
        live = self.segments[number]
        return live, int(live.rows[row % len(self) - self._starts[number]])

    def document(self, row: int) -> Document:
        """The document of a row, read from disk."""
        live, place = self._place(row)
        return live.segment.documents[place]

    def get(self, doc_id: str) -> Document:
        """A document by its id. Raises DataError: the index does not hold it."""
        try:
            return self.document(self.row(doc_id))
        except KeyError:
            raise DataError(f"the index holds no document {doc_id!r}") from None

    @cached_property
    def field_kinds(self) -> dict[str, str]:
        """What each metadata field holds, by name: `text`, `whole number`, `number`, or `true or false`."""
        return (
            kinds_of(self._fields())
            if any(each.segment.documents.fields.kinds for each in self.segments)
            else {}
        )

    def matching(self, condition: str) -> Bool[np.ndarray, " n_documents"]:
        """Say which documents a filter keeps; see `search/filters.py`.

        Raises:
            SettingsError: it is no filter, names an unknown field, or compares a field with a value of another kind.
        """
        return matching(parse_filter(condition), self._fields())

    def _fields(self) -> "pa.Table":
        """The fields of all live documents."""
        return joined([(each.fields(), len(each)) for each in self.segments])

    def entries(self) -> Iterator[Entry]:
        """Every document with its passages as they are stored, in float32, to build another index from."""
        for row in range(len(self)):
            stored = self._passages_of(row)
            yield self.document(row), [each._replace(tokens=as_float32(each.tokens)) for each in stored]

    def document_tokens(self, row: int) -> Float[np.ndarray, "tokens dim"]:
        """All token vectors of a row as they are stored; see `StoredTokens`."""
        return np.concatenate([passage.tokens for passage in self._passages_of(row)])

    def best_passage(self, query: np.ndarray, row: int) -> Passage:
        """The passage that gives a document its dense score; the first one if the query has no tokens."""
        passages = self._passages_of(row)
        if len(passages) == 1 or not len(query):
            return passages[0]
        query = self.project(query)
        return passages[int(np.argmax(maxsim_exact(query, [passage.tokens for passage in passages])))]

    def _passages_of(self, row: int) -> list[Passage]:
        live, place = self._place(row)
        return live.passages(place)

    @cached_property
    def doc_ids(self) -> Sequence[str]:
        """Document ids by row."""
        return [doc_id for each in self.segments for doc_id in each.ids]

    def row(self, doc_id: str) -> int:
        """The row of a document. Raises KeyError if it is not in the index."""
        for start, each in zip(self._starts, self.segments, strict=False):
            if (place := each.place(doc_id)) is not None:
                return int(start) + place
        raise KeyError(doc_id)

    def id_like(self, look: str) -> str | None:
        """The id in the index that looks so (see `look_of`); None if there is none."""
        return next((found for each in self.segments if (found := each.id_like(look)) is not None), None)

    @cached_property
    def id_order(self) -> np.ndarray:
        """(n_documents,) int64: the place of each row when rows are sorted by id.

        Raises:
            ArtefactError: two documents have the same id.
        """
        ids, starts = self.doc_ids, self._starts
        runs = np.concatenate(
            [start + each.in_order for start, each in zip(starts, self.segments, strict=False)]
        )
        rows = sorted(runs.tolist(), key=ids.__getitem__)  # quick, since each segment is in order
        if any(ids[one] == ids[other] for one, other in pairwise(rows)):
            raise damaged(self._folder / MANIFEST, "two of its documents have the same id")
        order = np.empty(len(rows), np.int64)
        order[rows] = np.arange(len(rows))
        return order

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
        projected = [self.project(query) for query in queries]
        parts = [
            each.live(each.segment.scores.of_all(projected, way=self._way, device=device, check=check))
            for each in self.segments
        ]
        scores = np.concatenate(parts, axis=1)
        if not np.isfinite(scores).all():
            row = int(np.flatnonzero(~np.isfinite(scores).all(axis=0))[0])
            raise ArtefactError(f"{self.path}: document {self.document(row).doc_id!r} holds NaN or infinity")
        return scores

    @property
    def is_approximate(self) -> bool:
        """Whether it has estimates, so that a search need not score every document."""
        return self.estimator is not None

    def estimated_scores(
        self, queries: Sequence[np.ndarray], *, check: Check = never
    ) -> Float32[np.ndarray, "n_queries n_documents"]:
        """Estimates of `dense_scores`, from one vector per passage; see `estimates`.

        Raises:
            ArtefactError: a vector is damaged.
            ValueError: the index is exact.
        """
        if self.estimator is None:
            raise ValueError(f"{self.path} is searched exactly: it has no estimates")
        features = [self.estimator.of_query(self.project(query)) for query in queries]
        way = estimating_way(self.counts["passages"])
        return np.concatenate([
            each.live(scores.of_all(features, way=way, device="cpu", check=check))
            for each in self.segments if (scores := each.segment.estimates)
        ], axis=1)  # fmt: skip

    def score_errors(self, query: np.ndarray) -> Float64[np.ndarray, " n_documents"] | None:
        """How far the last dense scores may be from the true ones; None if they are in float32, within `resolution`."""
        query = self.project(query)
        found = [each.segment.scores.errors(query) for each in self.segments]
        if all(each is None for each in found):
            return None
        return np.concatenate([
            np.zeros(len(each)) if errors is None else each.live(errors)
            for each, errors in zip(self.segments, found, strict=True)
        ])  # fmt: skip

    def float32_scores(self, query: np.ndarray, rows: Sequence[int]) -> Float32[np.ndarray, " n_rows"]:
        """MaxSim of some documents in float32, within `resolution`."""
        query, wanted = self.project(query), np.asarray(rows, np.int64)
        owners = np.searchsorted(self._starts, wanted, side="right") - 1
        scores = np.empty(len(wanted), np.float32)
        for number in np.unique(owners):
            live, is_here = self.segments[number], owners == number
            places = live.rows[wanted[is_here] - self._starts[number]]
            scores[is_here] = live.segment.scores.of_some(query, places.tolist())
        return scores

    def project(self, vectors: np.ndarray) -> np.ndarray:
        """(tokens, dim) vectors of the encoder in the (tokens, width) space of the stored ones."""
        return self.codec.project(vectors)

    def exact_scores(self, query: np.ndarray, rows: Sequence[int]) -> Float64[np.ndarray, " n_rows"]:
        """MaxSim of a few documents in float64. Equal documents get equal scores."""
        passages = [self._passages_of(row) for row in rows]
        scores = maxsim_exact(self.project(query), [each.tokens for found in passages for each in found])
        return best_of_each(scores, np.cumsum([0, *map(len, passages[:-1])])) if rows else scores

    def resolution(self, query: np.ndarray) -> float:
        """The largest rounding error of a float32 score of this query."""
        max_norm = max(each.segment.record.max_norm for each in self.segments)
        return rounding_bound(self.project(query), max_norm)

    @cached_property
    def _lexical(self) -> LexicalIndex:
        return LexicalIndex(self._old_weights or LiveWeights([each.part() for each in self.segments]))

    def lexical_scores(self, texts: Sequence[str]) -> Float32[np.ndarray, "n_queries n_documents"]:
        """BM25 of every document for each query text."""
        return self._lexical.scores(texts)

    def lexical_matches(self, text: str, row: int) -> dict[str, float]:
        """BM25 score of each gram that a query text shares with the document of a row, highest first."""
        return self._lexical.matches(text, row)
