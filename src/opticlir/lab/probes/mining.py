"""Bitext mining: find the sentences of two comparable corpora that translate each other, and score them.

The score of a pair is its ratio margin, cos(x, y) / ((r(x) + r(y)) / 2). Here r is the mean cosine of a sentence with
its k nearest neighbours on the other side. This corrects for hubs. Neighbours are searched from both sides. Pairs are
taken from the highest margin down, each sentence once.

References: Artetxe and Schwenk, Margin-based parallel corpus mining with multilingual sentence embeddings, ACL 2019,
sections 3.1 (ratio) and 3.2 (retrieval from both sides, by the maximum). Hu et al., XTREME, ICML 2020, appendix: F1 of
BUCC 2018, with the threshold chosen on the sample split.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

_CELLS = 1 << 25
"""Cosines held in memory at a time: 128 MB."""


@dataclass(frozen=True, slots=True)
class MinedPair:
    """Two sentences by their rows, and their margin."""

    foreign: int
    english: int
    margin: float


@dataclass(frozen=True, kw_only=True, slots=True)
class MiningScore:
    """Precision, recall and F1 of the pairs at or above a threshold."""

    threshold: float
    precision: float
    recall: float
    f1: float


def mine_pairs(
    foreign: Float[np.ndarray, "foreign dim"], english: Float[np.ndarray, "english dim"], *, k: int = 4
) -> list[MinedPair]:
    """Pair the sentences of two sides by their margin.

    Args:
        foreign: (sentences, dim) unit rows.
        english: (sentences, dim) unit rows.
        k: neighbours that a sentence is compared with; all if there are fewer.

    Returns:
        Pairs by falling margin, each row of either side at most once. Of equal margins, the lower rows come first.

    Raises:
        ValueError: a side is empty, or `k` is below 1.

    Example:
        >>> [(pair.foreign, pair.english) for pair in mine_pairs(np.eye(3), np.eye(3)[[2, 0]], k=1)]
        [(0, 1), (2, 0)]
    """
    if k < 1:
        raise ValueError(f"k is {k}: expected 1 or more")
    if not len(foreign) or not len(english):
        raise ValueError("a side without sentences has no translations")
    one, other = torch.from_numpy(foreign), torch.from_numpy(english)
    there, back = _nearest(one, other, k), _nearest(other, one, k)
    own_means, other_means = there.cosines.mean(dim=1), back.cosines.mean(dim=1)
    found = _best(there, own_means, other_means)
    found += [(margin, row, column) for margin, column, row in _best(back, other_means, own_means)]
    return list(_each_once(sorted(found, key=lambda pair: (-pair[0], *pair[1:]))))


class _Neighbours(NamedTuple):
    """(sentences, k) cosines and rows of the nearest sentences of the other side."""

    cosines: Tensor
    rows: Tensor


def _nearest(queries: Tensor, candidates: Tensor, k: int) -> _Neighbours:
    blocks = [
        (block @ candidates.T).topk(min(k, len(candidates)), dim=1)
        for block in torch.split(queries, max(1, _CELLS // len(candidates)))
    ]
    return _Neighbours(
        torch.cat([block.values for block in blocks]), torch.cat([block.indices for block in blocks])
    )


def _best(nearest: _Neighbours, means: Tensor, other_means: Tensor) -> list[tuple[float, int, int]]:
    """Return margin, own row and other row of the neighbour with the largest margin, for rows that have one."""
    usual = (means[:, None] + other_means[nearest.rows]) / 2
    margins = torch.where(usual > 0, nearest.cosines / usual, -torch.inf)
    best, places = margins.max(dim=1)
    others = nearest.rows.gather(1, places[:, None])[:, 0]
    return [
        (margin, row, other)
        for row, (margin, other) in enumerate(zip(best.tolist(), others.tolist(), strict=True))
        if math.isfinite(margin)
    ]


def _each_once(ranked: Iterable[tuple[float, int, int]]) -> Iterator[MinedPair]:
    taken: tuple[set[int], set[int]] = (set(), set())
    for margin, foreign, english in ranked:
        if foreign not in taken[0] and english not in taken[1]:
            taken[0].add(foreign)
            taken[1].add(english)
            yield MinedPair(foreign, english, margin)


def score_mining(
    mined: Sequence[MinedPair], gold: Collection[tuple[int, int]], threshold: float
) -> MiningScore:
    """Precision, recall and F1 of the pairs whose margin is at least the threshold.

    Args:
        mined: pairs from `mine_pairs`.
        gold: foreign and English row of each translation.
        threshold: smallest margin.

    Raises:
        ValueError: `gold` is empty.

    Example:
        >>> score_mining([MinedPair(0, 0, 2.0), MinedPair(1, 1, 1.0)], {(0, 0), (2, 2)}, 1.5).recall
        0.5
    """
    if not gold:
        raise ValueError("there is no translation to be found")
    kept = [pair for pair in mined if pair.margin >= threshold]
    n_right = sum((pair.foreign, pair.english) in gold for pair in kept)
    return _score(threshold, n_right, len(kept), len(gold))


def best_threshold(mined: Sequence[MinedPair], gold: Collection[tuple[int, int]]) -> MiningScore:
    """Find the threshold with the highest F1, halfway between the last pair that is kept and the next.

    Args:
        mined: pairs from `mine_pairs`, by falling margin.
        gold: foreign and English row of each translation.

    Returns:
        The score at the highest of the best thresholds. The threshold is infinite if no pair is right.

    Raises:
        ValueError: `gold` is empty.
    """
    if not gold:
        raise ValueError("there is no translation to be found")
    best, n_right = _score(math.inf, 0, 0, len(gold)), 0
    for n_kept, pair in enumerate(mined, start=1):
        n_right += (pair.foreign, pair.english) in gold
        after = mined[n_kept].margin if n_kept < len(mined) else pair.margin
        if n_kept < len(mined) and after == pair.margin:
            continue  # no threshold separates the two
        score = _score((pair.margin + after) / 2, n_right, n_kept, len(gold))
        if score.f1 > best.f1:
            best = score
    return best


def _score(threshold: float, n_right: int, n_kept: int, n_gold: int) -> MiningScore:
    precision, recall = n_right / n_kept if n_kept else 0.0, n_right / n_gold
    return MiningScore(
        threshold=threshold, precision=precision, recall=recall, f1=2 * n_right / (n_kept + n_gold)
    )
