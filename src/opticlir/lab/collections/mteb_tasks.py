"""Any retrieval task of MTEB (Muennighoff et al., EACL 2023) by its name: `mteb:BelebeleRetrieval/eng_Latn-swh_Latn`.

The library fetches a task from the Hugging Face hub and keeps it in the hub's cache; a task that is there already
is read without a network (`HF_HUB_OFFLINE=1`). Licences stand in the task's own description.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from opticlir.data.identifiers import checked_id
from opticlir.data.normalisation import normalise_text
from opticlir.data.retrieval_tasks import assemble_task
from opticlir.data.skipping import MalformedRecordError
from opticlir.data.visible import shown
from opticlir.errors import DataError, SetupError
from opticlir.languages import language_code
from opticlir.records import Document, Query, RetrievalTask


def load(task_id: str, language: str, split: str) -> RetrievalTask:
    """Read a retrieval task through mteb.

    Args:
        task_id: name of the task; with `/` and the name of a subset where it has several.
        language: language of the queries, any code. The name of a subset says it, but not all in one form,
            so that it is not looked at.
        split: as the task calls it; `test` for most.

    Returns:
        The task; a query without judgement is left out.

    Raises:
        SetupError: mteb is not installed.
        DataError: it has no such task, subset or split, the task is no retrieval of text, or its data cannot be
            had or is malformed.
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
    """What mteb has of a task, by subset and split."""
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
