"""AfriQA (Ogundepo et al., Findings of EMNLP 2023): African questions, English Wikipedia passages.

Licence CC BY 4.0. Records with a gold English passage, train and dev: hau 224, 224; ibo 305, 306; twi 366, 367; yor 248
and no dev; zul 242, 243; swa has a test split alone. The SHA-256 of `gold_span_passages.afriqa.zul.en.dev.json`
begins with 3332f7063e65d80c.
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opticlir.data.json_files import read_json_lines
from opticlir.data.language_files import language_files
from opticlir.data.normalisation import normalise_text
from opticlir.data.retrieval_tasks import assemble_task
from opticlir.data.skipping import MalformedRecordError, SkipReport, parse_records
from opticlir.errors import DataError
from opticlir.lab.collections.trec_collection import TrecCollection
from opticlir.languages import language_code
from opticlir.records import Document, Qrels, Query, RetrievalTask
from opticlir.visible import shown

logger = logging.getLogger(__name__)

_WHENCE = "AfriQA is in the GitHub repository masakhane-io/afriqa"
_RETRIEVAL_FILES = TrecCollection(
    name="afriqa",
    whence=_WHENCE,
    topics=("queries.{language}.{split}.tsv",),
    qrels=("qrels.txt",),
    documents=("collection.tsv",),
    english=("queries.eng-from-{language}.{split}.tsv",),
)


def load(folder: Path, language: str, split: str) -> RetrievalTask:
    """Read AfriQA as retrieval files, or as its authors publish it.

    As retrieval files (in `folder` or `folder/clir`): `collection.tsv`, `queries.<language>.<split>.tsv`,
    `queries.eng-from-<language>.<split>.tsv`, `qrels.txt`. As published:
    `gold_passages/<language>/gold_span_passages.afriqa.<language>.en.<split>.json`, JSON lines of
    question, translation and passage. The documents are then the passages of all languages and splits
    in the folder. Records without a passage are left out and counted in the log.

    Args:
        folder: folder with one of the two forms.
        language: language of the questions, any code.
        split: train, dev or test.

    Returns:
        The task, with the human English translations of the questions.

    Raises:
        DataError: neither form is found, the language or split is missing, or a file is malformed.
    """
    code = language_code(language)
    for flat in (folder, folder / "clir"):
        if (flat / "collection.tsv").is_file():
            return _RETRIEVAL_FILES.load(flat, code, split)
    files = _gold_files(folder)
    if not files:
        raise DataError(
            f"{folder}: no AfriQA in it: looked for collection.tsv, clir/collection.tsv and "
            f"gold_passages/<language>/gold_span_passages.afriqa.<language>.en.<split>.json; {_WHENCE}"
        )
    if (code, split) not in files:
        there = ", ".join(f"{known} {known_split}" for known, known_split in files)
        raise DataError(f"{folder}: no gold passages for {code!r}, split {split!r}: there are {there}")
    return _load_published(f"afriqa.{code}.{split}", folder, files, (code, split))


@dataclass
class _Pool:
    """The passages of all gold files, each once, and the questions of one of them."""

    documents: dict[str, Document] = field(default_factory=dict)
    """By passage text."""
    queries: list[Query] = field(default_factory=list)
    english_queries: list[Query] = field(default_factory=list)
    qrels: Qrels = field(default_factory=dict)

    def document(self, title: str, passage: str) -> Document:
        """Return the document of a passage, made at its first occurrence."""
        return self.documents.setdefault(passage, Document(f"d{len(self.documents):05d}", passage, title))


def _load_published(
    name: str, folder: Path, files: dict[tuple[str, str], Path], wanted: tuple[str, str]
) -> RetrievalTask:
    pool = _Pool()
    report = SkipReport(lenient=False)
    for (code, split), path in files.items():
        records = parse_records(read_json_lines(path), _gold_record, path, report)
        for line, (question, translation, title, passage) in records:
            if not passage:
                report.drop("questions without a passage", f"{path}:{line}")
                continue
            document = pool.document(title, passage)
            if (code, split) == wanted:
                # the ids of a gold file count its own records, so the position identifies a query
                query_id = f"{code}-{split}-{len(pool.queries)}"
                pool.queries.append(Query(query_id, question, code))
                pool.english_queries.append(Query(query_id, translation, "eng"))
                pool.qrels[query_id] = {document.doc_id: 1}
    if report.dropped:
        logger.warning("%s: left out: %s", folder, report.summary())
    return assemble_task(
        name, folder, pool.documents.values(), pool.queries, pool.qrels, pool.english_queries
    )


def _gold_files(folder: Path) -> dict[tuple[str, str], Path]:
    """Gold passage files by language and split, sorted."""
    found = {}
    for path in sorted(folder.glob("gold_passages/*/gold_span_passages.afriqa.*.en.*.json*")):
        split = path.name.removesuffix(".gz").split(".")[-2]
        by_language = language_files(path.parent, f"gold_span_passages.afriqa.{{language}}.en.{split}.json")
        found.update({(code, split): gold for code, gold in by_language.items()})
    return dict(sorted(found.items()))


def _gold_record(record: dict[str, Any]) -> tuple[str, str, str, str]:
    """Return question, its English translation, title and passage; the last two may be empty."""
    keys = ("question_lang", "question_translated", "title", "context")
    texts = [record.get(key) or "" for key in keys]
    if not all(isinstance(text, str) for text in texts):
        raise MalformedRecordError(f"expected text under {', '.join(keys)}, found {shown(repr(record), 200)}")
    question, translation, title, passage = (" ".join(normalise_text(text).split()) for text in texts)
    if passage and not (question and translation):
        raise MalformedRecordError(f"a passage without question or translation: {shown(repr(record), 200)}")
    return question, translation, title, passage
