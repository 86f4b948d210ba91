"""Word alignment: a translation table from foreign to English tokens, learned from bitext.

IBM model 1 (Brown et al. 1993, "The Mathematics of Statistical Machine Translation", section 4.1) is trained in
both directions. The alignment posteriors of both directions are combined by their geometric mean, so a link
counts only if both directions support it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

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
    from opticlir.encoder.alignment_counts import link_counts, table_entries  # noqa: PLC0415 - it imports numba

    if not len(foreign) == len(english) == len(weights):
        raise ValueError(
            f"{len(foreign)} foreign sides, {len(english)} English sides and {len(weights)} weights"
        )
    foreign_flat, foreign_starts = _ragged([np.unique(ids) for ids in foreign])
    english_flat, english_starts = _ragged([np.unique(ids) for ids in english])
    keys, cell_entries = table_entries(
        foreign_flat, foreign_starts, english_flat, english_starts, n_foreign, n_english
    )
    links = link_counts(
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
