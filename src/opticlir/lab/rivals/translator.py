"""What every query translator is, and how its translations are kept."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from opticlir.data import read_topics
from opticlir.errors import ArtefactError
from opticlir.records import Query
from opticlir.storage import write_text_atomically

_TOGETHER = 32


@runtime_checkable
class Translator(Protocol):
    """From the language of the queries to English."""

    def translate_all(self, texts: Sequence[str]) -> list[str]:
        """One English text per text, in order."""
        ...


def translate_queries(
    queries: Sequence[Query],
    translator: Translator,
    path: Path,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> list[Query]:
    """Translate queries into a file, `query_id<TAB>English`; what it holds already is not translated again.

    Args:
        queries: what is asked, in any language.
        translator: any; a file is to hold the work of one.
        path: written whole after every few queries, so that a killed run loses little.
        progress: called with the number of queries done and of all.

    Returns:
        The queries in English, in their order. A translation that is empty is the query as it was.

    Raises:
        ArtefactError: the file holds a query that is not among these.
    """
    done = {query.query_id: query.text for query in read_topics(path, "eng")} if path.exists() else {}
    if others := done.keys() - {query.query_id for query in queries}:
        raise ArtefactError(
            f"{path}: holds the query {min(others)!r}, which is not asked: it is of other queries, "
            "choose another file"
        )
    missing = [query for query in queries if query.query_id not in done]
    for start in range(0, len(missing), _TOGETHER):
        chunk = missing[start : start + _TOGETHER]
        progress(len(done), len(queries))
        for query, text in zip(chunk, translator.translate_all([query.text for query in chunk]), strict=True):
            done[query.query_id] = " ".join(text.split()) or query.text
        lines = (f"{query.query_id}\t{done[query.query_id]}\n" for query in queries if query.query_id in done)
        write_text_atomically(path, "".join(lines))
    progress(len(queries), len(queries))
    return [Query(query.query_id, done[query.query_id], "eng") for query in queries]
