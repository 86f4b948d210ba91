"""The tokens whose vectors take part in the score, each with its place in the text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from sentence_transformers import MultiVectorEncoder

from opticlir.encoder.pieces import scored_positions
from opticlir.encoder.routes import transformer_of


@dataclass(frozen=True, slots=True)
class ScoredToken:
    """One token; its vector is a row of what `encode_queries` or `encode_documents` gives."""

    text: str
    """As the tokenizer writes it, for example `##ing` or `[CLS]`."""
    span: tuple[int, int] | None
    """Its letters in the text, from and up to; None for special tokens, expansion tokens and a prompt."""


def scored_tokens(
    model: MultiVectorEncoder, texts: Sequence[str], task: Literal["query", "document"]
) -> Iterator[list[ScoredToken]]:
    """Name the tokens of texts row by row, without computing their vectors.

    Args:
        model: any encoder, with routes or without.
        texts: what would be encoded.
        task: the route and prompt that would encode them.
    """
    tokenizer = transformer_of(model, task).tokenizer
    specials = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    prompt = model.prompts.get(task) or ""
    for text, (ids, kept) in zip(texts, scored_positions(model, texts, task), strict=True):
        places = tokenizer(f"{prompt}{text}", return_offsets_mapping=True, verbose=False)["offset_mapping"]
        names = tokenizer.convert_ids_to_tokens(ids.tolist())
        row = []
        for position in kept.nonzero()[:, 0].tolist():
            start, end = places[position] if position < len(places) else (-1, -1)
            is_text = int(ids[position]) not in specials and start >= len(prompt)
            span = (start - len(prompt), end - len(prompt)) if is_text else None
            row.append(ScoredToken(names[position], span))
        yield row
