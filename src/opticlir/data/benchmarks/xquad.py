"""XQuAD (Artetxe et al., ACL 2020): questions in a language, to be answered by an English paragraph."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from opticlir.data.identifiers import checked_id
from opticlir.data.json_files import read_json
from opticlir.data.language_files import language_file, language_files
from opticlir.data.normalisation import normalise_text
from opticlir.data.retrieval_tasks import assemble_task
from opticlir.data.skipping import MalformedRecordError
from opticlir.errors import DataError
from opticlir.languages import language_code
from opticlir.records import Document, Query, RetrievalTask

_PATTERN = "xquad.{language}.json"


def load(folder: Path, language: str, split: str) -> RetrievalTask:  # noqa: ARG001 - XQuAD is one split
    """Read `xquad.<language>.json` and `xquad.en.json` as 240 paragraphs and 1190 questions.

    The relevant document of a question is the English paragraph that its English form, the question
    of the same id, was asked about.

    Args:
        folder: where the files lie.
        language: language of the questions, any code.
        split: not used: XQuAD has one.

    Returns:
        The task, with the English questions.

    Raises:
        DataError: a file is missing or not in SQuAD form, or ids differ between the languages.
    """
    if "eng" not in language_files(folder, _PATTERN):
        raise DataError(
            f"{folder}: no xquad.en.json, which has the documents: looked for {_PATTERN}; "
            "XQuAD is in the GitHub repository google-deepmind/xquad"
        )
    code = language_code(language)
    english = list(_paragraphs(language_file(folder, _PATTERN, "eng")))
    path = language_file(folder, _PATTERN, code)
    documents = [Document(f"p{number:03d}", context) for number, (context, _) in enumerate(english)]
    qrels = {
        question_id: {document.doc_id: 1}
        for document, (_, questions) in zip(documents, english, strict=True)
        for question_id in questions
    }
    queries = _queries(_paragraphs(path), code)
    if unknown := [query.query_id for query in queries if query.query_id not in qrels]:
        raise DataError(f"{path}: {len(unknown)} question ids are not in xquad.en.json, {unknown[0]!r} first")
    return assemble_task(f"xquad.{code}", folder, documents, queries, qrels, _queries(english, "eng"))


def _queries(paragraphs: Any, code: str) -> list[Query]:
    return [
        Query(query_id, text, code) for _, questions in paragraphs for query_id, text in questions.items()
    ]


def _paragraphs(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield context and questions by id of each paragraph of a SQuAD 1.1 file."""
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
