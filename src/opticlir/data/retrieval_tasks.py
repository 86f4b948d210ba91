"""Joins documents, queries and judgements to one test collection."""

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from opticlir.data.topic_numbers import judged_numbers
from opticlir.errors import DataError
from opticlir.records import Document, Qrels, Query, RetrievalTask

logger = logging.getLogger(__name__)


def assemble_task(
    name: str,
    source: Path | str,
    documents: Iterable[Document],
    queries: Iterable[Query],
    qrels: Qrels,
    english_queries: Iterable[Query] = (),
) -> RetrievalTask:
    """Keep the judged queries, and check that the parts belong together.

    Args:
        name: name of the task, for reports.
        source: folder or name of the collection, for messages.
        documents: the collection.
        queries: the queries; those without a judgement are left out. If no id is judged, `judged_numbers`
            compares the numbers in the ids.
        qrels: judgements; those of other queries are left out.
        english_queries: the same queries in English, if available.

    Returns:
        The task, with its queries in their order.

    Raises:
        DataError: two documents have one id, judgements and queries share no id, or judgements and
            documents share none.
    """
    documents, queries = tuple(documents), _numbered(queries, qrels)
    document_ids = {document.doc_id for document in documents}
    if len(document_ids) < len(documents):
        counts = Counter(document.doc_id for document in documents)
        raise DataError(
            f"{source}: the document id {counts.most_common(1)[0][0]!r} occurs twice in the collection"
        )
    judged = tuple(query for query in queries if query.query_id in qrels)
    if not judged:
        raise DataError(
            f"{source}: queries and judgements share no query id: a query is "
            f"{_first(query.query_id for query in queries)}, the judgements have {_first(qrels)}"
        )
    wanted = {query.query_id: qrels[query.query_id] for query in judged}
    judged_documents = {doc_id for grades in wanted.values() for doc_id in grades}
    missing = judged_documents - document_ids
    if missing == judged_documents:
        raise DataError(
            f"{source}: documents and judgements share no document id: a document is "
            f"{_first(document.doc_id for document in documents)}, the judgements have "
            f"{min(judged_documents)!r}"
        )
    if missing:
        logger.warning(
            "%s: %d judged documents are not in the collection, %r first", source, len(missing), min(missing)
        )
    if len(judged) < len(queries):
        logger.info("%s: %d queries without judgements are left out", source, len(queries) - len(judged))
    english = tuple(query for query in _numbered(english_queries, qrels) if query.query_id in wanted)
    return RetrievalTask(name, documents, judged, wanted, english)


def _numbered(queries: Iterable[Query], qrels: Qrels) -> tuple[Query, ...]:
    """The queries, under the ids that the judgements use."""
    queries = tuple(queries)
    numbers = judged_numbers((query.query_id for query in queries), qrels)
    return tuple(replace(query, query_id=numbers[query.query_id]) for query in queries)


def _first(ids: Iterable[str]) -> str:
    return next((repr(identifier) for identifier in ids), "missing")
