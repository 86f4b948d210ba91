"""The compiled loops of word alignment. A search does not need them, so `alignment` imports them when it learns."""

from typing import no_type_check

import numpy as np

from opticlir.machine_code import compiled_once


@compiled_once
@no_type_check  # numba must compile the function itself, not a wrapper of a type checker
def table_entries(foreign, foreign_starts, english, english_starts, n_foreign, n_english):
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


@compiled_once
@no_type_check
def link_counts(
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
