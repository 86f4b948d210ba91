"""Measure a model on a test collection: index, search, evaluate."""

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from sentence_transformers import MultiVectorEncoder

from opticlir.artefacts import ArtefactCache, mark_ours, mark_used
from opticlir.data.in_memory import DocumentLike, documents_of
from opticlir.encoder import document_fingerprint, encode_documents, split_words, transformer_of
from opticlir.errors import ArtefactError
from opticlir.evaluation import DEFAULT_MEASURES, evaluate, mean_scores
from opticlir.progress import Progress, silent
from opticlir.records import Document, Query, RetrievalTask, Run
from opticlir.search import ExactIndex, Ranking, Retriever
from opticlir.storage import LIBRARIES, SharedLock, made_by


def run_benchmark(
    task: RetrievalTask,
    model: MultiVectorEncoder,
    index_cache: Path,
    *,
    queries: Sequence[Query] | None = None,
    measures: Sequence[str] = DEFAULT_MEASURES,
    progress: Progress = silent,
) -> tuple[dict[Ranking, dict[str, float]], dict[Ranking, Run]]:
    """Index, search and measure.

    Args:
        task: the test collection.
        model: encodes queries and documents.
        index_cache: the index of the collection is kept here, under a name from encoder and content.
        queries: other words for the same needs; None takes the queries of the task.
        measures: ir-measures names.
        progress: called while documents and queries are encoded and ranked.

    Returns:
        Mean measures by ranking (`hybrid`, `dense`, `bm25`), and the runs they come from.
    """
    retriever = cached_retriever(task.documents, model, index_cache, progress)
    runs = retriever.rank_by_each(task.queries if queries is None else queries, progress=progress)
    means = {name: mean_scores(evaluate(run, task.qrels, measures)) for name, run in runs.items()}
    return means, runs


def cached_retriever(
    documents: Iterable[DocumentLike],
    model: MultiVectorEncoder,
    folder: Path,
    progress: Progress = silent,
) -> Retriever:
    """Open the index of these documents by this encoder, or build it and keep it.

    Args:
        documents: the test collection.
        model: its document route encodes them.
        folder: root of the cache.
        progress: called with `encoding documents` during a build.
    """
    kept = list(documents_of(documents))
    made = made_by(ExactIndex, encode_documents, documents_of, *LIBRARIES, "anyascii", "bm25s")
    path = ArtefactCache(folder).path("indexes", {
        "encoder": document_fingerprint(model), "documents": documents_content(kept), "made_by": made
    })  # fmt: skip
    mark_ours(path)
    lock = SharedLock(path)
    try:
        retriever = Retriever(ExactIndex.open(path), model)
        mark_used(path)
    except ArtefactError:
        retriever = Retriever.build(kept, model, path, made_by=made, progress=progress)
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
