"""A table that shows how near the words of a question are to the words of a document."""

from dataclasses import dataclass

import numpy as np

from opticlir.service.word_similarities import WordSimilarities
from opticlir.visible import visible

_EACH = 2
"""English words shown for a word of the question: its nearest ones."""


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Cosines of words."""

    words: tuple[str, ...]
    """Of the question; a row each."""
    english: tuple[str, ...]
    """Of the document, once each, in the order in which they come; a column each."""
    cosines: tuple[tuple[float, ...], ...]
    """A row per word of the question; of a word that comes several times the largest."""
    n_left_out: int
    """Other words of the document: near to no word of the question."""


def heat_map(found: WordSimilarities) -> HeatMap:
    """Keep the English words that are nearest to a word of the question."""
    rows = [place for place, word in enumerate(found.question) if _is_word(word)]
    english: dict[str, str] = {}
    columns: dict[str, list[int]] = {}
    for place, word in enumerate(found.text):
        if _is_word(word):
            english.setdefault(word.casefold(), word)
            columns.setdefault(word.casefold(), []).append(place)
    cosines = np.array([[found.cosines[row, column].max() for column in columns.values()] for row in rows])
    cosines = cosines.reshape(len(rows), len(columns))
    kept = sorted(
        {int(place) for row in np.argsort(-cosines, axis=1, kind="stable") for place in row[:_EACH]}
    )
    shown = list(english.values())
    return HeatMap(
        words=tuple(visible(found.question[row]) for row in rows),
        english=tuple(visible(shown[place]) for place in kept),
        cosines=tuple(map(tuple, cosines[:, kept].tolist())),
        n_left_out=len(columns) - len(kept),
    )


def _is_word(text: str) -> bool:
    return any(map(str.isalnum, text))
