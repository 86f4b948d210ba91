"""A benchmark as flat files: `collection.tsv`, `queries.<language>*.tsv`, `qrels.txt`."""

from pathlib import Path

from opticlir.data.beir import read_corpus
from opticlir.data.language_files import language_file
from opticlir.data.retrieval_tasks import assemble_task
from opticlir.data.topics import read_topics
from opticlir.data.trec import read_qrels
from opticlir.records import RetrievalTask


def load_flat(name: str, folder: Path, language: str, *, queries: str, english: str) -> RetrievalTask:
    """Read a task from its three flat files.

    Args:
        name: name of the task, for reports.
        folder: where the files lie.
        language: ISO 639-3 code of the queries.
        queries: name of the query files, with `{language}` in the place of the code.
        english: likewise for the English form of the same queries; it may be missing.

    Returns:
        The task; a query of `queries` without judgement is left out.

    Raises:
        DataError: a file is missing or malformed; for a missing language the message lists the others.
    """
    query_file = language_file(folder, queries, language)
    english_file = folder / english
    english_queries = read_topics(english_file, "eng") if english_file.is_file() else []
    return assemble_task(
        name,
        folder,
        read_corpus(folder / "collection.tsv"),
        read_topics(query_file, language),
        read_qrels(folder / "qrels.txt"),
        english_queries,
    )
