"""Belebele (Bandarkar et al., ACL 2024) as retrieval: questions in 122 languages, English passages of FLORES-200.

Licence CC BY-SA 4.0. `<xxx_Xxxx>.jsonl` (FLORES-200 codes, in `Belebele/`), one JSON object a line with
`link`, `question_number`, `flores_passage` and `question`, and four answers that are not used here. Parallel
over all languages: 900 questions on 488 passages, one split. `link` names the passage, `link` and
`question_number` the question.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opticlir.data.identifiers import refuse_duplicates
from opticlir.data.json_files import read_json_lines
from opticlir.data.normalisation import normalise_text
from opticlir.data.retrieval_tasks import assemble_task
from opticlir.data.skipping import MalformedRecordError, SkipReport, parse_records
from opticlir.errors import DataError
from opticlir.lab.collections.published import published_files
from opticlir.languages import language_code
from opticlir.records import Document, Query, RetrievalTask
from opticlir.visible import shown

_FORMS = ("Belebele/{language}.jsonl", "{language}.jsonl")
_WHENCE = (
    "Belebele is https://dl.fbaipublicfiles.com/belebele/Belebele.zip, named in the GitHub repository "
    "facebookresearch/belebele"
)


@dataclass(frozen=True, slots=True)
class _Question:
    link: str
    number: int
    passage: str
    text: str

    @property
    def key(self) -> str:
        return f"{self.link} {self.number}"


def load(folder: Path, language: str, split: str) -> RetrievalTask:  # noqa: ARG001 - Belebele is one split
    """Read the questions of a language on the English passages.

    Args:
        folder: folder with `Belebele/`, or with the files in it.
        language: language of the questions: a code, or a code with its script (`hin_Latn`). Without a script, the own
            script of the language comes before Latin letters; if it has two scripts, the first is taken.
        split: not used: there is one.

    Returns:
        The task, with the English questions.

    Raises:
        DataError: a file is missing or malformed, or a question has no English form.
    """
    path = _file(folder, language)
    english, foreign = _questions(_file(folder, "eng")), _questions(path)
    documents: dict[str, Document] = {}
    for question in english.values():
        documents.setdefault(question.link, Document(f"p{len(documents):03d}", question.passage))
    if unknown := [key for key in foreign if key not in english]:
        raise DataError(f"{path}: {len(unknown)} questions have no English form, {unknown[0]!r} first")

    def query_id(question: _Question) -> str:
        return f"{documents[question.link].doc_id}.{question.number}"

    code = language_code(language)
    return assemble_task(
        f"belebele.{path.name.split('.')[0]}",
        folder,
        documents.values(),
        (Query(query_id(question), question.text, code) for question in foreign.values()),
        {query_id(question): {documents[question.link].doc_id: 1} for question in english.values()},
        (Query(query_id(question), question.text, "eng") for question in english.values()),
    )


def _file(folder: Path, language: str) -> Path:
    paths = published_files(folder, _FORMS, language_code(language), _WHENCE)
    names = {path.name.split(".")[0]: path for path in paths}
    native = [path for name, path in names.items() if not name.endswith("_Latn")]
    return names.get(language) or (native or paths)[0]


def _questions(path: Path) -> dict[str, _Question]:
    """By link and number, in file order."""
    report = SkipReport.of(None)
    records = parse_records(read_json_lines(path), _question, path, report)
    return {each.key: each for each in refuse_duplicates(records, lambda each: each.key, path, report)}


def _question(record: dict[str, Any]) -> _Question:
    texts = [record.get(key) for key in ("link", "flores_passage", "question")]
    number = record.get("question_number")
    if not all(isinstance(text, str) and text.strip() for text in texts) or type(number) is not int:
        raise MalformedRecordError(
            "expected text under link, flores_passage and question and an integer under question_number, found "
            f"{shown(repr(record), 200)}"
        )
    link, passage, text = (normalise_text(text) for text in texts if isinstance(text, str))
    return _Question(link, number, passage, text)
