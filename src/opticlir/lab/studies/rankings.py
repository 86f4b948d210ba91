"""The rankings of a study run on disk, limited to the depth of the study. An empty file means no hits."""

from collections.abc import Collection
from pathlib import Path

from opticlir.data import read_run, write_run
from opticlir.lab.probes.query_noise import QueryNoise
from opticlir.records import QueryId, Run, ranked

CLEAN_RUN = "clean.run"


def noisy_run(noise: QueryNoise) -> str:
    """Return the name of the file with the ranking of questions with query noise."""
    return f"{noise.slug}.run"


def cut_ranking(run: Run, depth: int) -> Run:
    """Keep the first documents of each question: the highest scores, and equal scores as `ranked` orders them.

    Example:
        >>> cut_ranking({"q": {"c": 1.0, "b": 2.0, "a": 1.0}}, 2)
        {'q': {'b': 2.0, 'c': 1.0}}
    """
    return {
        query_id: {doc_id: scores[doc_id] for doc_id in ranked(scores)[:depth]}
        for query_id, scores in run.items()
    }


def write_ranking(run: Run, path: Path) -> None:
    """Write a ranking, even an empty one. The checksums of a run show whether an empty file is damaged."""
    if any(run.values()):
        write_run(run, path)
    else:
        path.touch()


def read_ranking(path: Path, questions: Collection[QueryId]) -> Run:
    """Read the ranking of these questions; it is empty for a question without hits.

    Raises:
        DataError: the file is not a run.
    """
    found = read_run(path) if path.stat().st_size else {}
    return {query_id: found.get(query_id, {}) for query_id in questions}
