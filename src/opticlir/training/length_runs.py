"""Encode a batch in runs of rows of similar length, each with as little padding as it needs."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from opticlir.training.bitext_batch import Cut

EncodeCut = Callable[[dict[str, Any], Cut], tuple[Tensor, Tensor]]
"""From the inputs and places of some rows and columns to (rows, tokens, dim) vectors and a (rows, tokens) mask."""


def encode_in_runs(encode: EncodeCut, inputs: Mapping[str, Any], n_runs: int) -> tuple[Tensor, Tensor]:
    """Encode a batch with little padding. The result is that of encoding it as a whole.

    Args:
        encode: encodes each text independently of the others, with a vector per token.
        inputs: of a batch whose rows are sorted by length, or nearly. `attention_mask` (batch, tokens) is 0 at
            padding. Tokens at `query_expansion_positions` have a score, but other tokens do not attend to them.
        n_runs: number of runs; 1 encodes all rows at once.

    Returns:
        (batch, tokens, dim) vectors and a (batch, tokens) mask; 0 at padding that was not encoded.
    """
    mask = inputs["attention_mask"].bool()
    if (expansion := inputs.get("query_expansion_positions")) is not None:
        mask = mask | expansion.bool()
    n_rows, n_columns = mask.shape
    found = []
    for rows in torch.arange(n_rows, device=mask.device).tensor_split(max(1, min(n_runs, n_rows))):
        read = mask[rows].any(dim=0).nonzero().flatten().tolist() or [0]
        first, end = read[0], read[-1] + 1
        cut = rows, slice(first, end)
        tokens, kept = encode({name: _cut(value, mask, cut) for name, value in inputs.items()}, cut)
        margins = (first, n_columns - end)
        found.append((
            torch.nn.functional.pad(tokens, (0, 0, *margins)), torch.nn.functional.pad(kept, margins)
        ))  # fmt: skip
    return torch.cat([tokens for tokens, _ in found]), torch.cat([kept for _, kept in found])


def _cut(value: Any, mask: Tensor, cut: Cut) -> Any:
    """Some rows and columns of a tensor with the shape of the mask; other values as they are."""
    if isinstance(value, Tensor) and value.shape[:2] == mask.shape:
        return value[cut]
    return value
