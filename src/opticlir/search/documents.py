"""Ids, titles and texts of the indexed documents on disk."""

import json
from array import array
from functools import cached_property
from io import BytesIO
from pathlib import Path

import numpy as np

from opticlir.data.identifiers import allowed_id
from opticlir.errors import DataError
from opticlir.records import Document
from opticlir.storage import Checksum, DurableFile, write_file

_DOCUMENTS = "documents.jsonl"
"""One JSON object a line: `_id`, `title`, `text`, as in a BEIR corpus."""
_LINES = "documents.npy"
"""(n_documents + 1,) int64: where each line of documents.jsonl begins."""
_ID_ORDER = "id_order.npy"
"""(n_documents,) int64: the place of each document when they are sorted by id; it decides ties."""


def write_array(path: Path, values: np.ndarray) -> Checksum:
    """Write an array in numpy's own format, without pickle."""
    buffer = BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return write_file(path, buffer.getbuffer())


class DocumentWriter:
    """Appends documents to a new store; of each only the id stays in memory.

    Args:
        folder: an unpublished folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = DurableFile(folder / _DOCUMENTS)
        self._ids: dict[str, None] = {}
        self._lines = array("q", [0])

    def __len__(self) -> int:
        return len(self._ids)

    def append(self, document: Document) -> None:
        """Append one document.

        Raises:
            DataError: its id is not allowed (see `checked_id`) or was seen before, or its text is no valid Unicode.
        """
        try:
            allowed_id(document.doc_id, "document")
        except DataError as error:
            raise DataError(f"{error}; its text begins with {document.text[:40]!r}") from None
        if document.doc_id in self._ids:
            raise DataError(f"document id {document.doc_id!r} comes twice: ids must be unique")
        self._ids[document.doc_id] = None
        record = {"_id": document.doc_id, "title": document.title, "text": document.text}
        try:
            line = json.dumps(record, ensure_ascii=False).encode() + b"\n"
        except UnicodeEncodeError as error:
            raise DataError(f"document {document.doc_id!r} is no valid Unicode: {error.reason}") from None
        self._file.write(line)
        self._lines.append(self._lines[-1] + len(line))

    def finish(self) -> dict[str, Checksum]:
        """Write the tables and give the checksums of all files."""
        order = np.empty(len(self._ids), dtype=np.int64)
        order[sorted(range(len(order)), key=list(self._ids).__getitem__)] = np.arange(len(order))
        return {
            _DOCUMENTS: self._file.finish(),
            _LINES: write_array(self._folder / _LINES, np.array(self._lines, dtype=np.int64)),
            _ID_ORDER: write_array(self._folder / _ID_ORDER, order),
        }

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class StoredDocuments:
    """Documents by their row, read from disk when they are asked for.

    Args:
        folder: a published version whose files have been checked already.
    """

    def __init__(self, folder: Path) -> None:
        self._content = np.memmap(folder / _DOCUMENTS, dtype=np.uint8, mode="r")
        self._lines = np.load(folder / _LINES, allow_pickle=False)
        self.id_order: np.ndarray = np.load(folder / _ID_ORDER, allow_pickle=False)

    def __len__(self) -> int:
        return len(self.id_order)

    def __getitem__(self, row: int) -> Document:
        line = self._content[self._lines[row] : self._lines[row + 1]].tobytes()
        record = json.loads(line)
        return Document(doc_id=record["_id"], title=record["title"], text=record["text"])

    @cached_property
    def ids(self) -> list[str]:
        """All document ids by row; the whole file is read once."""
        return [self[row].doc_id for row in range(len(self))]
