"""WikiCLIR (Sasaki et al., NAACL 2018): English Wikipedia sentences and the articles of 25 other editions.

As published, in `wiki-clir/`: `english/wiki_en.queries`, `id<TAB>title<TAB>first sentence`;
`<language>/wiki_<xx>.documents`, `docid<TAB>title<TAB>text`; `<language>/en2<xx>.rel`,
`id<TAB>docid<TAB>grade`, 2 for the article on the same thing and 1 for one that it links to and that links
back. One split; Swahili and Tagalog are among the languages; Simple English, which has no code here, is not
read. The texts are of Wikipedia (CC BY-SA); no licence is stated beyond. The English file is read line by
line, and only what is judged in the language is kept.
"""

from collections.abc import Iterator
from pathlib import Path

from opticlir.data.corpora import read_corpus
from opticlir.data.identifiers import checked_id
from opticlir.data.normalisation import normalise_text
from opticlir.data.retrieval_tasks import assemble_task
from opticlir.data.skipping import MalformedRecordError, SkipReport, parse_records
from opticlir.data.text_files import read_lines
from opticlir.lab.collections.published import published_files
from opticlir.languages import language_code
from opticlir.records import Document, Qrels, Query, RetrievalTask
from opticlir.visible import shown

_WHENCE = "WikiCLIR is at https://www.cs.jhu.edu/~kevinduh/a/wikiclir2018"
_MATE = 2


def load(folder: Path, language: str, split: str) -> RetrievalTask:  # noqa: ARG001 - WikiCLIR is one split
    """Read the task of its authors: find articles in `language` for the first sentence of an English article.

    Args:
        folder: folder with `wiki-clir/`, or with the folders in it.
        language: language of the documents, any code.
        split: not used: there is one.

    Returns:
        The task.

    Raises:
        DataError: a file is missing or malformed. For a missing language, the message lists the others.
    """
    code = language_code(language)
    qrels = _judgements(_file(folder, "en2{language}.rel", code))
    queries = (
        Query(article.doc_id, article.text, "eng")
        for article in _english(_file(folder, "wiki_{language}.queries", "eng"))
        if article.doc_id in qrels and article.text
    )
    documents = read_corpus(_file(folder, "wiki_{language}.documents", code))
    return assemble_task(f"wikiclir.{code}", folder, documents, queries, qrels)


def load_reversed(folder: Path, language: str, split: str) -> RetrievalTask:  # noqa: ARG001
    """Read the reverse task: find English articles for the title of an article in `language`.

    The queries are the titles of articles that have an English counterpart. The documents are the titles and first
    sentences of the English articles that are judged in the language. Arguments and errors as in `load`.

    Returns:
        The task, with the English titles of the counterparts.
    """
    code = language_code(language)
    judged = _judgements(_file(folder, "en2{language}.rel", code))
    qrels: Qrels = {}
    mate_of: dict[str, str] = {}
    for english_id, grades in judged.items():
        for doc_id, grade in grades.items():
            qrels.setdefault(doc_id, {})[english_id] = grade
            if grade == _MATE:
                mate_of[doc_id] = english_id
    articles = _english(_file(folder, "wiki_{language}.queries", "eng"))
    documents = {article.doc_id: article for article in articles if article.doc_id in judged}
    foreign = read_corpus(_file(folder, "wiki_{language}.documents", code))
    queries = [
        Query(article.doc_id, article.title, code)
        for article in foreign
        if article.doc_id in mate_of and article.title
    ]
    english = [
        Query(query.query_id, documents[mate].title, "eng")
        for query in queries
        if (mate := mate_of[query.query_id]) in documents
    ]
    return assemble_task(f"wikiclir-reversed.{code}", folder, documents.values(), queries, qrels, english)


def _file(folder: Path, name: str, language: str) -> Path:
    return published_files(folder, (f"wiki-clir/*/{name}", f"*/{name}", name), language, _WHENCE)[0]


def _english(path: Path) -> Iterator[Document]:
    """Yield the English articles in file order: id, title and first sentence."""
    rows = parse_records(read_lines(path), _article, path, SkipReport.of(None))
    return (article for _, article in rows)


def _article(line: str) -> Document:
    columns = line.split("\t")
    if len(columns) != 3:
        raise MalformedRecordError(
            f"expected 3 columns, id<TAB>title<TAB>first sentence, found {len(columns)} in {shown(line)}"
        )
    article_id, title, sentence = columns
    return Document(checked_id(article_id, "query"), normalise_text(sentence), normalise_text(title))


def _judgements(path: Path) -> Qrels:
    qrels: Qrels = {}
    for _, (query_id, doc_id, grade) in parse_records(
        read_lines(path), _judgement, path, SkipReport.of(None)
    ):
        qrels.setdefault(query_id, {})[doc_id] = grade
    return qrels


def _judgement(line: str) -> tuple[str, str, int]:
    columns = line.split("\t")
    if len(columns) != 3 or columns[2].strip() not in {"0", "1", "2"}:
        raise MalformedRecordError(
            f"expected id<TAB>docid<TAB>grade with grade 0, 1 or 2, found {shown(line)}"
        )
    return checked_id(columns[0], "query"), checked_id(columns[1], "document"), int(columns[2])
