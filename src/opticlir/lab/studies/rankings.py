"""The rankings of a cell, cut to the depth of a study, and on disk: run files, of which an empty one found nothing."""

from collections.abc import Collection, Mapping
from pathlib import Path

from opticlir.data import read_run, write_run
from opticlir.lab.studies.perturbation import Perturbation
from opticlir.records import DocumentId, QueryId, Run

CLEAN_RUN = "clean.run"


def perturbed_run(perturbation: Perturbation) -> str:
    """File of the ranking for perturbed questions."""
    return f"{perturbation.slug}.run"


def cut_ranking(run: Run, depth: int) -> Run:
    """The first documents of each question: highest scores, equal ones by id.

    Example:
        >>> cut_ranking({"q": {"c": 1.0, "b": 2.0, "a": 1.0}}, 2)
        {'q': {'b': 2.0, 'a': 1.0}}
    """
    return {query_id: _first(scores, depth) for query_id, scores in run.items()}


def _first(scores: Mapping[DocumentId, float], depth: int) -> dict[DocumentId, float]:
    best = sorted(scores, key=lambda doc_id: (-scores[doc_id], doc_id))[:depth]
    return {doc_id: scores[doc_id] for doc_id in best}


def write_ranking(run: Run, path: Path) -> None:
    """Write a ranking, be it of nothing: the checksums of a cell tell an empty file from one that was cut off."""
    if any(run.values()):
        write_run(run, path)
    else:
        path.touch()


def read_ranking(path: Path, questions: Collection[QueryId]) -> Run:
    """The ranking for these questions; empty for one without a hit.

    Raises:
        DataError: it is no run file.
    """
    found = read_run(path) if path.stat().st_size else {}
    return {query_id: found.get(query_id, {}) for query_id in questions}
