"""Collections in BEIR layout: `corpus.jsonl`, `queries.jsonl`, `qrels/<split>.tsv`."""

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from opticlir.data.identifiers import checked_id, refuse_duplicates
from opticlir.data.json_files import parse_json_object
from opticlir.data.language_files import language_file, language_files
from opticlir.data.normalisation import normalise_text
from opticlir.data.retrieval_tasks import assemble_task
from opticlir.data.skipping import MalformedRecordError, SkipReport, parse_records
from opticlir.data.text_files import read_lines
from opticlir.data.topics import read_topics
from opticlir.data.trec import read_qrels
from opticlir.data.visible import shown
from opticlir.errors import DataError
from opticlir.languages import language_code
from opticlir.records import Document, Query, RetrievalTask

_ID_KEYS = ("_id", "docid", "doc_id", "id")
_TEXT_KEYS = ("text", "contents")
_CORPUS_NAMES = (
    "corpus.jsonl",
    "corpus.jsonl.gz",
    "corpus.tsv",
    "corpus.tsv.gz",
    "collection.tsv",
    "collection.tsv.gz",
)


def read_corpus(path: str | Path, *, skipped: SkipReport | None = None) -> Iterator[Document]:
    """Read documents in file order. Only their ids stay in memory.

    Args:
        path: JSON lines (`_id`, `text` and perhaps `title`), or TSV of `docid<TAB>title<TAB>text` or
            `docid<TAB>text`, plain or gzipped; or a folder with such a `corpus` or `collection` file.
        skipped: None refuses a malformed document; a lenient report skips and counts it.

    Returns:
        Iterator over documents, texts in NFC. A text may be empty; the index counts such documents.

    Raises:
        DataError: no such file; on iteration: the file cannot be read or has no document, a record is
            malformed, or two lines have the same id.
    """
    path = Path(path)
    return _documents(_corpus_file(path) if path.is_dir() else path, SkipReport.of(skipped))


def read_queries(path: Path, language: str) -> list[Query]:
    """Read queries: JSON lines (`_id`, `text`) or any other form that `read_topics` reads.

    Args:
        path: the file, plain or gzipped; or a folder with `queries/<language>.jsonl` or
            `queries.jsonl`.
        language: language of the queries, any code.

    Returns:
        Queries in file order.

    Raises:
        DataError: there are no queries in `language`, or a query is malformed.
    """
    return read_topics(_query_file(path, language) if path.is_dir() else path, language)


def read_beir(folder: Path, language: str, split: str) -> RetrievalTask:
    """Read a collection in BEIR layout as one retrieval task.

    `queries.jsonl` is in `language`, unless a folder `queries` has one file per language. In that case
    `queries.jsonl` holds the same queries in English.

    Args:
        folder: contains `corpus.jsonl`, the queries and `qrels/`.
        language: language of the queries, any code.
        split: name of `qrels/<split>.tsv`; queries without a judgement in it are left out.

    Returns:
        The task, with `english_queries` if the folder has them and `language` is not English.

    Raises:
        DataError: a file is missing or malformed, or the parts do not belong together.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder, expected one with corpus.jsonl, queries.jsonl and qrels/")
    qrels = read_qrels(_qrels_file(folder, split))
    documents = read_corpus(folder)
    query_file = _query_file(folder, language)
    english_file = _english_query_file(folder)
    is_other = english_file is not None and english_file != query_file
    english = read_topics(english_file, "eng") if english_file is not None and is_other else []
    return assemble_task(
        f"beir.{folder.resolve().name}.{split}",
        folder,
        documents,
        read_topics(query_file, language),
        qrels,
        english,
    )


def _documents(path: Path, report: SkipReport) -> Iterator[Document]:
    lines = ((number, line) for number, line in read_lines(path, skipped=report) if line.strip())
    first = next(lines, None)
    if first is None:
        raise DataError(f"{path}: no document in it")
    parse = _from_json if first[1].lstrip().startswith("{") else _tsv_parser(first[1])
    documents = parse_records(chain([first], lines), parse, path, report)
    yield from refuse_duplicates(documents, lambda document: document.doc_id, path, report)


def _from_json(line: str) -> Document:
    record = parse_json_object(line)
    doc_id = next((record[key] for key in _ID_KEYS if key in record), None)
    text = next((record[key] for key in _TEXT_KEYS if key in record), None)
    if doc_id is None or text is None:
        raise MalformedRecordError(f"expected the keys _id and text, found {shown(', '.join(record))}")
    return _document(doc_id, record.get("title") or "", text)


def _tsv_parser(first_line: str) -> Callable[[str], Document]:
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


def _document(doc_id: Any, title: Any, text: Any) -> Document:
    for name, value in (("title", title), ("text", text)):
        if not isinstance(value, str):
            raise MalformedRecordError(f"expected text under {name}, found {shown(repr(value))}")
    return Document(checked_id(doc_id, "document"), normalise_text(text), normalise_text(title))


def _corpus_file(folder: Path) -> Path:
    for name in _CORPUS_NAMES:
        if (folder / name).is_file():
            return folder / name
    raise DataError(f"{folder}: no corpus in it: looked for {', '.join(_CORPUS_NAMES)}")


def _qrels_file(folder: Path, split: str) -> Path:
    path = folder / "qrels" / f"{split}.tsv"
    if not path.is_file():
        there = ", ".join(sorted(entry.stem for entry in (folder / "qrels").glob("*.tsv"))) or "none"
        raise DataError(f"{path}: no such file: the splits in {folder / 'qrels'} are: {there}")
    return path


def _query_file(folder: Path, language: str) -> Path:
    """Find the queries of a language: `queries/<language>.jsonl`, else `queries.jsonl`."""
    plain = folder / "queries.jsonl"
    by_language = language_files(folder / "queries", "{language}.jsonl")
    code = language_code(language)
    if code in by_language:
        return by_language[code]
    if plain.is_file() and (not by_language or code == "eng"):
        return plain
    if not by_language:
        raise DataError(f"{folder}: no queries in it: looked for queries/{code}.jsonl and queries.jsonl")
    return language_file(folder / "queries", "{language}.jsonl", language)


def _english_query_file(folder: Path) -> Path | None:
    by_language = language_files(folder / "queries", "{language}.jsonl")
    if "eng" in by_language:
        return by_language["eng"]
    return folder / "queries.jsonl" if by_language and (folder / "queries.jsonl").is_file() else None
