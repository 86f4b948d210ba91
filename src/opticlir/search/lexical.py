"""BM25 over character 5-grams: the names and loan words that a question shares with English passages.

A question in Swahili about Michael Jackson holds `Michael Jackson`; the untranslated query finds him by
the pieces of his name, spelled a little differently or not. All text is first brought into Latin letters
without diacritics, so that Майкл Джексон (maikl dzhekson) finds him too. Words are marked at both ends, so
that a piece knows whether it begins or ends a word, and short words are one piece.

Memory: 8 bytes per distinct pair of gram and document (about 4 KB for a passage of 100 words); building
holds 4 bytes per gram of the collection besides.
"""

import json
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from scipy import sparse

from opticlir.search.documents import write_array
from opticlir.storage import Checksum, write_file
from opticlir.words import latin_words

GRAM = 5
K1, B = 0.9, 0.4

_GRAMS = "grams.json"
_SCORES, _ROWS, _COLUMNS = "bm25_scores.npy", "bm25_documents.npy", "bm25_grams.npy"


def character_grams(text: str) -> Iterator[str]:
    """Yield the character 5-grams of a text in Latin letters, word by word; case does not count.

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
        """Weigh the grams, write the index and give the checksums of its files."""
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
    """BM25 weights on disk, scored for many queries at a time by one sparse product.

    Args:
        folder: a published version whose files have been checked already.
        n_documents: number of documents.
    """

    def __init__(self, folder: Path, n_documents: int) -> None:
        grams = json.loads((folder / _GRAMS).read_bytes())
        self._vocabulary = {gram: column for column, gram in enumerate(grams)}
        data, rows, columns = (
            np.load(folder / name, allow_pickle=False) for name in (_SCORES, _ROWS, _COLUMNS)
        )
        self._weights = sparse.csr_array((data, rows, columns), shape=(len(grams), n_documents))

    def scores(self, texts: Sequence[str]) -> Float32[np.ndarray, "n_queries n_documents"]:
        """BM25 of every document for each query text; 0 where no gram is shared."""
        return (self._count(texts).tocsr() @ self._weights).toarray()

    def matches(self, text: str, row: int) -> dict[str, float]:
        """BM25 score of each gram that a query text shares with one document, the highest first."""
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
