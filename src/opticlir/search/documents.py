"""Ids, titles, texts and metadata fields of the documents of a segment on disk."""

import json
from array import array
from functools import cached_property
from pathlib import Path

import numpy as np

from opticlir.data.identifiers import allowed_id
from opticlir.errors import DataError
from opticlir.records import Document
from opticlir.search.arrays import damaged, read_bounds, read_texts, write_array
from opticlir.search.document_ids import look_of
from opticlir.search.fields import FIELDS, FieldWriter, StoredFields
from opticlir.storage import Checksum, DurableFile, MappedFile, write_file

_DOCUMENTS = "documents.jsonl"
"""One JSON object a line: `_id`, `title`, `text`, as in a BEIR corpus."""
_LINES = "documents.npy"
"""(n_documents + 1,) int64: where each line of documents.jsonl begins."""
_IDS = "ids.json"
"""Their ids, by row; only since format 5."""
DOCUMENT_FILES = (_DOCUMENTS, _LINES, _IDS)


class DocumentWriter:
    """Appends documents to a new store; of each only the id stays in memory.

    Args:
        folder: of an unpublished segment.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = DurableFile(folder / _DOCUMENTS)
        self._ids: list[str] = []
        self._lines = array("q", [0])
        self._fields = FieldWriter()

    def __len__(self) -> int:
        return len(self._ids)

    def append(self, document: Document) -> None:
        """Append one document.

        Raises:
            DataError: its text is not valid Unicode.
        """
        record = {"_id": document.doc_id, "title": document.title, "text": document.text}
        try:
            line = json.dumps(record, ensure_ascii=False).encode() + b"\n"
        except UnicodeEncodeError as error:
            raise DataError(f"document {document.doc_id!r} is no valid Unicode: {error.reason}") from None
        self._file.write(line)
        self._ids.append(document.doc_id)
        self._lines.append(self._lines[-1] + len(line))
        self._fields.append(document.fields)

    def finish(self) -> dict[str, Checksum]:
        """Write the tables and return the checksums of all files."""
        ids = json.dumps(self._ids, ensure_ascii=False).encode()
        return {
            _DOCUMENTS: self._file.finish(),
            _LINES: write_array(self._folder / _LINES, np.array(self._lines, dtype=np.int64)),
            _IDS: write_file(self._folder / _IDS, ids),
            **self._fields.finish(self._folder),
        }

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class StoredDocuments:
    """Documents by their row, read from disk when they are asked for.

    Args:
        folder: of a published segment whose checksums are right.
        n_documents: number of documents.
        has_fields: whether the version has a file of metadata fields.

    Raises:
        ArtefactError: the files do not hold so many documents, or a document is none.
    """

    def __init__(self, folder: Path, n_documents: int, *, has_fields: bool) -> None:
        self._path = folder / _DOCUMENTS
        self._file = MappedFile(self._path)
        self._lines = read_bounds(folder / _LINES, parts=n_documents, stop=self._file.n_bytes)
        self._known_ids = read_texts(folder / _IDS) if (folder / _IDS).exists() else None
        if self._known_ids is not None and len(self._known_ids) != n_documents:
            raise damaged(folder / _IDS, f"it does not hold the ids of {n_documents} documents")
        self.fields = StoredFields(folder / FIELDS if has_fields else None, n_documents)

    def __len__(self) -> int:
        return len(self._lines) - 1

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
        if self._known_ids is not None and self._known_ids[row] != document.doc_id:
            raise damaged(self._path, f"line {row + 1} has another id than {_IDS}")
        return document

    @cached_property
    def ids(self) -> list[str]:
        """All document ids by row. The whole file of an index before format 5 is read for them."""
        if self._known_ids is None:
            found = [self[row].doc_id for row in range(len(self))]
            if len(set(found)) < len(found):
                raise damaged(self._path, "two documents have the same id")
            return found
        if not _are_plain(self._known_ids):
            try:
                for doc_id in self._known_ids:
                    allowed_id(doc_id, "document")
            except DataError as error:
                raise damaged(self._path.with_name(_IDS), str(error)) from error
        return self._known_ids

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each id."""
        return {doc_id: row for row, doc_id in enumerate(self.ids)}

    @cached_property
    def by_look(self) -> dict[str, str]:
        """Ids that do not look as they are written, by how they look."""
        if _are_plain(self.ids):
            return {}
        return {look: doc_id for doc_id in self.ids if (look := look_of(doc_id)) != doc_id}

    @cached_property
    def in_order(self) -> np.ndarray:
        """(n_documents,) int64: all rows, in the order of the ids."""
        return np.array(sorted(range(len(self)), key=self.ids.__getitem__), dtype=np.int64)

    def verify(self) -> None:
        """Read every document."""
        for row in range(len(self)):
            self[row]
        self.ids  # noqa: B018 - reading them checks them


def _are_plain(ids: list[str]) -> bool:
    """Whether all ids are short ASCII without blanks, as most are: then they are allowed and look as written."""
    joined = "|".join(ids)
    return (
        all(ids)
        and joined.isascii()
        and len(joined.split()) == 1
        and "\0" not in joined
        and len(max(ids, key=len)) < 1024
    )
