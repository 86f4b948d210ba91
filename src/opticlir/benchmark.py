"""Measure a model on a test collection: index, search, evaluate."""

import hashlib
import json
import logging
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import get_args

from sentence_transformers import MultiVectorEncoder

from opticlir.artefacts import ArtefactCache, mark_ours, mark_used
from opticlir.data.in_memory import DocumentLike, documents_of
from opticlir.data.own_documents import own_documents, without_own
from opticlir.encoder import Windows, document_fingerprint, encode_documents, split_words, transformer_of
from opticlir.errors import ArtefactError
from opticlir.evaluation import DEFAULT_MEASURES, evaluate, mean_scores
from opticlir.progress import Progress, silent
from opticlir.records import Document, Query, Ranking, RetrievalTask, Run
from opticlir.search import ExactIndex, Retriever
from opticlir.search.encoding import encoded
from opticlir.storage import LIBRARIES, SharedLock, made_by

logger = logging.getLogger(__name__)


def run_benchmark(
    task: RetrievalTask,
    model: MultiVectorEncoder,
    index_cache: Path,
    *,
    queries: Sequence[Query] | None = None,
    measures: Sequence[str] = DEFAULT_MEASURES,
    window: int | None = None,
    stride: int | None = None,
    progress: Progress = silent,
) -> tuple[dict[Ranking, dict[str, float]], dict[Ranking, Run]]:
    """Index, search and measure.

    A document with the id of the query is left out of its ranking, unless it is judged relevant (see
    `own_documents`); a warning gives the number of such queries.

    Args:
        task: the test collection.
        model: encodes queries and documents.
        index_cache: the index of the collection is kept here, under a name from encoder and content.
        queries: other words for the same needs; None takes the queries of the task.
        measures: ir-measures names.
        window: tokens of a passage, as of `Retriever.build`.
        stride: from passage to passage, likewise.
        progress: called while documents and queries are encoded and ranked.

    Returns:
        Mean measures by ranking (`hybrid`, `dense`, `bm25`), and the runs they come from.
    """
    retriever = cached_retriever(task.documents, model, index_cache, progress, window=window, stride=stride)
    return measured(retriever, task, queries=queries, measures=measures, progress=progress)


def measured(
    retriever: Retriever,
    task: RetrievalTask,
    *,
    queries: Sequence[Query] | None = None,
    measures: Sequence[str] = DEFAULT_MEASURES,
    progress: Progress = silent,
) -> tuple[dict[Ranking, dict[str, float]], dict[Ranking, Run]]:
    """Search the documents of a task and measure; arguments and result as of `run_benchmark`."""
    runs = ranked_task(retriever, task, queries=queries, progress=progress)
    means = {name: mean_scores(evaluate(run, task.qrels, measures)) for name, run in runs.items()}
    return means, runs


def ranked_task(
    retriever: Retriever,
    task: RetrievalTask,
    rankings: Sequence[Ranking] = get_args(Ranking),
    *,
    queries: Sequence[Query] | None = None,
    progress: Progress = silent,
) -> dict[Ranking, Run]:
    """Answer the queries of a task, without own documents.

    Args:
        retriever: of the documents of the task.
        task: the test collection.
        rankings: which.
        queries: as of `run_benchmark`.
        progress: likewise.

    Returns:
        A run per ranking.
    """
    asked = task.queries if queries is None else queries
    ranked = retriever.rank_by_each(asked, rankings=rankings, progress=progress)
    runs = {name: without_own(run, task.qrels) for name, run in ranked.items()}
    if own := {query_id for run in ranked.values() for query_id in own_documents(run, task.qrels)}:
        logger.warning(
            "%d of %d queries have the id of a document: that document is left out of their ranking, as BEIR does",
            len(own), len(task.qrels),
        )  # fmt: skip
    return runs


def cached_retriever(
    documents: Iterable[DocumentLike],
    model: MultiVectorEncoder,
    folder: Path,
    progress: Progress = silent,
    *,
    window: int | None = None,
    stride: int | None = None,
    centre: bool = False,
) -> Retriever:
    """Open the index of these documents by this encoder, or build it and keep it.

    Args:
        documents: the test collection.
        model: its document route encodes them.
        folder: root of the cache.
        progress: called with `encoding documents` during a build.
        window: tokens of a passage, as of `Retriever.build`.
        stride: from passage to passage, likewise.
        centre: as of `Retriever.build`.
    """
    kept = list(documents_of(documents))
    windows = Windows(model, window, stride)
    made = made_by(ExactIndex, encode_documents, encoded, documents_of, *LIBRARIES, "anyascii")
    path = ArtefactCache(folder).path("indexes", {
        "encoder": document_fingerprint(model), "documents": documents_content(kept),
        "window": windows.size, "stride": windows.stride, "made_by": made,
        **({"centre": True} if centre else {}),
    })  # fmt: skip
    mark_ours(path)
    lock = SharedLock(path)
    try:
        retriever = Retriever(ExactIndex.open(path), model)
        mark_used(path)
    except ArtefactError:
        retriever = Retriever.build(
            kept, model, path, window=window, stride=stride, centre=centre, approximate=False, made_by=made,
            progress=progress,
        )  # fmt: skip
    lock.last_as_long_as(retriever)
    return retriever


def documents_content(documents: Iterable[Document]) -> str:
    """SHA-256 over ids, titles and texts."""
    digest = hashlib.sha256()
    for document in documents:
        digest.update(json.dumps([document.doc_id, document.title, document.text]).encode())
    return digest.hexdigest()


def unseen_share(model: MultiVectorEncoder, queries: Sequence[Query], known: Collection[str]) -> float:
    """Share of the words of the queries, punctuation aside, that the bitext never showed."""
    tokenizer = transformer_of(model, "query").tokenizer.backend_tokenizer
    words = [word for query in queries for word in split_words(tokenizer, query.text) if word.isalnum()]
    return sum(word not in known for word in words) / max(len(words), 1)
