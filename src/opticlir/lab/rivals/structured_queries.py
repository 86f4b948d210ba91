"""Probabilistic structured queries (Darwish and Oard 2003): BM25 that counts each meaning of a word."""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from scipy import sparse

from opticlir.records import Document, Query, Run
from opticlir.search.lexical import K1, B
from opticlir.translation.foreign_words import Words
from opticlir.words import uncased_words


@runtime_checkable
class Meanings(Protocol):
    """A source of p(English word | foreign word), such as a `WordTable`."""

    @property
    def words(self) -> Words:
        """Splits a foreign text into words, in the form that `meanings` knows."""
        ...

    def meanings(self, word: str, cumulative: float) -> dict[str, float]:
        """Return the most probable translations, until their probabilities sum to `cumulative`, scaled to sum to 1."""
        ...


class StructuredQueries:
    """Ranks documents for foreign queries by the translation probabilities of their words.

    The frequency of a foreign word f in a document is that of its translations: tf(f, d) = sum over e of
    p(e | f) tf(e, d). Its document frequency is the same sum (equations 3 and 4 of the paper). BM25 uses both. An
    unknown word is its own translation.

    Args:
        documents: the collection.
        table: p(English word | foreign word).
        cumulative: the most probable translations of a word are kept, up to this sum of probabilities.
    """

    def __init__(self, documents: Sequence[Document], table: Meanings, *, cumulative: float = 0.9) -> None:
        if not 0 < cumulative <= 1:
            raise ValueError(f"cumulative is {cumulative}: expected a probability above 0")
        self._ids = [document.doc_id for document in documents]
        self._table, self._cumulative = table, cumulative
        self._columns: dict[str, int] = {}
        rows, columns, counts = [], [], []
        lengths = np.zeros(len(documents))
        for row, document in enumerate(documents):
            found = Counter(uncased_words(document.content))
            lengths[row] = found.total()
            for word, count in found.items():
                rows.append(row)
                columns.append(self._columns.setdefault(word, len(self._columns)))
                counts.append(float(count))
        shape = (len(documents), len(self._columns))
        self._frequencies = sparse.csc_array((counts, (rows, columns)), shape=shape)
        self._document_frequencies = np.diff(self._frequencies.indptr).astype(float)
        self._norm = K1 * (1 - B + B * lengths / max(lengths.mean(), 1.0)) if len(documents) else lengths

    def rank(self, queries: Sequence[Query], *, depth: int = 1000) -> Run:
        """Rank the documents for each query, best first.

        Args:
            queries: in the language of the table.
            depth: most documents per query.

        Returns:
            Scores by query and document. A document that shares no word with the query is left out.
        """
        return {query.query_id: self._ranking(query.text, depth) for query in queries}

    def _ranking(self, text: str, depth: int) -> dict[str, float]:
        scores = np.zeros(len(self._ids))
        for word in self._table.words(text):
            meanings = self._meanings(word)
            if not meanings:
                continue
            columns, shares = list(meanings), np.array(list(meanings.values()))
            frequency = self._frequencies[:, columns] @ shares
            df = float(self._document_frequencies[columns] @ shares)
            idf = np.log1p((len(self._ids) - df + 0.5) / (df + 0.5))
            scores += idf * frequency / (frequency + self._norm)
        best = np.argsort(-scores, kind="stable")[:depth]
        return {self._ids[row]: float(scores[row]) for row in best if scores[row] > 0}

    def _meanings(self, word: str) -> dict[int, float]:
        """Return the probability by column. Translations that no document contains are left out."""
        found = self._table.meanings(word, self._cumulative) or {word: 1.0}
        return {self._columns[english]: p for english, p in found.items() if english in self._columns}
