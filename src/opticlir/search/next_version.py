"""The next version of an index while it is written: segments that stay, new ones, tombstones, and the manifest last.

The files of segments that stay get a second name in the folder of the new version (hard links). So each version is
complete in itself, and a document that was there costs nothing.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np

from opticlir.encoder import WHOLE
from opticlir.errors import DataError
from opticlir.manifest import Manifest, write_manifest
from opticlir.search.codecs import Codec, Store
from opticlir.search.compaction import due
from opticlir.search.document_ids import DocumentIds
from opticlir.search.estimates import Estimator, fit_estimator, sample_of, write_estimator
from opticlir.search.fields import warn_of_other_kinds
from opticlir.search.gathering import approximates
from opticlir.search.grams import GRAM
from opticlir.search.index import Entry
from opticlir.search.index_version import EMPTY, FORMAT, KIND, record_of, total_counts
from opticlir.search.lexical import K1, B
from opticlir.search.live_segment import LiveSegment, write_tombstones
from opticlir.search.passages import Passage
from opticlir.search.segment import Full, Segment, write_estimates, write_segment
from opticlir.search.tokens import TokenWriter, write_codec
from opticlir.storage import MANIFEST, Checksum, filesystem, link_file, write_file
from opticlir.storage.filesystem import refusals_named


class NextVersion:
    """A version that is not published yet.

    Args:
        folder: an unpublished folder.
        live: segments of the version before it.
        source: folder of that version; None if there is none.
        codec: how vectors are written; None fits one on the first documents.
        store: how a number is kept, where a codec is fitted.
        store_dim: numbers of a stored vector, likewise.
        empty_ids: of documents that the version before it left out.
        approximate: whether it is searched approximately; None decides by its size. It stays so once it is.
        estimator: of the version before it, if that is searched approximately.
    """

    def __init__(  # noqa: PLR0913 - what decides a version
        self,
        folder: Path,
        *,
        live: Sequence[LiveSegment] = (),
        source: Path | None = None,
        codec: Codec | None = None,
        store: Store = "float16",
        store_dim: int | None = None,
        empty_ids: Iterable[str] = (),
        approximate: bool | None = None,
        estimator: Estimator | None = None,
    ) -> None:
        self._folder, self._source = folder, source
        self._codec, self._store, self._store_dim = codec, store, store_dim
        self._live = list(live)
        self._written: set[str] = set()
        self._empty = dict.fromkeys(empty_ids)
        self._approximate, self._estimator = approximate, estimator

    def add(self, entries: Iterable[Entry], ids: DocumentIds) -> None:
        """Write documents to a new segment. Those of the same ids are deleted where `ids` allows to replace them.

        Raises:
            DataError: an id is not allowed, or a text is no valid Unicode.
            ArtefactError: an embedding holds NaN or infinity, or the disk cannot be written.
        """
        new = self._write(self._full(entries, ids))
        known, added = ({
            name: kind for each in live for name, kind in each.segment.documents.fields.kinds.items()
        } for live in (self._live, new))  # fmt: skip
        warn_of_other_kinds(known, added)
        self.delete(ids.replaced)
        self._live += new

    def delete(self, doc_ids: set[str]) -> None:
        """Leave out documents."""
        self._live = [left for each in self._live if len(left := each.without(doc_ids))]

    def compact(self, *, into_one: bool = False) -> None:
        """Write segments together where that is due, or all of them; then an estimator is fitted again."""
        while len(group := self._live if into_one else due(self._live)) > 0:
            if (
                into_one
                and len(group) == 1
                and not len(group[0].deleted)
                and group[0].segment.record.has_counts
            ):
                return
            self._estimator = None if into_one else self._estimator
            place = self._live.index(group[0])
            others = [each for each in self._live if each not in group]
            self._live = [*others[:place], *self._merge(list(group)), *others[place:]]
            for name in self._written - {each.segment.record.folder for each in self._live}:
                with refusals_named(self._folder):
                    filesystem.active.remove(self._folder / name)
                self._written.remove(name)

    def finish(
        self,
        config: dict[str, Any],
        *,
        inputs: dict[str, str],
        made_by: dict[str, str],
        n_more_empty: int = 0,
    ) -> None:
        """Write what belongs to the whole version, and its manifest last.

        Args:
            config: what decides the vectors.
            inputs: checksums of the files that the documents came from.
            made_by: for an index in a cache (see `storage.made_by`).
            n_more_empty: number of documents that were left out and whose ids are unknown (format 2).

        Raises:
            DataError: no document is left.
        """
        n_empty = len(self._empty) + n_more_empty
        if self._codec is None or not self._live:
            raise DataError(f"there is no document with text to index ({n_empty} empty ones were left out)")
        self._fit_estimator()
        files = self._files_of_segments() | write_codec(self._folder, self._codec)
        if self._estimator is not None:
            files |= write_estimator(self._folder, self._estimator)
        if self._empty:
            empty = json.dumps(list(self._empty), ensure_ascii=False).encode()
            files[EMPTY] = write_file(self._folder / EMPTY, empty)
        for each in self._live:
            files |= write_tombstones(self._folder, each)
        lexical = {"gram": GRAM, "letters": "latin", "k1": K1, "b": B}
        stored = {"dim": self._codec.dim, "store": self._codec.store, "store_dim": self._codec.width}
        segments = [record_of(each.segment.record) for each in self._live]
        manifest = Manifest(
            kind=KIND,
            format_version=FORMAT,
            config={
                **config,
                **stored,
                "segments": segments,
                "lexical": lexical,
                "approximate": self._approximate,
            },
            inputs=inputs,
            files=files,
            counts={**total_counts(self._live), "empty_documents": n_empty},
            made_by=made_by,
        )
        write_manifest(self._folder / MANIFEST, manifest)

    def _full(self, entries: Iterable[Entry], ids: DocumentIds) -> Iterator[Full]:
        """Yield the documents that have tokens, with their passages that have some; leave out the others."""
        for document, content in entries:
            passages = [Passage(WHOLE, content)] if isinstance(content, np.ndarray) else content
            full = (passage for passage in passages if len(passage.tokens))
            first = next(full, None) if document.content.strip() else None
            if first is None:
                ids.check(document)
                self._empty[document.doc_id] = None
            else:
                ids.add(document)
                self._empty.pop(document.doc_id, None)
                yield document, chain([first], full)

    def _write(self, documents: Iterator[Full]) -> list[LiveSegment]:
        """Write documents to segments, each of them until it is full."""
        new = []
        for first in documents:
            folder = self._next_folder()
            tokens = TokenWriter(folder, self._store, self._store_dim, codec=self._codec)
            record = write_segment(folder, chain([first], documents), tokens)
            self._codec = tokens.codec
            new.append(LiveSegment(Segment(folder, record, self._codec)))
        return new

    def _merge(self, group: Sequence[LiveSegment]) -> list[LiveSegment]:
        """Copy segments to one; an older format is counted again."""
        documents = chain.from_iterable(each.documents() for each in group)
        if not all(each.segment.record.has_counts for each in group):
            return self._write(documents)
        starts = np.cumsum([0, *map(len, group)])
        parts = [each.part(int(start)) for each, start in zip(group, starts, strict=False)]
        codec, folder = group[0].segment.tokens.codec, self._next_folder()
        record = write_segment(folder, documents, TokenWriter(folder, codec.store, codec=codec), merged=parts)
        if self._estimator is not None and all(each.segment.record.has_estimates for each in group):
            record.files.update(write_estimates(folder, (each.estimates() for each in group)))
        return [LiveSegment(Segment(folder, record, codec))]

    def _fit_estimator(self) -> None:
        """Fit an estimator if the version is the first one to be searched approximately."""
        is_wanted = self._approximate
        if is_wanted is None:
            sizes = [each.segment.tokens.shape for each in self._live]
            is_wanted = approximates(sum(n_tokens * width for n_tokens, width in sizes))
        if self._estimator is None and is_wanted:
            self._estimator = fit_estimator(sample_of([each.segment.tokens for each in self._live]))

    def _next_folder(self) -> Path:
        known = [int(each.segment.record.folder or 0) for each in self._live]
        name = f"{max([0, *known, *map(int, self._written)]) + 1:06d}"
        self._written.add(name)
        self._make_folder(name)
        return self._folder / name

    def _make_folder(self, name: str) -> None:
        with refusals_named(self._folder):
            filesystem.active.make_folder(self._folder / name)

    def _files_of_segments(self) -> dict[str, Checksum]:
        """The files of all segments. Those that stay get their second names here."""
        files = {}
        for segment in (each.segment for each in self._live):
            record = segment.record
            is_new = record.folder in self._written
            if not is_new:
                self._make_folder(record.folder)
            for name, checksum in record.files.items():
                files[f"{record.folder}/{name}"] = checksum
                if self._source is not None and not is_new:
                    link_file(self._source / record.folder / name, self._folder / record.folder / name)
            if self._estimator is not None and not record.has_estimates:
                vectors = self._estimator.in_parts(segment.tokens, segment.passages.offsets)
                written = write_estimates(self._folder / record.folder, vectors)
                files |= {f"{record.folder}/{name}": checksum for name, checksum in written.items()}
        return files


def joined_inputs(known: dict[str, str], new: dict[str, str]) -> dict[str, str]:
    """Inputs of both. A file of a known name with other content gets a number."""
    joined = dict(known)
    for name, checksum in new.items():
        names = chain([name], (f"{name} ({number})" for number in count(2)))
        joined[next(each for each in names if joined.get(each, checksum) == checksum)] = checksum
    return joined
