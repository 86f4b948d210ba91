"""Query translation word by word, with a table that is learned from the same bitext as the student."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from opticlir.encoder.alignment import Ids, TranslationTable, learn_translation_table
from opticlir.errors import DataError
from opticlir.records import SentencePair
from opticlir.translation.foreign_words import Words, foreign_words
from opticlir.words import uncased_words


@dataclass(frozen=True, slots=True)
class WordTable:
    """p(English word | foreign word), learned by symmetrised IBM model 1.

    Example:
        >>> pairs = [SentencePair("water", "maji"), SentencePair("clean water", "maji safi")]
        >>> WordTable.learn(pairs).translate("maji safi ya Kisumu")
        'water clean ya kisumu'
    """

    words: Words
    """Splits a foreign text into the words of the table."""
    foreign: dict[str, int]
    english: tuple[str, ...]
    table: TranslationTable

    @classmethod
    def learn(
        cls, pairs: Sequence[SentencePair], *, language: str | None = None, iterations: int = 5
    ) -> "WordTable":
        """Align the words of bitext. Raises DataError if there is no pair.

        Args:
            pairs: the bitext.
            language: ISO 639-3 code of the foreign side; None if unknown.
            iterations: passes of expectation-maximisation.
        """
        if not pairs:
            raise DataError("no sentence pair to learn a word table from")
        words = foreign_words((pair.foreign for pair in pairs), language)
        foreign_ids, foreign = _numbered([words(pair.foreign) for pair in pairs])
        english_ids, english = _numbered([uncased_words(pair.english) for pair in pairs])
        table = learn_translation_table(
            foreign_ids, english_ids, np.array([pair.weight for pair in pairs], dtype=np.float32),
            n_foreign=len(foreign), n_english=len(english), iterations=iterations,
        )  # fmt: skip
        return cls(words, foreign, tuple(english), table)

    def knows(self, word: str) -> bool:
        """Whether the bitext contains a word, in the form that `words` gives it."""
        return word in self.foreign

    def translate(self, text: str) -> str:
        """Replace each foreign word by its most probable English word. A word that the bitext lacks stays unchanged."""
        return " ".join(self._best(word) for word in self.words(text))

    def translate_all(self, texts: Sequence[str]) -> list[str]:
        """Translate each text."""
        return [self.translate(text) for text in texts]

    def meanings(self, word: str, cumulative: float = 1.0) -> dict[str, float]:
        """Return the most probable translations of a word, until their probabilities sum to `cumulative`.

        Returns:
            Probability by English word, the largest first; they sum to 1. Empty for a word that the bitext lacks.
        """
        number = self.foreign.get(word)
        if number is None:
            return {}
        candidates, shares = self.table.row(number)
        if len(candidates) == 0:
            return {}
        n_kept = 1 + int(np.searchsorted(np.cumsum(shares) / shares.sum(), cumulative - 1e-6))
        kept = shares[:n_kept] / shares[:n_kept].sum()
        return {
            self.english[one]: float(p) for one, p in zip(candidates[:n_kept].tolist(), kept, strict=True)
        }

    def _best(self, word: str) -> str:
        number = self.foreign.get(word)
        candidates = self.table.row(number)[0].tolist() if number is not None else []
        return self.english[candidates[0]] if candidates else word


def _numbered(texts: Sequence[Sequence[str]]) -> tuple[list[Ids], dict[str, int]]:
    numbers: dict[str, int] = {}
    rows = [[numbers.setdefault(word, len(numbers)) for word in words] for words in texts]
    return [np.array(row, dtype=np.int32) for row in rows], numbers
