"""One version of an index on disk: a folder of files that never change, and the manifest that lists them."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np

from opticlir.encoder import WHOLE
from opticlir.errors import ArtefactError, DataError
from opticlir.manifest import Manifest, read_manifest, write_manifest
from opticlir.records import Document
from opticlir.search.arrays import check_manifest, damaged
from opticlir.search.codecs import Store, is_fitted
from opticlir.search.documents import DOCUMENT_FILES, DocumentWriter
from opticlir.search.index import Entry
from opticlir.search.lexical import GRAM, K1, LEXICAL_FILES, B, LexicalWriter
from opticlir.search.passages import OFFSETS, PASSAGES, Passage, PassageWriter
from opticlir.search.tokens import CODEC, TOKEN_FILES, TokenWriter
from opticlir.storage import MANIFEST

_KIND = "exact index"
_FORMAT, _PASSAGES, _OLDEST = 4, 3, 2
"""1: BM25 without transliteration, which queries no longer match. 2: no passages. 3: float16 and float32 alone."""
_FILES = {OFFSETS, *DOCUMENT_FILES, *TOKEN_FILES, *LEXICAL_FILES}


def read_version(path: Path, folder: Path) -> Manifest:
    """Read the manifest of a version, and check its format, counts and names of files.

    Args:
        path: the index, for messages.
        folder: one of its versions.

    Raises:
        ArtefactError: the manifest is damaged, or its format is too old or too new.
    """
    manifest = read_manifest(folder / MANIFEST, kind=_KIND, newest_version=_FORMAT)
    if manifest.format_version < _OLDEST:
        raise ArtefactError(
            f"{path}: an index of format {manifest.format_version}, made by an earlier version of opticlir; "
            f"this one reads formats {_OLDEST} to {_FORMAT}: build it again with `opticlir index`"
        )
    check_manifest(manifest, folder, _FILES | ({PASSAGES} if manifest.format_version >= _PASSAGES else set()))
    if is_fitted(*stored_as(manifest)) and CODEC not in manifest.files:
        raise damaged(folder / MANIFEST, f"it does not name {CODEC}")
    return manifest


def stored_as(manifest: Manifest) -> tuple[Store, int, int]:
    """How a number of a stored vector is kept; numbers of an encoder's vector; numbers of a stored one."""
    config = manifest.config
    store: Store = config["store" if "store" in config else "dtype"]  # `dtype` before format 4
    return store, config["dim"], config.get("store_dim", config["dim"])


def write_version(
    folder: Path,
    entries: Iterable[Entry],
    tokens: TokenWriter,
    *,
    config: dict[str, Any],
    inputs: dict[str, str],
    made_by: dict[str, str],
    empty_ids: Iterable[str] = (),
    n_more_empty: int = 0,
) -> None:
    """Write the files of a version, and its manifest last.

    Args:
        folder: an unpublished folder.
        entries: documents with their vectors or passages, taken one at a time.
        tokens: writes their vectors to `folder`; it is closed here.
        config: what decides the vectors, for the manifest.
        inputs: checksums of the files that the documents came from.
        made_by: for an index in a cache (see `storage.made_by`).
        empty_ids: of documents that an earlier version left out.
        n_more_empty: number of those whose ids are unknown (format 2).

    Raises:
        DataError: an id is not allowed or comes twice, or no document has any text.
        ArtefactError: an embedding holds NaN or infinity, or the disk cannot be written.
    """
    lexical, passages = LexicalWriter(folder), PassageWriter(folder)
    with (
        closing(tokens) as vectors,
        closing(DocumentWriter(folder, empty_ids)) as documents,
    ):
        for document, found in _full(entries, documents):
            documents.append(document)
            lexical.append(document.content)
            for passage in found:
                vectors.append(passage.tokens, document.doc_id)
                passages.append(len(documents) - 1, passage.window, vectors.n_tokens)
        if not len(documents):
            raise DataError(
                f"there is no document with text to index ({documents.n_empty} empty ones were left out)"
            )
        files = {**vectors.finish(), **documents.finish(), **lexical.finish(), **passages.finish()}
    manifest = Manifest(
        kind=_KIND,
        format_version=_FORMAT,
        config={
            **config,
            "dim": vectors.dim,
            "store": vectors.codec.store,
            "store_dim": vectors.codec.width,
            "max_norm": vectors.max_norm,
            "lexical": {"gram": GRAM, "letters": "latin", "k1": K1, "b": B},
        },
        inputs=inputs,
        files=files,
        counts={
            "documents": len(documents),
            "tokens": vectors.n_tokens,
            "empty_documents": documents.n_empty + n_more_empty,
            **passages.counts,
        },
        made_by=made_by,
    )
    write_manifest(folder / MANIFEST, manifest)


def _full(
    entries: Iterable[Entry], documents: DocumentWriter
) -> Iterator[tuple[Document, Iterator[Passage]]]:
    """Yield the documents that have tokens, with their passages that have some; leave out the others."""
    for document, content in entries:
        passages = [Passage(WHOLE, content)] if isinstance(content, np.ndarray) else content
        full = (passage for passage in passages if len(passage.tokens))
        first = next(full, None) if document.content.strip() else None
        if first is None:
            documents.leave_out(document)
        else:
            yield document, chain([first], full)


def joined_inputs(known: dict[str, str], new: dict[str, str]) -> dict[str, str]:
    """Inputs of both. A file of a known name with other content gets a number."""
    joined = dict(known)
    for name, checksum in new.items():
        names = chain([name], (f"{name} ({number})" for number in count(2)))
        joined[next(each for each in names if joined.get(each, checksum) == checksum)] = checksum
    return joined
