"""TREC judgements and runs."""

import logging
import math
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from opticlir.data.identifiers import allowed_id, checked_id
from opticlir.data.skipping import MalformedRecordError, SkipReport, parse_records
from opticlir.data.text_files import read_lines
from opticlir.data.topics import read_topics
from opticlir.data.visible import shown
from opticlir.errors import DataError
from opticlir.records import Qrels, Run, ranked
from opticlir.storage import write_text_atomically

logger = logging.getLogger(__name__)

__all__ = ["read_qrels", "read_run", "read_topics", "write_run"]

_BLANKS = re.compile("[ \t]+")
_INTEGER = re.compile(r"[+-]?[0-9]{1,9}\Z")
_BEIR_HEADER = ("query-id", "corpus-id", "score")

_SMALLEST_STEP = 1e-30
"""Least step between written scores near 0. It is a normal float32, so denormal settings do not matter."""


def read_qrels(path: Path) -> Qrels:
    """Read judgements: TREC's four columns, or BEIR's three under their header.

    A judgement that is repeated with the same grade is left out, and a warning gives the number of them.

    Args:
        path: the file, plain or gzipped.

    Returns:
        Integer grade by query and document id; 0 and below is judged not relevant.

    Raises:
        DataError: the file cannot be read or has no judgement, a line is malformed, or a document has two
            grades for one query.
    """
    report = SkipReport(lenient=False)
    qrels: Qrels = {}
    lines = _non_blank(path, report)
    first = next(lines, (0, ""))
    has_header = tuple(first[1].split("\t")) == _BEIR_HEADER
    parse = _beir_judgement if has_header else _trec_judgement
    remaining = lines if has_header or not first[0] else chain([first], lines)
    for number, (query_id, doc_id, grade) in parse_records(remaining, parse, path, report):
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
        raise DataError(f"{path}: no judgement in it")
    if report.dropped:
        logger.warning("%s: left out: %s", path, report.summary())
    return qrels


def read_run(path: Path) -> Run:
    """Read rankings in the six columns of TREC. Scores give the order; ranks and tag are ignored.

    Args:
        path: the file, plain or gzipped.

    Returns:
        Score by query and document id.

    Raises:
        DataError: the file cannot be read or is not a run, a score is not finite, or a query has a document
            twice.
    """
    report = SkipReport(lenient=False)
    run: Run = {}
    for number, (query_id, doc_id, score) in parse_records(_non_blank(path, report), _ranked, path, report):
        ranking = run.setdefault(query_id, {})
        if doc_id in ranking:
            raise DataError(
                f"{path}:{number}: document {shown(doc_id)} occurs twice for query {shown(query_id)}"
            )
        ranking[doc_id] = score
    if not run:
        raise DataError(f"{path}: no ranking in it")
    return run


def write_run(run: Run, path: Path, *, tag: str = "opticlir") -> None:
    """Write a run that every evaluator reads as the same ranking.

    Evaluators disagree on ties, and some read scores in single precision. So documents are ordered by score,
    then by id, and the written scores strictly decrease also as float32: otherwise a score is
    lowered by one step.

    Args:
        run: rankings; queries are written in their order here.
        path: the file; it is replaced atomically.
        tag: name of the system, without spaces; the last column.

    Raises:
        ValueError: `tag` is empty or contains a space; a score is not finite in float32.
        DataError: an id contains a space, so it cannot be written; or the run has no document, and
            `read_run` and trec_eval refuse an empty file.
    """
    if not tag or any(character.isspace() for character in tag):
        raise ValueError(f"the tag of a run is one word, not {tag!r}")
    lines = [
        f"{_writable(query_id, 'query')} Q0 {_writable(doc_id, 'document')} {rank} {score} {tag}\n"
        for query_id, ranking in run.items()
        for rank, (doc_id, score) in enumerate(_strictly_decreasing(query_id, ranking), start=1)
    ]
    if not lines:
        raise DataError(f"{path}: the run ranks no document for any query: there is nothing to write")
    write_text_atomically(path, "".join(lines))


def _strictly_decreasing(query_id: str, ranking: dict[str, float]) -> Iterator[tuple[str, str]]:
    """Yield document ids in order, each with a score lower in float32 than the one before."""
    highest = float(np.finfo(np.float32).max)
    for doc_id, score in ranking.items():
        if not abs(score) <= highest:  # also NaN
            raise ValueError(
                f"query {query_id!r}, document {doc_id!r}: the score {score} is not finite in float32"
            )
    before = math.inf
    for doc_id in ranked(ranking):
        score = _single(ranking[doc_id])
        if score >= before:
            # 2**-23 of a float32 is one to two of its steps
            lowered = before - max(abs(before) * 2.0**-23, _SMALLEST_STEP)
            if lowered < -highest:
                raise ValueError(f"query {query_id!r}: too many scores at the lower end of float32")
            score = _single(lowered)
        before = score
        yield doc_id, str(np.float32(score))


def _single(score: float) -> float:
    """Round to float32; values within half a step of 0 become 0."""
    return float(np.float32(score)) if abs(score) >= _SMALLEST_STEP / 2 else 0.0


def _writable(identifier: str, kind: str) -> str:
    allowed_id(identifier, kind)
    if any(character.isspace() for character in identifier):
        raise DataError(
            f"the {kind} id {shown(identifier)} contains a space, which a TREC run cannot represent: rename it"
        )
    return identifier


def _non_blank(path: Path, report: SkipReport) -> Iterator[tuple[int, str]]:
    return ((number, line) for number, line in read_lines(path, skipped=report) if line.strip())


def _trec_judgement(line: str) -> tuple[str, str, int]:
    fields = _BLANKS.split(line.strip(" \t"))
    if len(fields) != 4 or not _INTEGER.match(fields[3]):
        raise MalformedRecordError(
            f"expected `query_id iteration doc_id grade` with an integer grade, found {shown(line)}"
        )
    query_id, _, doc_id, grade = fields
    return checked_id(query_id, "query"), checked_id(doc_id, "document"), int(grade)


def _beir_judgement(line: str) -> tuple[str, str, int]:
    fields = line.split("\t")
    if len(fields) != 3 or not _INTEGER.match(fields[2]):
        raise MalformedRecordError(
            f"expected `query-id<TAB>corpus-id<TAB>score` with an integer score, found {shown(line)}"
        )
    query_id, doc_id, grade = fields
    return checked_id(query_id, "query"), checked_id(doc_id, "document"), int(grade)


def _ranked(line: str) -> tuple[str, str, float]:
    fields = _BLANKS.split(line.strip(" \t"))
    if len(fields) != 6:
        raise MalformedRecordError(f"expected `query_id Q0 doc_id rank score tag`, found {shown(line)}")
    query_id, _, doc_id, _, score, _ = fields
    try:
        value = float(score)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise MalformedRecordError(f"expected a finite number as the score, found {shown(score)}")
    return checked_id(query_id, "query"), checked_id(doc_id, "document"), value
