"""Runs: rankings in the six columns of TREC."""

import logging
import math
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from opticlir.data.identifiers import allowed_id, checked_id
from opticlir.data.skipping import MalformedRecordError, SkipReport, parse_records
from opticlir.data.text_files import read_lines
from opticlir.errors import DataError
from opticlir.records import Run, ranked
from opticlir.storage import write_result
from opticlir.visible import shown

logger = logging.getLogger(__name__)

_BLANKS = re.compile("[ \t]+")
_N_COLUMNS = 6

_SMALLEST_STEP = 1e-30
"""Least step between written scores near 0. It is a normal float32, so denormal settings do not matter."""


def read_run(path: Path) -> Run:
    """Read rankings in the six columns of TREC. Scores give the order (see `ranked`); ranks and tag are ignored.

    Args:
        path: the file, plain or compressed.

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

    Some evaluators read scores in single precision, and they disagree on ties. So documents are ordered as
    trec_eval orders them, and the written scores strictly decrease also as float32: otherwise a score is
    lowered by one step.

    Columns are separated by spaces. If an id contains one, all are separated by tabs, which `read_run` and
    `opticlir evaluate` read, but trec_eval does not; a warning says so.

    Args:
        run: rankings; queries are written in their order here.
        path: the file; it is replaced atomically.
        tag: name of the system, without spaces; the last column.

    Raises:
        ValueError: `tag` is empty or contains a space; a score is not finite in float32.
        DataError: an id is not allowed (see `checked_id`); or the run has no document, and `read_run` and
            trec_eval refuse an empty file.
    """
    if not tag or any(character.isspace() for character in tag):
        raise ValueError(f"the tag of a run is one word, not {tag!r}")
    spaced = [each for each in _checked_ids(run) if any(character.isspace() for character in each)]
    if spaced:
        logger.warning(
            "%s: %d ids contain a space, the first is %s: the columns of this run are separated by tabs, which "
            "trec_eval does not read", path, len(spaced), shown(spaced[0]),
        )  # fmt: skip
    gap = "\t" if spaced else " "
    lines = [
        gap.join([query_id, "Q0", doc_id, str(rank), score, tag]) + "\n"
        for query_id, ranking in run.items()
        for rank, (doc_id, score) in enumerate(_strictly_decreasing(query_id, ranking), start=1)
    ]
    if not lines:
        raise DataError(f"{path}: the run ranks no document for any query: there is nothing to write")
    write_result(path, "".join(lines))


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


def _checked_ids(run: Run) -> Iterator[str]:
    """All ids of a run, each once; raises DataError for one that no file can hold."""
    for query_id in run:
        yield allowed_id(query_id, "query")
    for doc_id in dict.fromkeys(doc_id for ranking in run.values() for doc_id in ranking):
        yield allowed_id(doc_id, "document")


def _non_blank(path: Path, report: SkipReport) -> Iterator[tuple[int, str]]:
    return ((number, line) for number, line in read_lines(path, skipped=report) if line.strip())


def _ranked(line: str) -> tuple[str, str, float]:
    fields = line.split("\t") if line.count("\t") == _N_COLUMNS - 1 else _BLANKS.split(line.strip(" \t"))
    if len(fields) != _N_COLUMNS:
        raise MalformedRecordError(f"expected `query_id Q0 doc_id rank score tag`, found {shown(line)}")
    query_id, _, doc_id, _, score, _ = fields
    try:
        value = float(score)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise MalformedRecordError(f"expected a finite number as the score, found {shown(score)}")
    return checked_id(query_id, "query"), checked_id(doc_id, "document"), value
