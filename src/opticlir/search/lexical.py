"""BM25 over character 5-grams: the names and loan words that a question shares with English passages.

A question in Swahili about Michael Jackson contains `Michael Jackson`. The untranslated query finds him by
the pieces of his name, even if it is spelled a little differently. All text is first written in Latin letters
without diacritics, so Майкл Джексон (maikl dzhekson) finds him too. Words are marked at both ends, so
the first and last pieces of a word differ from the others. A short word is one piece.

Memory: 8 bytes per distinct pair of gram and document (about 4 KB for a passage of 100 words). Building
needs another 4 bytes per gram of the collection.
"""

import json
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from scipy import sparse

from opticlir.search.arrays import damaged, read_array, read_bounds, read_texts, write_array
from opticlir.storage import Checksum, write_file
from opticlir.words import latin_words

GRAM = 5
K1, B = 0.9, 0.4

_GRAMS = "grams.json"
_SCORES, _ROWS, _COLUMNS = "bm25_scores.npy", "bm25_documents.npy", "bm25_grams.npy"
LEXICAL_FILES = (_GRAMS, _SCORES, _ROWS, _COLUMNS)


def character_grams(text: str) -> Iterator[str]:
    """Yield the character 5-grams of a text in Latin letters, word by word, in lower case.

    Example:
        >>> list(character_grams("Ab Jackson!"))
        ['<ab>', '<jack', 'jacks', 'ackso', 'ckson', 'kson>']
        >>> list(character_grams("Кампала"))
        ['<kamp', 'kampa', 'ampal', 'mpala', 'pala>']
    """
    for word in latin_words(text):
        marked = f"<{word}>"
        for start in range(max(1, len(marked) - GRAM + 1)):
            yield marked[start : start + GRAM]


class LexicalWriter:
    """Collects the grams of documents and writes their BM25 weights.

    Args:
        folder: an unpublished folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._vocabulary: dict[str, int] = {}
        self._documents: list[array[int]] = []

    def append(self, text: str) -> None:
        """Add the next document."""
        vocabulary = self._vocabulary
        grams = (vocabulary.setdefault(gram, len(vocabulary)) for gram in character_grams(text))
        self._documents.append(array("i", grams))

    def finish(self) -> dict[str, Checksum]:
        """Compute the weights, write the index, and return the checksums of its files."""
        from bm25s import BM25  # noqa: PLC0415 - it compiles with numba, which a search does not need

        if self._vocabulary:
            model = BM25(k1=K1, b=B)
            model.index((self._documents, self._vocabulary), create_empty_token=False, show_progress=False)
            weights = model.scores
        else:
            weights = {"data": np.empty(0), "indices": np.empty(0), "indptr": np.zeros(1)}
        grams = json.dumps(list(self._vocabulary), ensure_ascii=False).encode()
        return {
            _GRAMS: write_file(self._folder / _GRAMS, grams),
            _SCORES: write_array(self._folder / _SCORES, weights["data"].astype(np.float32)),
            _ROWS: write_array(self._folder / _ROWS, weights["indices"].astype(np.int32)),
            _COLUMNS: write_array(self._folder / _COLUMNS, weights["indptr"].astype(np.int64)),
        }


class LexicalIndex:
    """BM25 weights on disk. One sparse product scores many queries.

    Args:
        folder: a published version whose checksums are right.
        n_documents: number of documents.

    Raises:
        ArtefactError: the files do not hold weights of so many documents.
    """

    def __init__(self, folder: Path, n_documents: int) -> None:
        grams = read_texts(folder / _GRAMS)
        self._vocabulary = {gram: column for column, gram in enumerate(grams)}
        data = read_array(folder / _SCORES, np.float32)
        if not np.isfinite(data).all():
            raise damaged(folder / _SCORES, "a score is no number")
        rows = read_array(folder / _ROWS, np.int32, len(data))
        if ((rows < 0) | (rows >= n_documents)).any():
            raise damaged(folder / _ROWS, f"it names a document beyond the {n_documents} of the index")
        columns = read_bounds(folder / _COLUMNS, parts=len(grams), stop=len(data), may_be_empty=True)
        self._weights = sparse.csr_array((data, rows, columns), shape=(len(grams), n_documents))

    def scores(self, texts: Sequence[str]) -> Float32[np.ndarray, "n_queries n_documents"]:
        """BM25 of every document for each query text; 0 if they share no gram."""
        return (self._count(texts).tocsr() @ self._weights).toarray()

    def matches(self, text: str, row: int) -> dict[str, float]:
        """BM25 score of each gram that a query text shares with one document, highest first."""
        counts = Counter(gram for gram in character_grams(text) if gram in self._vocabulary)
        scores = {gram: n * float(self._weights[self._vocabulary[gram], row]) for gram, n in counts.items()}
        return {gram: scores[gram] for gram in sorted(scores, key=lambda g: (-scores[g], g)) if scores[gram]}

    def _count(self, texts: Sequence[str]) -> sparse.coo_array:
        rows, columns, counts = array("q"), array("q"), array("f")
        for row, text in enumerate(texts):
            for gram, count in sorted(Counter(character_grams(text)).items()):
                if (column := self._vocabulary.get(gram)) is not None:
                    rows.append(row)
                    columns.append(column)
                    counts.append(count)
        return sparse.coo_array((counts, (rows, columns)), shape=(len(texts), len(self._vocabulary)))
