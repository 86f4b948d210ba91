"""Any test collection of ir_datasets (MacAvaney et al., SIGIR 2021) by its id: `irds:clirmatrix/en/bi139-base/sw/dev`.

The library finds the files, downloads them if that is allowed, and keeps them in `$IR_DATASETS_HOME` or
`~/.ir_datasets`. For other files (HC4, TREC disks), it says how to get them. Documents and queries are the default
texts of the library. The catalogue with licences is at https://ir-datasets.com.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from opticlir.data.identifiers import checked_id
from opticlir.data.normalisation import normalise_text
from opticlir.data.retrieval_tasks import assemble_task
from opticlir.data.skipping import MalformedRecordError
from opticlir.errors import DataError, SetupError
from opticlir.languages import language_code
from opticlir.records import Document, Qrels, Query, RetrievalTask
from opticlir.visible import shown

Record = TypeVar("Record")


def load(dataset_id: str, language: str, split: str) -> RetrievalTask:  # noqa: ARG001 - an id names its split
    """Read a collection through ir_datasets.

    Args:
        dataset_id: the library's id, with the split in it and without `irds:`.
        language: language of the queries, any code. If the library states a language, it must be the same.
        split: not used: the id names it.

    Returns:
        The task; a query without judgement is left out.

    Raises:
        SetupError: ir_datasets is not installed.
        DataError: the id is unknown; it lacks documents, queries or judgements; its files cannot be read; or a record
            is malformed.
    """
    name, code = f"irds:{dataset_id}", language_code(language)
    dataset = _dataset(name, dataset_id)
    parts = ("docs", "queries", "qrels")
    if missing := [part for part in parts if not dataset.has(part)]:
        there = ", ".join(part for part in parts if part not in missing) or "none of the three"
        raise DataError(
            f"{name}: expected docs, queries and qrels, it has {there}: give the id of one of its splits"
        )
    stated = dataset.queries_lang()
    if stated and language_code(stated) != code:
        raise DataError(f"{name}: its queries are in {language_code(stated)!r}, but {code!r} is asked for")
    return assemble_task(
        name.replace(":", ".").replace("/", "."),
        name,
        _read(name, "document", dataset.docs_iter, _document),
        list(_read(name, "query", dataset.queries_iter, lambda query: _query(query, code))),
        _judgements(_read(name, "judgement", dataset.qrels_iter, _judgement)),
    )


def _dataset(name: str, dataset_id: str) -> Any:
    try:
        import ir_datasets  # noqa: PLC0415 - an extra, and its catalogue takes a second to load
    except ImportError:
        raise SetupError(f"{name}: ir_datasets is not installed: pip install 'opticlir[irds]'") from None
    try:
        return ir_datasets.load(dataset_id)
    except KeyError:
        nearest = difflib.get_close_matches(dataset_id, ir_datasets.registry, n=1, cutoff=0.4)
        hint = f"did you mean {nearest[0]!r}? " if nearest else ""
        raise DataError(
            f"{name}: ir_datasets knows no such id: {hint}All are at https://ir-datasets.com"
        ) from None


def _read(
    name: str, kind: str, records: Callable[[], Iterable[Any]], parse: Callable[[Any], Record]
) -> Iterator[Record]:
    try:
        for number, record in enumerate(records(), start=1):
            try:
                yield parse(record)
            except MalformedRecordError as error:
                raise DataError(f"{name}: {kind} {number}: {error}") from None
    except (OSError, RuntimeError) as error:  # the library raises these if a file is missing or wrong
        raise DataError(f"{name}: ir_datasets cannot read it: {error}") from None


def _document(record: Any) -> Document:
    return Document(checked_id(record.doc_id, "document"), _text(record))


def _query(record: Any, code: str) -> Query:
    text = _text(record)
    if not text:
        raise MalformedRecordError(f"{shown(record.query_id)} has no text")
    return Query(checked_id(record.query_id, "query"), text, code)


def _text(record: Any) -> str:
    """Return the default text of the library."""
    if not hasattr(record, "default_text"):
        raise MalformedRecordError(f"a record of {', '.join(record._fields)} has no default text")
    return normalise_text(record.default_text())


def _judgement(record: Any) -> tuple[str, str, int]:
    return checked_id(record.query_id, "query"), checked_id(record.doc_id, "document"), record.relevance


def _judgements(judgements: Iterable[tuple[str, str, int]]) -> Qrels:
    qrels: Qrels = {}
    for query_id, doc_id, grade in judgements:
        qrels.setdefault(query_id, {})[doc_id] = grade
    return qrels
