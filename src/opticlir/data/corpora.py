"""Documents to search: JSON lines, tables, and SGML; one file, shards, or a folder of them."""

import logging
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from opticlir.data.collection_files import collection_files, data_files, is_data_file
from opticlir.data.fields import DOCUMENT_ID, DOCUMENT_TEXT, DOCUMENT_TITLE, is_header
from opticlir.data.identifiers import checked_id, refuse_duplicates
from opticlir.data.metadata import FieldReader
from opticlir.data.normalisation import normalise_text
from opticlir.data.skipping import MalformedRecordError, SkipReport, parse_records
from opticlir.data.tables import Row, UntypedRow, can_be_read_twice, read_records
from opticlir.data.trec_documents import parse_trec_document, trec_documents
from opticlir.errors import DataError
from opticlir.records import Document, FieldValue
from opticlir.visible import shown

logger = logging.getLogger(__name__)

_STEMS = ("corpus", "collection", "documents", "docs", "passages")
_OTHER_PARTS = ("queries", "query", "topics", "qrels")


def read_corpus(path: str | Path, *, skipped: SkipReport | None = None) -> Iterator[Document]:
    """Read documents in file order. Only their ids stay in memory.

    | begins with | form |
    |---|---|
    | `{` or `[` | JSON lines or an array: `_id` (`docid`, `pid`), `text` (`contents`, `passage`), perhaps `title` |
    | names of columns | TSV or CSV: the columns may have any order |
    | `<` | SGML of TREC, CLEF and FIRE: `<DOC><DOCNO><TEXT>`, or `<doc id="...">` |
    | else | TSV of `docid<TAB>title<TAB>text` or `docid<TAB>text`, and CSV likewise |

    Parquet and Arrow tables are read too. Other keys and columns become metadata fields, if they hold texts, numbers,
    true or false.

    Args:
        path: a file, plain or compressed; or a folder. In a folder, `corpus` (or `collection`, `documents`,
            `docs`, `passages`) is one file, its shards, or a folder of them. A folder without such names is
            read as a whole.
        skipped: None refuses a malformed document; a lenient report skips and counts it. Its remarks say which
            fields are left out.

    Returns:
        Iterator over documents, texts in normal form. A text may be empty; the index counts such documents.

    Raises:
        DataError: no such file; on iteration: the file cannot be read or has no document, a record is
            malformed, or two records have the same id.
    """
    path = Path(path)
    fields = FieldReader(logger.warning if skipped is None else skipped.remark)
    return _every(_corpus_files(path) if path.is_dir() else [path], SkipReport.of(skipped), fields)


class CheckedCorpus:
    """A corpus that was read to its end once, so that a malformed record cannot end a long job in the middle.

    Args:
        path: as of `read_corpus`; of a pipe only the documents that are asked for are read.
        skipped: as of `read_corpus`; it counts each record once.

    Raises:
        DataError: as `read_corpus` on iteration.
    """

    def __init__(self, path: Path, *, skipped: SkipReport | None = None) -> None:
        self._path, self._skipped = path, skipped
        is_lenient = SkipReport.of(skipped).lenient
        self._n = 0
        if can_be_read_twice(path):
            self._n = sum(1 for _ in read_corpus(path, skipped=SkipReport(lenient=is_lenient)))

    def __len__(self) -> int:
        """Number of documents; 0 if it is not known."""
        return self._n

    def __iter__(self) -> Iterator[Document]:
        return read_corpus(self._path, skipped=self._skipped)


def _every(paths: list[Path], report: SkipReport, fields: FieldReader) -> Iterator[Document]:
    earlier = set[str]()
    for path in paths:
        documents = iter(_documents(path, report, fields))
        first = next(documents, None)
        if first is None:
            raise DataError(f"{path}: no document in it")
        yield from refuse_duplicates(
            chain([first], documents), lambda document: document.doc_id, path, report, earlier
        )


def _documents(path: Path, report: SkipReport, fields: FieldReader) -> Iterator[tuple[int, Document]]:
    form, items = read_records(path, report, lambda entries: is_header(entries, DOCUMENT_ID, DOCUMENT_TEXT))
    if form == "rows":
        return parse_records(items, lambda row: _from_row(row, fields), path, report)
    if form == "markup":
        return parse_records(
            trec_documents(items), lambda text: _document(*parse_trec_document(text)), path, report
        )
    first = next(items, None)
    if first is None:
        return iter(())
    return parse_records(chain([first], items), _line_parser(first[1]), path, report)


def _from_row(row: Row, fields: FieldReader) -> Document:
    doc_id, text, title = (field.find(row) for field in (DOCUMENT_ID, DOCUMENT_TEXT, DOCUMENT_TITLE))
    if doc_id is None or text is None:
        raise MalformedRecordError(f"expected the keys _id and text, found {shown(', '.join(row))}")
    metadata = fields.read(row, (doc_id, text, title), is_text=isinstance(row, UntypedRow))
    return _document(
        row[doc_id], row[title] or "" if title else "", "" if row[text] is None else row[text], metadata
    )


def _line_parser(first_line: str) -> Callable[[str], Document]:
    """Return a parser for lines with as many columns as the first one."""
    n_columns = 2 if first_line.count("\t") == 1 else 3
    expected = "docid<TAB>text" if n_columns == 2 else "docid<TAB>title<TAB>text"

    def parse(line: str) -> Document:
        columns = line.split("\t")
        if len(columns) != n_columns:
            raise MalformedRecordError(
                f"expected {n_columns} columns, {expected}, or one JSON object a line, "
                f"found {len(columns)} in {shown(line)}"
            )
        return _document(columns[0], columns[1] if n_columns == 3 else "", columns[-1])

    return parse


def _document(doc_id: Any, title: Any, text: Any, fields: Mapping[str, FieldValue] | None = None) -> Document:
    for name, value in (("title", title), ("text", text)):
        if not isinstance(value, str):
            raise MalformedRecordError(f"expected text under {name}, found {shown(repr(value))}")
    return Document(checked_id(doc_id, "document"), normalise_text(text), normalise_text(title), fields or {})


def _corpus_files(folder: Path) -> list[Path]:
    if found := collection_files(folder, _STEMS):
        return found
    files = data_files(folder)
    has_other_parts = any(
        part.startswith(_OTHER_PARTS) for path in files for part in path.relative_to(folder).parts
    )
    if files and not has_other_parts and all(is_data_file(path) or _is_markup(path) for path in files):
        return files
    raise DataError(
        f"{folder}: no corpus in it: looked for corpus.jsonl, {', '.join(f'{stem}.*' for stem in _STEMS)}, "
        "their shards, a folder corpus, or a folder with files of documents alone"
    )


def _is_markup(path: Path) -> bool:
    """Whether a file without a known ending is SGML; TREC's newspapers have names such as `la010189`."""
    form, _ = read_records(path, SkipReport(lenient=False), lambda _entries: False)
    return form == "markup"
