"""The test collections of a study, read when needed and reduced to the questions of the budget."""

from dataclasses import replace
from pathlib import Path

from opticlir.errors import DataError
from opticlir.lab.collections import load_benchmark
from opticlir.lab.studies.declaration import StudyTask
from opticlir.records import RetrievalTask


class Tasks:
    """Loads a task in one language, and keeps the last one, because runs come task by task.

    Args:
        data: the data folder.
        queries: largest number of questions per task and language; None is all.
    """

    def __init__(self, data: Path, queries: int | None = None) -> None:
        self.data = data
        self._queries = queries
        self._last: tuple[tuple[str, str], RetrievalTask] | None = None

    def load(self, task: StudyTask, language: str) -> RetrievalTask:
        """Return the task in a language.

        Raises:
            DataError: its files are missing or malformed.
        """
        if self._last is None or self._last[0] != (task.name, language):
            split = task.languages[language].split or task.split
            folder = None if task.data is None else self.data / task.data
            found = load_benchmark(task.benchmark, folder, language, split)
            self._last = (task.name, language), fewer_queries(found, self._queries)
        return self._last[1]


def fewer_queries(task: RetrievalTask, most: int | None) -> RetrievalTask:
    """Return the task with at most so many questions, at even distances, and all its documents.

    Raises:
        DataError: it has fewer than 2 questions.
    """
    if len(task.queries) < 2:
        raise DataError(f"{task.name} has {len(task.queries)} questions: a comparison needs 2 or more")
    if most is None or len(task.queries) <= most:
        return task
    kept = [task.queries[number * len(task.queries) // most] for number in range(most)]
    qrels = {query.query_id: task.qrels[query.query_id] for query in kept}
    english = tuple(query for query in task.english_queries if query.query_id in qrels)
    return replace(task, queries=tuple(kept), qrels=qrels, english_queries=english)
