"""The tokens whose vectors take part in the score, each with its place in the text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

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
    specials = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    prompt = model.prompts.get(task) or ""
    texts = list(texts)
    prompted = [f"{prompt}{text}" for text in texts]
    offsets = (
        tokenizer(prompted, return_offsets_mapping=True, verbose=False)["offset_mapping"] if texts else []
    )
    for places, (ids, kept) in zip(offsets, scored_positions(model, texts, task), strict=True):
        positions = kept.nonzero()[:, 0].tolist()
        kept_ids = ids[kept].tolist()
        row = []
        for position, token, name in zip(
            positions, kept_ids, tokenizer.convert_ids_to_tokens(kept_ids), strict=True
        ):
            start, end = places[position] if position < len(places) else (-1, -1)
            is_text = token not in specials and start >= len(prompt)
            row.append(ScoredToken(name, (start - len(prompt), end - len(prompt)) if is_text else None))
        yield row
