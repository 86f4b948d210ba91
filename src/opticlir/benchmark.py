"""One collection, one model: where data, encoder, search and measures meet."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sentence_transformers import MultiVectorEncoder

from opticlir.encoder import (
    document_fingerprint,
    encode_documents,
    encode_queries,
    split_words,
    transformer_of,
)
from opticlir.errors import ArtefactError
from opticlir.evaluation import DEFAULT_MEASURES, evaluate, mean_scores
from opticlir.lab.collections.bucc import ComparableCorpora
from opticlir.lab.probes.mining import MinedPair, mine_pairs
from opticlir.lab.probes.robustness import RankingRobustness, ranking_robustness
from opticlir.records import Document, Query, RetrievalTask, Run
from opticlir.search import ExactIndex, Ranking, Searcher

_TEXTS_TOGETHER = 4096  # whose token vectors are held until they are pooled

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it, and of how much."""


def run_benchmark(
    task: RetrievalTask,
    model: MultiVectorEncoder,
    index_cache: Path,
    *,
    queries: Sequence[Query] | None = None,
    measures: Sequence[str] = DEFAULT_MEASURES,
    progress: Progress = lambda *_: None,
) -> tuple[dict[Ranking, dict[str, float]], dict[Ranking, Run]]:
    """Encode, search and measure.

    Args:
        task: the collection.
        model: encodes queries and documents.
        index_cache: the index of the collection is kept here, under the names of encoder and content.
        queries: other words for the same needs; None asks those of the task.
        measures: ir-measures names.
        progress: told how far it is.

    Returns:
        Mean measures by ranking (`hybrid`, `dense`, `bm25`), and the runs they were taken from.
    """
    asked = list(task.queries if queries is None else queries)
    index = cached_index(task.documents, model, index_cache, progress)
    progress("encoding queries", 0, len(asked))
    tokens = encode_queries(model, [query.text for query in asked])
    runs = Searcher(index).rank_by_each(
        asked, tokens, progress=lambda done: progress("searching", done, len(asked))
    )
    means = {name: mean_scores(evaluate(run, task.qrels, measures)) for name, run in runs.items()}
    return means, runs


def run_perturbed(
    task: RetrievalTask,
    model: MultiVectorEncoder,
    index_cache: Path,
    perturbed: Mapping[str, Sequence[Query]],
    *,
    measure: str = "AP",
    progress: Progress = lambda *_: None,
) -> dict[Ranking, RankingRobustness]:
    """Ask the questions as they are and in each perturbed form, and compare what is found.

    Args:
        task: the collection.
        model: encodes queries and documents.
        index_cache: as of `run_benchmark`.
        perturbed: the same questions, with the same ids, by name of what was done to them.
        measure: ir-measures name.
        progress: told how far it is.

    Returns:
        What is left, by ranking (`hybrid`, `dense`, `bm25`).
    """
    searcher = Searcher(cached_index(task.documents, model, index_cache, progress))
    forms = [task.queries, *perturbed.values()]
    found: list[dict[Ranking, Run]] = []
    for asked in forms:
        progress("asking in all forms", len(found), len(forms))
        found.append(searcher.rank_by_each(asked, encode_queries(model, [query.text for query in asked])))
    progress("asking in all forms", len(found), len(forms))
    clean, *others = found
    return {
        ranking: ranking_robustness(
            run,
            {name: other[ranking] for name, other in zip(perturbed, others, strict=True)},
            task.qrels,
            measure,
        )
        for ranking, run in clean.items()
    }


def cached_index(
    documents: Sequence[Document],
    model: MultiVectorEncoder,
    folder: Path,
    progress: Progress = lambda *_: None,
) -> ExactIndex:
    """The index of these documents by this encoder: opened where it stands, built where it does not."""
    encoder = document_fingerprint(model)
    content = hashlib.sha256(encoder.encode())
    for document in documents:
        content.update(f"{document.doc_id}\0{document.title}\0{document.text}\0".encode())
    path = folder / "indexes" / content.hexdigest()[:24]
    try:
        return ExactIndex.open(path)
    except ArtefactError:
        matrices = encode_documents(model, (document.content for document in documents))
        entries = zip(documents, matrices, strict=True)
        counted = _counted(entries, lambda done: progress("encoding documents", done, len(documents)))
        return ExactIndex.create(path, counted, encoder=encoder)


def run_mining(
    corpora: ComparableCorpora,
    model: MultiVectorEncoder,
    *,
    k: int = 4,
    progress: Progress = lambda *_: None,
) -> tuple[list[MinedPair], set[tuple[int, int]]]:
    """Find the sentences of two corpora that translate each other.

    Args:
        corpora: both sides, and which pairs are translations.
        model: its query route reads the foreign side, its document route the English one; a sentence is the mean of
            its tokens, one without tokens is nobody's translation.
        k: neighbours that a sentence is compared with.
        progress: told how far it is.

    Returns:
        The pairs by falling margin, and the translations, both by rows.
    """
    foreign_ids = {query.query_id: row for row, query in enumerate(corpora.foreign)}
    english_ids = {document.doc_id: row for row, document in enumerate(corpora.english)}
    gold = {(foreign_ids[foreign], english_ids[english]) for foreign, english in corpora.gold}
    foreign = _pooled(
        partial(encode_queries, model), [query.text for query in corpora.foreign],
        partial(progress, "encoding the foreign side"),
    )  # fmt: skip
    english = _pooled(
        partial(encode_documents, model), [document.text for document in corpora.english],
        partial(progress, "encoding the English side"),
    )  # fmt: skip
    return mine_pairs(foreign, english, k=k), gold


def _pooled(
    encode: Callable[[Sequence[str]], Iterable[npt.NDArray[np.float32]]],
    texts: Sequence[str],
    progress: Callable[[int, int], None],
) -> npt.NDArray[np.float32]:
    """(texts, dim) unit rows, 0 where a text has no direction; few token vectors are held at a time."""
    pooled = []
    for start in range(0, len(texts), _TEXTS_TOGETHER):
        progress(start, len(texts))
        means = np.stack(
            [
                tokens.mean(axis=0) if len(tokens) else np.zeros(tokens.shape[1], np.float32)
                for tokens in encode(texts[start : start + _TEXTS_TOGETHER])
            ]
        )
        pooled.append(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12))
    progress(len(texts), len(texts))
    return np.concatenate(pooled)


def unseen_share(model: MultiVectorEncoder, queries: Sequence[Query], known: Collection[str]) -> float:
    """Share of the words of the queries, punctuation aside, that the bitext never showed."""
    tokenizer = transformer_of(model, "query").tokenizer.backend_tokenizer
    words = [word for query in queries for word in split_words(tokenizer, query.text) if word.isalnum()]
    return sum(word not in known for word in words) / max(len(words), 1)


def _counted(entries: Any, tell: Callable[[int], None]) -> Any:
    for number, entry in enumerate(entries, start=1):
        yield entry
        tell(number)
