"""Questions on paragraphs in SQuAD form, and the task of finding the English paragraph of a question."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from opticlir.data.identifiers import checked_id
from opticlir.data.json_files import read_json
from opticlir.data.normalisation import normalise_text
from opticlir.data.retrieval_tasks import assemble_task
from opticlir.data.skipping import MalformedRecordError
from opticlir.errors import DataError
from opticlir.records import Document, Qrels, Query, RetrievalTask


def read_squad(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Read a SQuAD 1.1 file.

    Yields:
        Context of each paragraph, and its questions by id.

    Raises:
        DataError: the file is not in SQuAD form.
    """
    try:
        for article in read_json(path)["data"]:
            for paragraph in article["paragraphs"]:
                questions = {
                    checked_id(entry["id"], "query"): normalise_text(entry["question"])
                    for entry in paragraph["qas"]
                }
                yield normalise_text(paragraph["context"]), questions
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path}: expected SQuAD form, data > paragraphs > context and qas > id and question: {error!r}"
        ) from None
    except MalformedRecordError as error:
        raise DataError(f"{path}: {error}") from None


def question_task(name: str, folder: Path, english: Path, foreign: Path, language: str) -> RetrievalTask:
    """Make the task of finding the English paragraph of the English form of a question.

    Args:
        name: name of the task, for reports.
        folder: folder of the files, for messages.
        english: English questions on English paragraphs. The documents are its paragraphs, each text once.
        foreign: some or all of these questions in `language`. Its paragraphs are not read.
        language: ISO 639-3 code.

    Returns:
        The task, with the English questions.

    Raises:
        DataError: a file is not in SQuAD form, or a question has no English form.
    """
    paragraphs = list(read_squad(english))
    documents: dict[str, Document] = {}
    qrels: Qrels = {}
    for context, questions in paragraphs:
        document = documents.setdefault(context, Document(f"p{len(documents):03d}", context))
        qrels.update((question_id, {document.doc_id: 1}) for question_id in questions)
    queries = _queries(read_squad(foreign), language)
    if unknown := [query.query_id for query in queries if query.query_id not in qrels]:
        raise DataError(
            f"{foreign}: {len(unknown)} question ids are not in {english.name}, {unknown[0]!r} first"
        )
    return assemble_task(name, folder, documents.values(), queries, qrels, _queries(paragraphs, "eng"))


def _queries(paragraphs: Iterable[tuple[str, dict[str, str]]], language: str) -> list[Query]:
    return [
        Query(query_id, text, language) for _, questions in paragraphs for query_id, text in questions.items()
    ]
