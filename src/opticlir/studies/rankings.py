"""The rankings of a cell on disk: run files, of which an empty one says that nothing was found."""

from collections.abc import Collection
from pathlib import Path

from opticlir.data import read_run, write_run
from opticlir.records import QueryId, Run
from opticlir.studies.perturbation import Perturbation

CLEAN_RUN = "clean.run"


def perturbed_run(perturbation: Perturbation) -> str:
    """File of the ranking for perturbed questions."""
    return f"{perturbation.slug}.run"


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
