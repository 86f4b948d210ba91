"""Judgements (qrels): the columns of TREC, tables with named columns, and JSON."""

import logging
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

from opticlir.data.fields import GRADE, JUDGED_DOCUMENT, JUDGED_QUERY, is_header
from opticlir.data.identifiers import checked_id
from opticlir.data.skipping import MalformedRecordError, SkipReport, parse_records
from opticlir.data.tables import Row, read_records
from opticlir.errors import DataError
from opticlir.records import Qrels
from opticlir.visible import shown

logger = logging.getLogger(__name__)

Judgement: TypeAlias = tuple[str, str, int]
"""Ids of a query and a document, and the grade."""

_BLANKS = re.compile("[ \t]+")
_WHOLE = re.compile(r"[+-]?[0-9]{1,9}(?:\.0*)?\Z")


def read_qrels(path: Path) -> Qrels:
    """Read judgements.

    | begins with | form |
    |---|---|
    | names of columns | TSV or CSV: the query, the document and the grade, in any order; without a grade it is 1 |
    | `{` or `[` | JSON lines or an array with the same names, or one object: `{"q1": {"d7": 1}}` |
    | else | TREC: `query_id iteration doc_id grade`, or three columns: `query_id doc_id grade` |

    Parquet and Arrow tables are read too. A grade may be written as `1.0`. A judgement that is repeated with the
    same grade is left out, and a warning gives the number of them.

    Args:
        path: the file, plain or compressed.

    Returns:
        Integer grade by query and document id; 0 and below is judged not relevant.

    Raises:
        DataError: the file cannot be read or has no judgement; a line is malformed; a grade is no whole
            number; or a document has two grades for one query.
    """
    return read_qrels_files([path])


def read_qrels_files(paths: list[Path]) -> Qrels:
    """Read the judgements of several files of one split; errors as `read_qrels`."""
    report = SkipReport(lenient=False)
    qrels: Qrels = {}
    for path in paths:
        for number, (query_id, doc_id, grade) in _judgements(path, report):
            judged = qrels.setdefault(query_id, {})
            if doc_id not in judged:
                judged[doc_id] = grade
            elif judged[doc_id] == grade:
                report.drop("repeated judgements", f"{path}:{number}")
            else:
                raise DataError(
                    f"{path}:{number}: document {shown(doc_id)} is judged twice for query {shown(query_id)}: "
                    f"grade {judged[doc_id]} before, {grade} here"
                )
    if not qrels:
        raise DataError(f"{paths[0]}: no judgement in it")
    if report.dropped:
        logger.warning("%s: left out: %s", paths[0], report.summary())
    return qrels


def _judgements(path: Path, report: SkipReport) -> Iterator[tuple[int, Judgement]]:
    form, items = read_records(
        path, report, lambda entries: is_header(entries, JUDGED_QUERY, JUDGED_DOCUMENT)
    )
    first = next(items, None)
    if first is None:
        return iter(())
    every = chain([first], items)
    if form == "rows":
        rows = _nested(every) if JUDGED_DOCUMENT.find(first[1]) is None else every
        return parse_records(rows, _from_row, path, report)
    names = _columns(first[1])
    if is_header(names, JUDGED_QUERY, JUDGED_DOCUMENT):
        return parse_records(items, lambda line: _from_named(line, names), path, report)
    n_columns = 3 if len(names) == 3 else 4
    return parse_records(every, lambda line: _from_line(line, n_columns), path, report)


def _columns(line: str) -> list[str]:
    return _BLANKS.split(line.strip(" \t"))


def _from_line(line: str, n_columns: int) -> Judgement:
    columns = _columns(line)
    if len(columns) != n_columns or not _WHOLE.match(columns[-1]):
        expected = "query_id iteration doc_id grade" if n_columns == 4 else "query_id doc_id grade"
        raise MalformedRecordError(f"expected `{expected}` with an integer grade, found {shown(line)}")
    return _judgement(columns[0], columns[-2], columns[-1])


def _from_named(line: str, names: list[str]) -> Judgement:
    columns = _columns(line)
    if len(columns) != len(names):
        raise MalformedRecordError(f"expected {len(names)} columns, {', '.join(names)}, found {shown(line)}")
    return _from_row(dict(zip(names, columns, strict=True)))


def _from_row(row: Row) -> Judgement:
    query_name, doc_name, grade_name = (field.find(row) for field in (JUDGED_QUERY, JUDGED_DOCUMENT, GRADE))
    if query_name is None or doc_name is None:
        raise MalformedRecordError(
            f"expected the keys query-id, corpus-id and score, found {shown(', '.join(row))}"
        )
    if grade_name is None and len(row) > 2:
        raise MalformedRecordError(
            f"expected a grade under score, relevance or label, found {shown(', '.join(row))}"
        )
    return _judgement(row[query_name], row[doc_name], row[grade_name] if grade_name else 1)


def _nested(rows: Iterator[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
    """Judgements of objects such as `{"q1": {"d7": 1}}`; other objects stay as they are."""
    for number, row in rows:
        for query_id, judged in row.items():
            if not isinstance(judged, dict):
                yield number, row
                break
            for doc_id, grade in judged.items():
                yield number, {"query_id": query_id, "doc_id": doc_id, "grade": grade}


def _judgement(query_id: Any, doc_id: Any, grade: Any) -> Judgement:
    return checked_id(query_id, "query"), checked_id(doc_id, "document"), _grade(grade)


def _grade(value: Any) -> int:
    """The grade as a whole number; 1.0 is 1, and 0.5 and NaN are refused."""
    text = str(int(value)) if isinstance(value, bool) else str(value).strip()
    if isinstance(value, float) and value.is_integer():
        text = f"{value:.0f}"
    if not _WHOLE.match(text):
        raise MalformedRecordError(f"expected a whole number as the grade, found {shown(str(value))}")
    return int(text.split(".")[0])
