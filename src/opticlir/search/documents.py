"""Ids, titles, texts and metadata fields of the indexed documents on disk."""

import json
from array import array
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import numpy as np

from opticlir.data.identifiers import allowed_id
from opticlir.errors import DataError
from opticlir.records import Document
from opticlir.search.arrays import damaged, read_bounds, read_permutation, read_texts, write_array
from opticlir.search.document_ids import DocumentIds
from opticlir.search.fields import FIELDS, FieldWriter, StoredFields
from opticlir.storage import Checksum, DurableFile, MappedFile, write_file

_DOCUMENTS = "documents.jsonl"
"""One JSON object a line: `_id`, `title`, `text`, as in a BEIR corpus."""
_LINES = "documents.npy"
"""(n_documents + 1,) int64: where each line of documents.jsonl begins."""
_ID_ORDER = "id_order.npy"
"""(n_documents,) int64: the place of each document when they are sorted by id; it decides ties."""
_EMPTY = "empty.json"
"""Ids of documents that were left out, because nothing of them could be encoded."""
DOCUMENT_FILES = (_DOCUMENTS, _LINES, _ID_ORDER)


class DocumentWriter:
    """Appends documents to a new store; of each only the id stays in memory.

    Args:
        folder: an unpublished folder.
        empty_ids: of documents that an earlier version left out.
    """

    def __init__(self, folder: Path, empty_ids: Iterable[str] = ()) -> None:
        self._folder = folder
        self._file = DurableFile(folder / _DOCUMENTS)
        self._ids = DocumentIds()
        self._empty = dict.fromkeys(empty_ids)
        self._lines = array("q", [0])
        self._fields = FieldWriter()

    def __len__(self) -> int:
        return len(self._ids)

    def append(self, document: Document) -> None:
        """Append one document.

        Raises:
            DataError: its id is not allowed (see `allowed_id`) or looks like an earlier one, or its text is not valid
                Unicode.
        """
        self._ids.add(document)
        self._empty.pop(document.doc_id, None)
        record = {"_id": document.doc_id, "title": document.title, "text": document.text}
        try:
            line = json.dumps(record, ensure_ascii=False).encode() + b"\n"
        except UnicodeEncodeError as error:
            raise DataError(f"document {document.doc_id!r} is no valid Unicode: {error.reason}") from None
        self._file.write(line)
        self._lines.append(self._lines[-1] + len(line))
        self._fields.append(document.fields)

    def leave_out(self, document: Document) -> None:
        """Count a document of which nothing can be encoded, once. Raises as `append`."""
        self._ids.check(document)
        self._empty[document.doc_id] = None

    @property
    def n_empty(self) -> int:
        """Documents that were left out."""
        return len(self._empty)

    def finish(self) -> dict[str, Checksum]:
        """Write the tables and return the checksums of all files."""
        order = np.empty(len(self._ids), dtype=np.int64)
        order[sorted(range(len(order)), key=list(self._ids).__getitem__)] = np.arange(len(order))
        empty = json.dumps(list(self._empty), ensure_ascii=False).encode()
        return {
            _EMPTY: write_file(self._folder / _EMPTY, empty),
            _DOCUMENTS: self._file.finish(),
            _LINES: write_array(self._folder / _LINES, np.array(self._lines, dtype=np.int64)),
            _ID_ORDER: write_array(self._folder / _ID_ORDER, order),
            **self._fields.finish(self._folder),
        }

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class StoredDocuments:
    """Documents by their row, read from disk when they are asked for.

    Args:
        folder: a published version whose checksums are right.
        n_documents: number of documents.
        has_fields: whether the version has a file of metadata fields.

    Raises:
        ArtefactError: the files do not hold so many documents, or a document is none.
    """

    def __init__(self, folder: Path, n_documents: int, *, has_fields: bool) -> None:
        self._path = folder / _DOCUMENTS
        self._file = MappedFile(self._path)
        self._lines = read_bounds(folder / _LINES, parts=n_documents, stop=self._file.n_bytes)
        self.id_order = read_permutation(folder / _ID_ORDER, n_documents)
        empty = folder / _EMPTY  # an index of format 2 has only their number
        self.empty_ids = read_texts(empty) if empty.exists() else []
        """Of documents that were left out, because nothing of them could be encoded."""
        self.fields = StoredFields(folder / FIELDS if has_fields else None, n_documents)

    def __len__(self) -> int:
        return len(self.id_order)

    def __getitem__(self, row: int) -> Document:
        self._file.check()
        line = self._file.content[self._lines[row] : self._lines[row + 1]]
        try:
            record = json.loads(line.decode())
            document = Document(record["_id"], record["text"], record["title"], self.fields[row])
            for text in (document.doc_id, document.title, document.text):
                text.encode()
            allowed_id(document.doc_id, "document")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, DataError) as error:
            raise damaged(self._path, f"line {row + 1} is no document") from error
        return document

    @cached_property
    def ids(self) -> list[str]:
        """All document ids by row; the whole file is read once."""
        found = [self[row].doc_id for row in range(len(self))]
        if len(set(found)) < len(found):
            raise damaged(self._path, "two documents have the same id")
        return found

    def verify(self) -> None:
        """Read every document, and check the order of their ids."""
        place = {doc_id: number for number, doc_id in enumerate(sorted(self.ids))}
        if any(place[doc_id] != number for doc_id, number in zip(self.ids, self.id_order, strict=True)):
            raise damaged(self._path.with_name(_ID_ORDER), "it is not the order of the ids")
