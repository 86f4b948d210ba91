"""The tokens whose vectors take part in the score, each with its place in the text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Integer
from sentence_transformers import MultiVectorEncoder

from opticlir.encoder.pieces import scored_positions
from opticlir.encoder.routes import transformer_of


@dataclass(frozen=True, slots=True)
class ScoredToken:
    """One token; its vector is a row of the result of `encode_queries` or `encode_documents`."""

    text: str
    """As the tokenizer writes it, for example `##ing` or `[CLS]`."""
    span: tuple[int, int] | None
    """Start and end of its letters in the text; None for special tokens, expansion tokens and a prompt."""


def scored_tokens(
    model: MultiVectorEncoder, texts: Sequence[str], task: Literal["query", "document"]
) -> Iterator[list[ScoredToken]]:
    """Name the tokens of texts row by row, without computing their vectors.

    Args:
        model: any encoder, with routes or without.
        texts: the texts to tokenize.
        task: the route and prompt to use.
    """
    tokenizer = transformer_of(model, task).tokenizer
    for ids, spans in _scored(model, texts, task):
        yield [
            ScoredToken(name, (start, end) if start >= 0 else None)
            for name, (start, end) in zip(tokenizer.convert_ids_to_tokens(ids), spans.tolist(), strict=True)
        ]


def scored_spans(
    model: MultiVectorEncoder, texts: Sequence[str], task: Literal["query", "document"]
) -> Iterator[Integer[np.ndarray, "tokens 2"]]:
    """Yield for each text the spans of its `scored_tokens`; (-1, -1) for a token without a span."""
    return (spans for _, spans in _scored(model, texts, task))


def _scored(
    model: MultiVectorEncoder, texts: Sequence[str], task: Literal["query", "document"]
) -> Iterator[tuple[list[int], np.ndarray]]:
    """Ids and (tokens, 2) spans of the scored tokens of each text, which is tokenised once."""
    tokenizer = transformer_of(model, task).tokenizer
    specials = sorted(set(tokenizer.all_special_ids) - {tokenizer.unk_token_id})
    prompt = model.prompts.get(task) or ""
    for ids, kept, encoding in scored_positions(model, texts, task):
        scored, is_kept = ids.numpy(), kept.numpy()
        spans = np.full((len(scored), 2), -1)  # expansion tokens are not in the encoding
        spans[: len(encoding)] = np.array(encoding.offsets).reshape(-1, 2) - len(prompt)
        spans[(spans[:, 0] < 0) | np.isin(scored, specials)] = -1
        yield scored[is_kept].tolist(), spans[is_kept]
