"""Any retrieval task of MTEB (Muennighoff et al., EACL 2023) by its name: `mteb:BelebeleRetrieval/eng_Latn-swh_Latn`.

The library downloads a task from the Hugging Face hub and keeps it in the hub's cache. A task in the cache is read
without a network (`HF_HUB_OFFLINE=1`). The description of a task has its licence.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from opticlir.data.identifiers import checked_id
from opticlir.data.normalisation import normalise_text
from opticlir.data.retrieval_tasks import assemble_task
from opticlir.data.skipping import MalformedRecordError
from opticlir.errors import DataError, SetupError
from opticlir.languages import language_code
from opticlir.records import Document, Query, RetrievalTask
from opticlir.visible import shown


def load(task_id: str, language: str, split: str) -> RetrievalTask:
    """Read a retrieval task through mteb.

    Args:
        task_id: name of the task, followed by `/` and the name of a subset if it has several.
        language: language of the queries, any code. The names of subsets show it in different forms, so they are not
            checked.
        split: name of the split in the task; mostly `test`.

    Returns:
        The task; a query without judgement is left out.

    Raises:
        SetupError: mteb is not installed.
        DataError: the task, subset or split is unknown; it is not a retrieval task of text; or its data is missing or
            malformed.
    """
    name, code = f"mteb:{task_id}", language_code(language)
    task_name, _, subset = task_id.partition("/")
    by_subset = _dataset(name, task_name)
    if not subset and len(by_subset) == 1:
        (subset,) = by_subset
    if subset not in by_subset:
        raise DataError(f"{name}: expected {task_name}/ and one of its subsets: {_listed(by_subset)}")
    if split not in by_subset[subset]:
        raise DataError(f"{name}: no split {split!r}: there are {_listed(by_subset[subset])}")
    parts = by_subset[subset][split]
    return assemble_task(
        f"mteb.{task_name}.{subset}.{split}",
        name,
        (Document(doc_id, text, title) for doc_id, text, title in _rows(name, "document", parts["corpus"])),
        [Query(query_id, text, code) for query_id, text, _ in _rows(name, "query", parts["queries"])],
        {
            str(query_id): {str(doc_id): int(grade) for doc_id, grade in grades.items()}
            for query_id, grades in parts["relevant_docs"].items()
        },
    )


def _dataset(name: str, task_name: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the data of a task by subset and split."""
    try:
        import mteb  # noqa: PLC0415 - an extra, and it takes seconds to load
        from mteb.abstasks.retrieval import AbsTaskRetrieval  # noqa: PLC0415
    except ImportError:
        raise SetupError(f"{name}: mteb is not installed: pip install 'opticlir[mteb]'") from None
    try:
        task = mteb.get_task(task_name)
    except KeyError as error:
        raise DataError(f"{name}: mteb knows no such task: {error.args[0]}") from None
    if not isinstance(task, AbsTaskRetrieval):
        raise DataError(f"{name}: this is a task of {task.metadata.type}, expected retrieval")
    try:
        task.load_data()
    except (OSError, ValueError) as error:
        raise DataError(f"{name}: mteb cannot get its data: {error}") from None
    task.convert_v1_dataset_format_to_v2(num_proc=None)
    return task.dataset


def _rows(name: str, kind: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """Yield id, text and title of each row."""
    for number, row in enumerate(rows, start=1):
        try:
            text = row.get("text")
            if not isinstance(text, str) or (kind == "query" and not text.strip()):
                raise MalformedRecordError(f"expected text, found {shown(repr(text))}")
            yield (
                checked_id(row.get("id"), kind),
                normalise_text(text),
                normalise_text(row.get("title") or ""),
            )
        except MalformedRecordError as error:
            raise DataError(f"{name}: {kind} {number}: {error}") from None


def _listed(names: Iterable[str], limit: int = 12) -> str:
    names = list(names)
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")
