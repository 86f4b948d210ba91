"""Measure a model on a test collection: index, search, evaluate."""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from sentence_transformers import MultiVectorEncoder

from opticlir.data.in_memory import DocumentLike, documents_of
from opticlir.encoder import document_fingerprint, split_words, transformer_of
from opticlir.errors import ArtefactError
from opticlir.evaluation import DEFAULT_MEASURES, evaluate, mean_scores
from opticlir.progress import Progress, silent
from opticlir.records import Query, RetrievalTask, Run
from opticlir.search import ExactIndex, Ranking, Retriever


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
    """Open the index of these documents by this encoder, or build it where there is none."""
    kept = list(documents_of(documents))
    content = hashlib.sha256(document_fingerprint(model).encode())
    for document in kept:
        content.update(f"{document.doc_id}\0{document.title}\0{document.text}\0".encode())
    path = folder / "indexes" / content.hexdigest()[:24]
    try:
        index = ExactIndex.open(path)
    except ArtefactError:
        return Retriever.build(kept, model, path, progress=progress)
    return Retriever(index, model)


def unseen_share(model: MultiVectorEncoder, queries: Sequence[Query], known: Collection[str]) -> float:
    """Share of the words of the queries, punctuation aside, that the bitext never showed."""
    tokenizer = transformer_of(model, "query").tokenizer.backend_tokenizer
    words = [word for query in queries for word in split_words(tokenizer, query.text) if word.isalnum()]
    return sum(word not in known for word in words) / max(len(words), 1)
