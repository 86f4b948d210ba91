"""A few held-out pairs, aligned at each evaluation: where each foreign word goes as training moves it."""

from collections.abc import Sequence
from typing import Any

from sentence_transformers import MultiVectorEncoder

from opticlir.encoder import encode_pieces, split_words, transformer_of
from opticlir.pictures import align_words
from opticlir.records import SentencePair

N_EXAMPLES = 3
_USUAL_WORDS = 10
"""A pair whose longer side has about as many words shows something and can still be read in a small grid."""


def example_pairs(pairs: Sequence[SentencePair], student: MultiVectorEncoder) -> list[SentencePair]:
    """The pairs nearest to ten words in length, in their order; the same for every seed and method.

    Args:
        pairs: to choose from.
        student: its tokenizer says what a word is.
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
    """The transport plan of each pair, word by word, as it goes into `report.jsonl`.

    With the solver of `opticlir align`, whatever the run trains with, so that reports can be compared. A pair
    with a side without tokens is left out.

    Args:
        pairs: the examples.
        student: the encoder under training; left in the mode it came in.
        teacher: reads the English side as it does for training, by its query route.

    Returns:
        `texts`, and the fields of `TokenAlignment`, per pair.
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
