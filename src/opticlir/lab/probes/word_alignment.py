"""Word links: taken from a soft alignment, and scored against gold links.

Reference: Och and Ney, A systematic comparison of various statistical alignment models, Computational
Linguistics 29(1), 2003, section 4 (alignment error rate).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from opticlir.records import GoldLinks, WordLink

Links = frozenset[WordLink]


@dataclass(frozen=True, kw_only=True)
class AlignmentScore:
    """Counts of links: A are the links that were found, S the sure gold links, P the possible gold links."""

    n_links: int
    """|A|"""
    n_sure: int
    """|S|, at least 1"""
    n_links_sure: int
    """|A and S|"""
    n_links_possible: int
    """|A and P|, where P holds S"""

    @property
    def precision(self) -> float | None:
        """Share of the found links that are possible; None without links."""
        return self.n_links_possible / self.n_links if self.n_links else None

    @property
    def recall(self) -> float:
        """Share of the sure links that are found."""
        return self.n_links_sure / self.n_sure

    @property
    def error_rate(self) -> float:
        """AER = 1 - (|A and S| + |A and P|) / (|A| + |S|). 0 means all sure and only possible links."""
        return 1.0 - (self.n_links_sure + self.n_links_possible) / (self.n_links + self.n_sure)


def score_links(found: Iterable[tuple[Links, GoldLinks]]) -> AlignmentScore:
    """Count the links of all sentence pairs together.

    Args:
        found: the links of each pair, and its gold links.

    Raises:
        ValueError: no gold link is sure.

    Example:
        >>> gold = GoldLinks(sure=frozenset({(0, 0), (1, 1)}), possible=frozenset({(0, 0), (1, 1), (1, 2)}))
        >>> score = score_links([(frozenset({(0, 0), (1, 2), (2, 2)}), gold)])
        >>> score.recall, round(score.error_rate, 3)  # 1 - (1 + 2) / (3 + 2)
        (0.5, 0.4)
    """
    n_links = n_sure = n_links_sure = n_links_possible = 0
    for links, gold in found:
        n_links += len(links)
        n_sure += len(gold.sure)
        n_links_sure += len(links & gold.sure)
        n_links_possible += len(links & gold.possible)
    if not n_sure:
        raise ValueError("no gold link is sure: recall has nothing to count")
    return AlignmentScore(
        n_links=n_links, n_sure=n_sure, n_links_sure=n_links_sure, n_links_possible=n_links_possible
    )


def mutual_argmax(scores: Float[np.ndarray, "m n"]) -> Links:
    """Return the cells that are the largest in their row and in their column; of equal ones, the first.

    Example:
        >>> sorted(mutual_argmax(np.array([[0.9, 0.8], [0.7, 0.1]])))
        [(0, 0)]
    """
    best_column, best_row = scores.argmax(axis=1), scores.argmax(axis=0)
    return frozenset(
        (row, int(column)) for row, column in enumerate(best_column) if best_row[int(column)] == row
    )


def shared_mass(mass: Float[np.ndarray, "m n"], threshold: float) -> Links:
    """Return the cells with at least this share of the mass of their row and of their column.

    Args:
        mass: (m, n), >= 0; a cell without mass is never a link.
        threshold: share above 0, at most 1.

    Raises:
        ValueError: `threshold` is out of range.

    Example:
        >>> sorted(shared_mass(np.array([[0.3, 0.2], [0.0, 0.5]]), 0.4))  # (0, 1): .4 of its row, .29 of its column
        [(0, 0), (1, 1)]
    """
    if not 0.0 < threshold <= 1.0:
        raise ValueError(f"threshold is {threshold}: expected a share above 0, at most 1")
    rows, columns = mass.sum(axis=1, keepdims=True), mass.sum(axis=0, keepdims=True)
    is_link = (mass > 0) & (mass >= threshold * rows) & (mass >= threshold * columns)
    return frozenset((int(row), int(column)) for row, column in np.argwhere(is_link))
