"""How near each word of a question is to each word of an English text."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from sentence_transformers import MultiVectorEncoder

from opticlir.encoder import encode_words, transformer_of, word_places
from opticlir.words import WordPlace


@dataclass(frozen=True, slots=True)
class WordSimilarities:
    """Cosines of words, from the vectors that MaxSim compares."""

    question: tuple[str, ...]
    """Words of the question, as they are written; a row each."""
    text: tuple[str, ...]
    """Words of the text; a column each."""
    cosines: Float[np.ndarray, "m n"]
    """Mean over the tokens of the question's word of the cosine with the nearest token of the other word."""


def word_similarities(model: MultiVectorEncoder, question: str, text: str) -> WordSimilarities:
    """Compare all words. Those beyond the limit of the encoder are left out.

    Args:
        model: the encoder of both.
        question: in its normal form; read by the query route.
        text: in English; read by the document route.
    """
    words, rows = _vectors(model, question, "query")
    others, columns = _vectors(model, text, "document")
    cosines = [[(row @ column.T).max(axis=1).mean() for column in columns] for row in rows]
    return WordSimilarities(words, others, np.array(cosines).reshape(len(rows), len(columns)))


def _vectors(
    model: MultiVectorEncoder, text: str, task: Literal["query", "document"]
) -> tuple[tuple[str, ...], list[np.ndarray]]:
    """Words, and the (tokens, dim) vectors of each."""
    tokenizer = transformer_of(model, task).tokenizer.backend_tokenizer

    def as_written(text: str) -> list[WordPlace]:
        return [(text[begin:end], (begin, end)) for _, (begin, end) in word_places(tokenizer, text)]

    (found,) = encode_words(model, [text], task, places_of=as_written)
    numbers = sorted(set(found.word_of.tolist()))
    return (
        tuple(found.words[number] for number in numbers),
        [found.tokens[found.word_of == number] for number in numbers],
    )
