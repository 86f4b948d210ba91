"""Read whole sentences while training. Questions are short; the sentences of a bitext are not.

Both sides of a pair go through a query route. In a search, the query route of a ColBERT model reads 32 tokens. The
first 32 tokens of two long translations may say different things, so while training the route reads whole sentences.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sentence_transformers import MultiVectorEncoder

from opticlir.encoder import token_counts, tokens_read, transformer_of
from opticlir.records import CutSentences


@contextmanager
def whole_sentences(*models: MultiVectorEncoder) -> Iterator[None]:
    """Let the query route of each model read as many tokens as its document route, while the block runs.

    Short texts keep the expansion tokens of a ColBERT query. After the block, and in a saved model, the lengths are as
    before.

    Args:
        models: any encoders, with routes or without.
    """
    transformers = {id(each): each for each in (transformer_of(model, "query") for model in models)}
    before = {key: (each.query_length, each.query_expansion) for key, each in transformers.items()}
    lengths = {id(transformer_of(model, "query")): sentence_tokens(model) for model in models}
    try:
        for key, transformer in transformers.items():
            transformer.query_length = lengths[key]
            if expansion := transformer.query_expansion:
                transformer.query_expansion = {**expansion, "strategy": "min"}
        yield
    finally:
        for key, transformer in transformers.items():
            length, transformer.query_expansion = before[key]
            transformer.query_length = length


def sentence_tokens(model: MultiVectorEncoder) -> int:
    """Return how many tokens of a sentence a model reads while training, with prompt and special tokens."""
    longest = transformer_of(model, "query").tokenizer.model_max_length
    return min(longest, max(tokens_read(model, "query"), tokens_read(model, "document")))


def cut_sentences(
    student: MultiVectorEncoder,
    teacher: MultiVectorEncoder,
    foreign: Sequence[str],
    english: Sequence[str],
) -> CutSentences:
    """Count the sentences that are longer than the encoders read while training.

    Args:
        student: reads the foreign sides.
        teacher: reads the English sides.
        foreign: one side of each pair.
        english: the other side, in the same order.
    """
    longest_english, longest_foreign = sentence_tokens(teacher), sentence_tokens(student)
    return CutSentences(
        n_pairs=len(foreign),
        english=int((token_counts(teacher, english, "query") > longest_english).sum()),
        foreign=int((token_counts(student, foreign, "query") > longest_foreign).sum()),
        english_tokens=longest_english,
        foreign_tokens=longest_foreign,
    )
