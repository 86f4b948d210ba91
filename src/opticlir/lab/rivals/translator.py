"""Translates the queries of a test collection, and keeps the translations in a file."""

from collections.abc import Sequence
from pathlib import Path

from opticlir.data import read_topics
from opticlir.errors import ArtefactError
from opticlir.lab.rivals.agreement import agreement
from opticlir.progress import Progress, silent
from opticlir.records import Query, RetrievalTask
from opticlir.storage import write_result
from opticlir.translation import Translator

BATCH_SIZE = 32


def translate_queries(
    queries: Sequence[Query],
    translator: Translator,
    path: Path,
    progress: Progress = silent,
) -> list[Query]:
    """Translate queries into a file, `query_id<TAB>English`. Queries that the file already has are skipped.

    Args:
        queries: queries in any language.
        translator: a translator; each needs a file of its own.
        path: the file. It is replaced after each batch, so that an interruption loses little.
        progress: called after each batch.

    Returns:
        The queries in English, in their order. If a translation is empty, the query is unchanged.

    Raises:
        ArtefactError: the file has a query that is not among these.
    """
    done = {query.query_id: query.text for query in read_topics(path, "eng")} if path.exists() else {}
    if others := done.keys() - {query.query_id for query in queries}:
        raise ArtefactError(
            f"{path}: has the query {min(others)!r}, which is not among the queries to translate: choose another file"
        )
    missing = [query for query in queries if query.query_id not in done]
    for start in range(0, len(missing), BATCH_SIZE):
        chunk = missing[start : start + BATCH_SIZE]
        progress("translating", len(done), len(queries))
        for query, text in zip(chunk, translator.translate_all([query.text for query in chunk]), strict=True):
            done[query.query_id] = " ".join(text.split()) or query.text
        lines = (f"{query.query_id}\t{done[query.query_id]}\n" for query in queries if query.query_id in done)
        write_result(path, "".join(lines))
    progress("translating", len(queries), len(queries))
    return [Query(query.query_id, done[query.query_id], "eng") for query in queries]


def translate_task(
    task: RetrievalTask, translator: Translator, path: Path, progress: Progress = silent
) -> tuple[list[Query], dict[str, float]]:
    """Translate the queries of a test collection and compare them with its English queries.

    Args:
        task: the test collection.
        translator: from the language of its queries.
        path: file of the translations, as in `translate_queries`.
        progress: called after each batch.

    Returns:
        The queries in English, and their BLEU and chrF. These are empty if the collection has no English queries, or
        sacrebleu is not installed.
    """
    found = translate_queries(task.queries, translator, path, progress)
    if not task.english_queries:
        return found, {}
    english = {query.query_id: query.text for query in task.english_queries}
    return found, agreement([query.text for query in found], [english[query.query_id] for query in found])
