"""BM25 over character 5-grams: the names and loan words that a question shares with English passages.

A question in Swahili about Michael Jackson contains `Michael Jackson`. The untranslated query finds him by
the pieces of his name, even if it is spelled a little differently. All text is first written in Latin letters
without diacritics, so Майкл Джексон (maikl dzhekson) finds him too. Words are marked at both ends, so
the first and last pieces of a word differ from the others. A short word is one piece.

Segments hold how often each gram is in each document. A question counts how rare a gram is, and the mean length
of a document, over the live documents of all segments. So the scores do not depend on how the
documents came into the index. The formula is that of Lucene, as in bm25s.
"""

from array import array
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32
from scipy import sparse

from opticlir.search.arrays import damaged, read_array, read_bounds, read_texts
from opticlir.search.grams import Part, Postings, character_grams

K1, B = 0.9, 0.4

_GRAMS = "grams.json"
_SCORES, _ROWS, _COLUMNS = "bm25_scores.npy", "bm25_documents.npy", "bm25_grams.npy"
WEIGHT_FILES = (_GRAMS, _SCORES, _ROWS, _COLUMNS)


@runtime_checkable
class Weights(Protocol):
    """BM25 weights of grams in documents."""

    def of(self, grams: Sequence[str]) -> list[sparse.csr_array]:
        """The weights of some grams: (n_grams, n_documents) float32 for each segment.

        Raises:
            ArtefactError: a file of the index is damaged.
        """


class LexicalIndex:
    """BM25 of the documents of an index.

    Args:
        weights: of its grams.
    """

    def __init__(self, weights: Weights) -> None:
        self._weights = weights

    def scores(self, texts: Sequence[str]) -> Float32[np.ndarray, "n_queries n_documents"]:
        """BM25 of every document for each query text; 0 if they share no gram.

        Raises:
            ArtefactError: a file of the index is damaged.
        """
        counted = [Counter(character_grams(text)) for text in texts]
        grams = sorted({gram for each in counted for gram in each})
        number = {gram: column for column, gram in enumerate(grams)}
        rows, columns, counts = array("q"), array("q"), array("f")
        for row, each in enumerate(counted):
            for gram in sorted(each):
                rows.append(row)
                columns.append(number[gram])
                counts.append(each[gram])
        shape = (len(texts), len(grams))
        asked = sparse.coo_array((counts, (rows, columns)), shape=shape, dtype=np.float32).tocsr()
        return np.concatenate([(asked @ each).toarray() for each in self._weights.of(grams)], axis=1)

    def matches(self, text: str, row: int) -> dict[str, float]:
        """BM25 score of each gram that a query text shares with one document, highest first."""
        counts = Counter(character_grams(text))
        grams = sorted(counts)
        weights = sparse.hstack(self._weights.of(grams), format="csc")[:, [row]].toarray().ravel()
        scores = {gram: counts[gram] * float(each) for gram, each in zip(grams, weights, strict=True)}
        return {gram: scores[gram] for gram in sorted(scores, key=lambda g: (-scores[g], g)) if scores[gram]}


class LiveWeights:
    """Weights that are computed from the counts of all segments when they are asked for.

    Args:
        parts: the counts of each segment, and the place of each document among the live ones of its segment, or -1.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        lengths = [counts.lengths[places >= 0] for counts, places in parts]
        self._n_documents = sum(map(len, lengths))
        mean = sum(int(each.sum()) for each in lengths) / self._n_documents or 1.0
        self._norms = [(K1 * (1 - B + B * each / mean)).astype(np.float32) for each in lengths]

    def of(self, grams: Sequence[str]) -> list[sparse.csr_array]:
        """As `Weights.of`."""
        found = [counts.of(grams).kept(places) for counts, places in self._parts]
        n_holding = np.sum([np.diff(each.bounds) for each in found], axis=0)
        rarity = np.log1p((self._n_documents - n_holding + 0.5) / (n_holding + 0.5)).astype(np.float32)
        return [_weighed(each, rarity, norms) for each, norms in zip(found, self._norms, strict=True)]


def _weighed(found: Postings, rarity: np.ndarray, norms: np.ndarray) -> sparse.csr_array:
    counts = found.counts.astype(np.float32)
    weights = np.repeat(rarity, np.diff(found.bounds)) * (counts / (counts + norms[found.rows]))
    return sparse.csr_array((weights, found.rows, found.bounds), shape=(len(rarity), len(norms)))


class StoredWeights:
    """The weights of an index of format 4 or older, as they are on disk.

    Args:
        folder: a published version whose checksums are right.
        n_documents: number of documents.

    Raises:
        ArtefactError: the files do not hold weights of so many documents.
    """

    def __init__(self, folder: Path, n_documents: int) -> None:
        grams = read_texts(folder / _GRAMS)
        self._numbers = {gram: number for number, gram in enumerate(grams)}
        data = read_array(folder / _SCORES, np.float32)
        if not np.isfinite(data).all():
            raise damaged(folder / _SCORES, "a score is no number")
        rows = read_array(folder / _ROWS, np.int32, len(data))
        if ((rows < 0) | (rows >= n_documents)).any():
            raise damaged(folder / _ROWS, f"it names a document beyond the {n_documents} of the index")
        bounds = read_bounds(folder / _COLUMNS, parts=len(grams), stop=len(data), may_be_empty=True)
        with_unknown = np.append(bounds, len(data))  # a gram that is in no document
        self._stored = sparse.csr_array((data, rows, with_unknown), shape=(len(grams) + 1, n_documents))

    def of(self, grams: Sequence[str]) -> list[sparse.csr_array]:
        """As `Weights.of`."""
        unknown = len(self._numbers)
        return [self._stored[[self._numbers.get(gram, unknown) for gram in grams]]]
