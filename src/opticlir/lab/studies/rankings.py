"""The rankings of a study run on disk, cut to the depth of the study. An empty file is a ranking without hits."""

from collections.abc import Collection
from pathlib import Path

from opticlir.data import read_run, write_run
from opticlir.lab.probes.query_noise import QueryNoise
from opticlir.records import QueryId, Run, ranked

CLEAN_RUN = "clean.run"


def noisy_run(noise: QueryNoise) -> str:
    """File of the ranking of questions with query noise."""
    return f"{noise.slug}.run"


def cut_ranking(run: Run, depth: int) -> Run:
    """The first documents of each question: highest scores, equal ones by id.

    Example:
        >>> cut_ranking({"q": {"c": 1.0, "b": 2.0, "a": 1.0}}, 2)
        {'q': {'b': 2.0, 'a': 1.0}}
    """
    return {
        query_id: {doc_id: scores[doc_id] for doc_id in ranked(scores)[:depth]}
        for query_id, scores in run.items()
    }


def write_ranking(run: Run, path: Path) -> None:
    """Write a ranking, even an empty one: the checksums of a run tell an empty file from a truncated one."""
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
