"""Word alignment: a translation table from foreign to English tokens, learned from bitext.

IBM model 1 (Brown et al. 1993, "The Mathematics of Statistical Machine Translation", section 4.1) is trained in
both directions. The alignment posteriors of both directions are combined by their geometric mean, so a link
counts only if both directions support it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import no_type_check

import numba
import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class TranslationTable:
    """Sparse p(English token | foreign token) in compressed rows, each sorted by falling probability."""

    starts: npt.NDArray[np.int64]
    """(n_foreign + 1,): row f has the entries `starts[f]:starts[f + 1]`."""
    english_ids: Ids
    """(entries,)"""
    probabilities: npt.NDArray[np.float32]
    """(entries,): each row sums to at most 1, since entries below the threshold are left out."""
    expected_counts: npt.NDArray[np.float32]
    """(n_foreign,): expected number of links of each token: a measure of how reliable the row is."""

    def row(self, foreign_id: int) -> tuple[Ids, npt.NDArray[np.float32]]:
        """Return English ids and probabilities of one foreign token, the most probable first."""
        entries = slice(self.starts[foreign_id], self.starts[foreign_id + 1])
        return self.english_ids[entries], self.probabilities[entries]


def learn_translation_table(
    foreign: Sequence[Ids],
    english: Sequence[Ids],
    weights: npt.NDArray[np.float32],
    *,
    n_foreign: int,
    n_english: int,
    iterations: int = 5,
    threshold: float = 0.05,
) -> TranslationTable:
    """Align bitext by symmetrised IBM model 1.

    A token counts once per sentence, even if it is repeated. Time and memory grow with the sum over pairs of
    (foreign tokens x English tokens).

    Args:
        foreign: one array of ids per pair, with ids in [0, n_foreign).
        english: likewise, ids in [0, n_english).
        weights: (pairs,), weight of each pair, > 0.
        n_foreign: size of the foreign vocabulary.
        n_english: size of the English vocabulary.
        iterations: expectation-maximisation rounds per direction.
        threshold: entries with a smaller probability are left out.

    Raises:
        ValueError: the two sides do not have the same number of pairs.
    """
    if not len(foreign) == len(english) == len(weights):
        raise ValueError(
            f"{len(foreign)} foreign sides, {len(english)} English sides and {len(weights)} weights"
        )
    foreign_flat, foreign_starts = _ragged([np.unique(ids) for ids in foreign])
    english_flat, english_starts = _ragged([np.unique(ids) for ids in english])
    keys, cell_entries = _entries(
        foreign_flat, foreign_starts, english_flat, english_starts, n_foreign, n_english
    )
    links = _link_counts(
        cell_entries, len(keys), foreign_starts, english_starts,
        (keys // n_english).astype(np.int32), (keys % n_english).astype(np.int32),
        n_foreign, n_english, weights.astype(np.float32), iterations,
    )  # fmt: skip
    return _row_normalised(keys, links, n_foreign, n_english, threshold)


def _ragged(rows: Sequence[Ids]) -> tuple[Ids, npt.NDArray[np.int64]]:
    starts = np.zeros(len(rows) + 1, dtype=np.int64)
    np.cumsum([len(row) for row in rows], out=starts[1:])
    return np.concatenate([*rows, np.empty(0, np.int32)]).astype(np.int32), starts


def _row_normalised(
    keys: npt.NDArray[np.int64],
    links: npt.NDArray[np.float32],
    n_foreign: int,
    n_english: int,
    threshold: float,
) -> TranslationTable:
    foreign_ids, english_ids = keys // n_english, (keys % n_english).astype(np.int32)
    totals = np.bincount(foreign_ids, weights=links, minlength=n_foreign)
    probabilities = (links / np.maximum(totals[foreign_ids], 1e-12)).astype(np.float32)
    kept = np.flatnonzero(probabilities > threshold)
    kept = kept[np.lexsort((english_ids[kept], -probabilities[kept], foreign_ids[kept]))]
    starts = np.searchsorted(foreign_ids[kept], np.arange(n_foreign + 1)).astype(np.int64)
    return TranslationTable(starts, english_ids[kept], probabilities[kept], totals.astype(np.float32))


@numba.njit(cache=True)
@no_type_check  # numba must compile the function itself, not a wrapper of a type checker
def _entries(foreign, foreign_starts, english, english_starts, n_foreign, n_english):
    """Return the pairs of tokens that occur together in a sentence pair, and the number of the pair of each cell.

    A pair is a key f * n_english + e; the keys are sorted.

    The function handles one foreign token at a time, so memory contains only the result. Time grows with the cells.
    """
    n_pairs = len(foreign_starts) - 1
    first_cells = np.zeros(n_pairs + 1, np.int64)
    pair_of = np.empty(len(foreign), np.int32)
    for pair in range(n_pairs):
        n = english_starts[pair + 1] - english_starts[pair]
        first_cells[pair + 1] = first_cells[pair] + (foreign_starts[pair + 1] - foreign_starts[pair]) * n
        pair_of[foreign_starts[pair] : foreign_starts[pair + 1]] = pair
    order = np.argsort(foreign, kind="mergesort")  # positions of each foreign token
    ends = np.cumsum(np.bincount(foreign, minlength=n_foreign))

    starts = np.zeros(n_foreign + 1, np.int64)
    seen_with = np.full(n_english, -1, np.int64)
    begin = 0
    for token in range(n_foreign):
        found = 0
        for place in order[begin : ends[token]]:
            pair = pair_of[place]
            for j in range(english_starts[pair], english_starts[pair + 1]):
                if seen_with[english[j]] != token:
                    seen_with[english[j]] = token
                    found += 1
        starts[token + 1] = starts[token] + found
        begin = ends[token]

    keys = np.empty(starts[-1], np.int64)
    cell_entries = np.empty(first_cells[-1], np.int32)
    number_of = np.empty(n_english, np.int32)
    seen_with[:] = -1
    begin = 0
    for token in range(n_foreign):
        row = keys[starts[token] : starts[token + 1]]
        found = 0
        for place in order[begin : ends[token]]:
            pair = pair_of[place]
            for j in range(english_starts[pair], english_starts[pair + 1]):
                if seen_with[english[j]] != token:
                    seen_with[english[j]] = token
                    row[found] = english[j]
                    found += 1
        row.sort()
        for rank in range(found):
            number_of[row[rank]] = starts[token] + rank
            row[rank] += np.int64(token) * n_english
        for place in order[begin : ends[token]]:
            pair = pair_of[place]
            n = english_starts[pair + 1] - english_starts[pair]
            cell = first_cells[pair] + (place - foreign_starts[pair]) * n
            for j in range(n):
                cell_entries[cell + j] = number_of[english[english_starts[pair] + j]]
        begin = ends[token]
    return keys, cell_entries


@numba.njit(cache=True)
@no_type_check
def _link_counts(
    cell_entries, n_entries, foreign_starts, english_starts, entry_foreign, entry_english,
    n_foreign, n_english, weights, iterations,
):  # fmt: skip
    """Return the expected symmetric links of each table entry. Cells are the (m x n) blocks of pairs, by row.

    t_english[x] = p(e | f) and t_foreign[x] = p(f | e) of entry x = (f, e), both uniform at first.
    """
    t_english = np.ones(n_entries, np.float32)
    t_foreign = np.ones(n_entries, np.float32)
    links = np.zeros(n_entries, np.float64)
    english_total = np.zeros(n_english, np.float64)
    foreign_total = np.zeros(n_foreign, np.float64)
    row_sums = np.empty(n_foreign, np.float64)  # a side has each id once, so no sentence is longer
    column_sums = np.empty(n_english, np.float64)
    for iteration in range(iterations + 1):
        last = iteration == iterations
        english_counts = np.zeros(n_entries, np.float64)
        foreign_counts = np.zeros(n_entries, np.float64)
        cell = 0
        for pair in range(len(foreign_starts) - 1):
            m = foreign_starts[pair + 1] - foreign_starts[pair]
            n = english_starts[pair + 1] - english_starts[pair]
            row_sums[:m] = 1e-30
            column_sums[:n] = 1e-30
            for i in range(m):
                for j in range(n):
                    entry = cell_entries[cell + i * n + j]
                    row_sums[i] += t_foreign[entry]
                    column_sums[j] += t_english[entry]
            for i in range(m):
                for j in range(n):
                    entry = cell_entries[cell + i * n + j]
                    from_foreign = t_english[entry] / column_sums[j]  # posterior of f given e
                    from_english = t_foreign[entry] / row_sums[i]  # posterior of e given f
                    if last:
                        links[entry] += weights[pair] * np.sqrt(from_foreign * from_english)
                    else:
                        english_counts[entry] += weights[pair] * from_foreign
                        foreign_counts[entry] += weights[pair] * from_english
            cell += m * n
        if last:
            break
        english_total[:] = 0.0
        foreign_total[:] = 0.0
        for entry in range(n_entries):
            foreign_total[entry_foreign[entry]] += english_counts[entry]
            english_total[entry_english[entry]] += foreign_counts[entry]
        for entry in range(n_entries):
            t_english[entry] = english_counts[entry] / max(foreign_total[entry_foreign[entry]], 1e-30)
            t_foreign[entry] = foreign_counts[entry] / max(english_total[entry_english[entry]], 1e-30)
    return links.astype(np.float32)
