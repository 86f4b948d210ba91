"""A few held-out pairs, aligned at each evaluation: they show how the alignment changes during training."""

from collections.abc import Sequence
from typing import Any

from sentence_transformers import MultiVectorEncoder

from opticlir.encoder import encode_pieces, split_words, transformer_of
from opticlir.pictures import align_words
from opticlir.records import SentencePair

N_EXAMPLES = 3
_USUAL_WORDS = 10
"""Words of the longer side. Such a pair has enough words to be interesting, and its grid is still readable."""


def example_pairs(pairs: Sequence[SentencePair], student: MultiVectorEncoder) -> list[SentencePair]:
    """Return the pairs nearest to ten words in length, in their order. Seed and method do not change them.

    Args:
        pairs: to choose from.
        student: its tokenizer defines the words.
    """
    tokenizer = transformer_of(student, "query").tokenizer.backend_tokenizer

    def oddness(number: int) -> int:
        sides = (split_words(tokenizer, text) for text in (pairs[number].foreign, pairs[number].english))
        n_words = [len(words) for words in sides]
        return abs(max(n_words) - _USUAL_WORDS) if all(n_words) else len(pairs) + _USUAL_WORDS

    return [pairs[number] for number in sorted(sorted(range(len(pairs)), key=oddness)[:N_EXAMPLES])]


def align_examples(
    pairs: Sequence[SentencePair], student: MultiVectorEncoder, teacher: MultiVectorEncoder
) -> list[dict[str, Any]]:
    """Return the transport plan of each pair, word by word, in the form of `report.jsonl`.

    The solver is always that of `opticlir align`, so that reports of all methods can be compared. A pair with an
    empty side is left out.

    Args:
        pairs: the examples.
        student: the encoder under training; its training mode is restored.
        teacher: reads the English side by its query route, as for training.

    Returns:
        For each pair `texts`, and the fields of `TokenAlignment`.
    """
    mode = student.training
    try:
        found = []
        for pair in pairs:
            foreign, english = (
                encode_pieces(model, text, "query")
                for model, text in ((student, pair.foreign), (teacher, pair.english))
            )
            if foreign.pieces and english.pieces:
                alignment = align_words(foreign, english)
                found.append({
                    "texts": [pair.foreign, pair.english],
                    "foreign": alignment.foreign, "english": alignment.english,
                    "plan": alignment.plan.round(5).tolist(), "cost": round(alignment.cost, 5),
                    "is_cut": alignment.is_cut,
                })  # fmt: skip
        return found
    finally:
        student.train(mode)
