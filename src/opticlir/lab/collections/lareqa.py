"""LAReQA (Roy et al., EMNLP 2020): questions that a sentence answers, in English or in a pool of languages.

XQuAD-R, licence CC BY-SA 4.0; the SHA-256 of its `en.json` begins with 7b0954f39297c27a.
XQuAD with two more fields in each paragraph: `sentences`, and `sentence_breaks`, the
[start, end) offsets of each into the context. Candidates are all sentences of the 240 paragraphs: ar 1222,
de 1276, el 1234, en 1180, es 1215, hi 1244, ru 1219, th 852, tr 1167, vi 1209, zh 1196. The answer to a
question is, in each language of the pool, the sentence in which its answer begins. A candidate here is the
sentence alone; the authors' models also read its paragraph.

MLQA-R, licence CC BY-NC 4.0, is MLQA's dev in the same form, in `mlqa-dev-r/`. Questions and candidates: ar 517, 2545;
de 512, 2362; en 1148, 6264; es 500, 1787; hi 507, 2426; vi 511, 2828; zh 504, 2322. It is not wholly parallel: a
question has an answer in English and in one to three languages more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opticlir.data.identifiers import checked_id
from opticlir.data.json_files import read_json
from opticlir.data.language_files import language_files
from opticlir.data.normalisation import normalise_text
from opticlir.data.retrieval_tasks import assemble_task
from opticlir.data.skipping import MalformedRecordError
from opticlir.errors import DataError
from opticlir.languages import language_code
from opticlir.records import Document, Query, RetrievalTask


@dataclass(frozen=True, slots=True)
class _Collection:
    """One of the two collections of LAReQA."""

    name: str
    title: str
    folder: str
    is_parallel: bool
    """Whether every question exists in every language."""


_XQUAD_R = _Collection("lareqa", "XQuAD-R", "xquad-r", is_parallel=True)
_MLQA_R = _Collection("mlqa-r", "MLQA-R", "mlqa-dev-r", is_parallel=False)


@dataclass(frozen=True, slots=True)
class SentencePool:
    """The candidates and questions of one language."""

    candidates: tuple[Document, ...]
    """Every sentence, in file order, also if it is in two paragraphs."""
    queries: tuple[Query, ...]
    answers: dict[str, str]
    """Id of the candidate with the answer, by question id."""


def load(folder: Path, language: str, split: str) -> RetrievalTask:  # noqa: ARG001 - XQuAD-R is one split
    """Read questions in a language, with the English sentences as documents.

    Args:
        folder: folder with `<language>.json` (or `.json.gz`), or with `xquad-r/`.
        language: language of the questions, any code.
        split: not used: there is one.

    Returns:
        The task, with the English questions.

    Raises:
        DataError: a file is missing or malformed, or question ids differ between languages. For a missing language,
            the message lists the others.
    """
    return _load(_XQUAD_R, folder, language, pooled=False)


def load_pool(folder: Path, language: str, split: str) -> RetrievalTask:  # noqa: ARG001
    """The same with the sentences of every language in the folder as documents, and one answer in each language."""
    return _load(_XQUAD_R, folder, language, pooled=True)


def load_mlqa(folder: Path, language: str, split: str) -> RetrievalTask:  # noqa: ARG001
    """Read MLQA-R, with the English sentences as documents, as `load` reads XQuAD-R."""
    return _load(_MLQA_R, folder, language, pooled=False)


def load_mlqa_pool(folder: Path, language: str, split: str) -> RetrievalTask:  # noqa: ARG001
    """The same with the sentences of every language in the folder, and one answer in each that has the question."""
    return _load(_MLQA_R, folder, language, pooled=True)


def read_pool(path: Path, language: str) -> SentencePool:
    """Read the candidates and questions of one file.

    Args:
        path: `<language>.json`, plain or gzipped.
        language: ISO 639-3 code of the file.

    Raises:
        DataError: the file is not in XQuAD-R form, or an answer begins in no sentence.
    """
    candidates: list[Document] = []
    queries: list[Query] = []
    answers: dict[str, str] = {}
    try:
        for paragraph in _paragraphs(path):
            first = len(candidates)
            for sentence in paragraph["sentences"]:
                doc_id = f"{language}.s{len(candidates):04d}"
                candidates.append(Document(doc_id, normalise_text(sentence)))
            for entry in paragraph["qas"]:
                query_id = checked_id(entry["id"], "query")
                at = _sentence_at(paragraph["sentence_breaks"], entry["answers"][0]["answer_start"], query_id)
                queries.append(Query(query_id, normalise_text(entry["question"]), language))
                answers[query_id] = candidates[first + at].doc_id
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        if isinstance(error, MalformedRecordError):
            raise DataError(f"{path}: {error}") from None
        raise DataError(
            f"{path}: expected XQuAD-R form, data > paragraphs > sentences, sentence_breaks and "
            f"qas > id, question and answers: {error!r}"
        ) from None
    return SentencePool(tuple(candidates), tuple(queries), answers)


def _load(collection: _Collection, folder: Path, language: str, *, pooled: bool) -> RetrievalTask:
    files, code = _files(folder, collection), language_code(language)
    if "eng" not in files:
        raise DataError(
            f"{folder}: no {collection.title} in it: looked for en.json and {collection.folder}/en.json; it is in "
            "the GitHub repository google-research-datasets/lareqa"
        )
    if code not in files:
        raise DataError(f"{folder}: no {{language}}.json for {code!r}: there are {', '.join(files)}")
    searched = list(files) if pooled else ["eng"]
    pools = {each: read_pool(files[each], each) for each in sorted({code, "eng", *searched})}
    queries = pools[code].queries
    for each in searched if collection.is_parallel else ["eng"]:
        if missing := [query.query_id for query in queries if query.query_id not in pools[each].answers]:
            raise DataError(
                f"{files[each]}: {len(missing)} questions of {code!r} are not in it, {missing[0]!r} first"
            )
    qrels = {
        query.query_id: {
            pools[each].answers[query.query_id]: 1
            for each in searched
            if query.query_id in pools[each].answers
        }
        for query in queries
    }
    documents = (document for each in searched for document in pools[each].candidates)
    name = f"{collection.name}-pool" if pooled else collection.name
    return assemble_task(f"{name}.{code}", folder, documents, queries, qrels, pools["eng"].queries)


def _files(folder: Path, collection: _Collection) -> dict[str, Path]:
    """Path by language, sorted; a plain file before a gzipped one."""
    inside = folder / collection.folder if (folder / collection.folder).is_dir() else folder
    found = language_files(inside, "{language}.json.gz") | language_files(inside, "{language}.json")
    return dict(sorted(found.items()))


def _paragraphs(path: Path) -> Iterator[dict[str, Any]]:
    for article in read_json(path)["data"]:
        yield from article["paragraphs"]


def _sentence_at(breaks: list[list[int]], start: int, query_id: str) -> int:
    for at, (first, end) in enumerate(breaks):
        if first <= start < end:
            return at
    raise MalformedRecordError(f"the answer of question {query_id!r} begins at {start}, in no sentence")
