"""Find translations in the comparable corpora of BUCC with a model: from texts to mined pairs."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from sentence_transformers import MultiVectorEncoder

from opticlir.encoder import encode_documents, encode_queries
from opticlir.lab.collections.bucc import ComparableCorpora
from opticlir.lab.probes.mining import MinedPair, MiningScore, best_threshold, mine_pairs, score_mining
from opticlir.progress import Progress, silent

CHUNK = 4096
"""Texts whose token vectors are in memory at a time."""


@dataclass(frozen=True, kw_only=True)
class Mining:
    """Translations that were found in two corpora."""

    score: MiningScore
    pairs: tuple[MinedPair, ...]
    """Pairs at or above the threshold, by falling margin."""
    n_gold: int


def mine_corpora(
    corpora: ComparableCorpora,
    model: MultiVectorEncoder,
    *,
    threshold_corpora: ComparableCorpora | None = None,
    k: int = 4,
    progress: Progress = silent,
) -> Mining:
    """Mine two corpora and score the pairs that were found.

    Args:
        corpora: both sides, and which pairs are translations.
        model: as in `run_mining`.
        threshold_corpora: corpora to choose the threshold on; None takes the best threshold of `corpora` itself.
        k: neighbours that a sentence is compared with.
        progress: called after each chunk of texts.
    """
    mined, gold = run_mining(corpora, model, k=k, progress=progress)
    if threshold_corpora is None:
        score = best_threshold(mined, gold)
    else:
        chosen = best_threshold(*run_mining(threshold_corpora, model, k=k, progress=progress))
        score = score_mining(mined, gold, chosen.threshold)
    kept = tuple(pair for pair in mined if pair.margin >= score.threshold)
    return Mining(score=score, pairs=kept, n_gold=len(gold))


def run_mining(
    corpora: ComparableCorpora,
    model: MultiVectorEncoder,
    *,
    k: int = 4,
    progress: Progress = silent,
) -> tuple[list[MinedPair], set[tuple[int, int]]]:
    """Find the sentences of two corpora that translate each other.

    Args:
        corpora: both sides, and which pairs are translations.
        model: its query route encodes the foreign side, its document route the English side. A sentence is the mean
            of its tokens. A sentence without tokens is never paired.
        k: neighbours that a sentence is compared with.
        progress: called after each chunk of texts.

    Returns:
        The pairs by falling margin, and the gold translations, both as row numbers.
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
    """Return (texts, dim) unit rows; a text without tokens has a row of 0. Texts are encoded in chunks."""
    pooled = []
    for start in range(0, len(texts), CHUNK):
        progress(start, len(texts))
        means = np.stack(
            [
                tokens.mean(axis=0) if len(tokens) else np.zeros(tokens.shape[1], np.float32)
                for tokens in encode(texts[start : start + CHUNK])
            ]
        )
        pooled.append(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12))
    progress(len(texts), len(texts))
    return np.concatenate(pooled)
