"""BUCC 2018 (Zweigenbaum et al., LREC 2018) as retrieval: the translation of a sentence among 90,000 and more.

`bucc2018/<xx>-en/<xx>-en.<split>.<xx>` and `.en`, `id<TAB>sentence`, and `.gold`, `<xx>-id<TAB>en-id`; the
languages are de, fr, ru and zh. Splits sample and training (XTREME calls them dev and test; the shared task's
own test has no gold). training: de 413,869 sentences, 399,337 English, 9,580 pairs; fr 271,874, 369,810,
9,086; ru 460,853, 558,401, 14,435; zh 94,637, 88,860, 1,899. As retrieval, the queries are the sentences with a
translation. The published F1 is that of mining over all sentences, with and without a translation
(`load_corpora`). The texts are from Wikipedia and News Commentary; no licence is stated.
"""

from dataclasses import dataclass
from pathlib import Path

from opticlir.data.corpora import read_corpus
from opticlir.data.identifiers import checked_id
from opticlir.data.retrieval_tasks import assemble_task
from opticlir.data.skipping import MalformedRecordError, SkipReport, parse_records
from opticlir.data.text_files import read_lines
from opticlir.data.topics import read_topics
from opticlir.errors import DataError
from opticlir.lab.collections.published import published_files
from opticlir.languages import language_code
from opticlir.records import Document, Qrels, Query, RetrievalTask
from opticlir.visible import shown

_WHENCE = "BUCC 2018 is at https://comparable.limsi.fr/bucc2018/bucc2018-task.html"


def load(folder: Path, language: str, split: str) -> RetrievalTask:
    """Read the task of finding the English translation of a sentence.

    Args:
        folder: folder with `bucc2018/`, or with the folders or files in it.
        language: language of the queries, any code.
        split: sample, training or another name of the files.

    Returns:
        The task, without English queries, because these would be the documents.

    Raises:
        DataError: a file is missing or malformed; for a missing language the message lists the others.
    """
    corpora = load_corpora(folder, language, split)
    qrels: Qrels = {}
    for foreign_id, english_id in corpora.gold:
        qrels.setdefault(foreign_id, {})[english_id] = 1
    return assemble_task(corpora.name, folder, corpora.english, corpora.foreign, qrels)


@dataclass(frozen=True, slots=True)
class ComparableCorpora:
    """Sentences of two languages, some of which translate each other."""

    name: str
    foreign: list[Query]
    english: list[Document]
    gold: list[tuple[str, str]]
    """Ids, foreign and English, of all translations, in the order of the file."""


def load_corpora(folder: Path, language: str, split: str) -> ComparableCorpora:
    """Read the task of finding the sentences that are translations of each other.

    Args:
        folder: as in `load`.
        language: as in `load`.
        split: as in `load`.

    Raises:
        DataError: a file is missing or malformed, or the gold has a sentence that the corpora lack.
    """
    code = language_code(language)
    foreign, english, gold = (
        _file(folder, f"{{language}}-en.{split}.{side}", code) for side in ("{language}", "en", "gold")
    )
    asked, searched = read_topics(foreign, code), list(read_corpus(english))
    known = {query.query_id for query in asked}, {document.doc_id for document in searched}
    pairs = []
    for number, pair in parse_records(read_lines(gold), _pair, gold, SkipReport.of(None)):
        for sentence, ids, path in zip(pair, known, (foreign, english), strict=True):
            if sentence not in ids:
                raise DataError(f"{gold}:{number}: sentence {sentence!r} is not in {path}")
        pairs.append(pair)
    if not pairs:
        raise DataError(f"{gold}: no translation: expected id<TAB>English id in each line")
    return ComparableCorpora(f"bucc.{code}.{split}", asked, searched, pairs)


def _file(folder: Path, name: str, language: str) -> Path:
    forms = (f"bucc2018/{{language}}-en/{name}", f"{{language}}-en/{name}", name)
    return published_files(folder, forms, language, _WHENCE)[0]


def _pair(line: str) -> tuple[str, str]:
    columns = line.split("\t")
    if len(columns) != 2:
        raise MalformedRecordError(f"expected 2 columns, id<TAB>English id, found {shown(line)}")
    return checked_id(columns[0], "query"), checked_id(columns[1], "document")
