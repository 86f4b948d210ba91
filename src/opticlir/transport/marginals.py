"""Marginals: how much mass each token of a text carries. Each text has one unit of it to give."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


def uniform(mask: Bool[Tensor, "batch tokens"]) -> Float[Tensor, "batch tokens"]:
    """Give every token that takes part the same mass.

    Args:
        mask: (batch, tokens) bool tensor, True takes part; padding and specials are False.

    Returns:
        (batch, tokens) float32 tensor; each row sums to 1, or is all 0 where no token takes part.

    Example:
        >>> uniform(torch.tensor([[True, True, False]])).tolist()
        [[0.5, 0.5, 0.0]]
    """
    return weighted(mask, mask.float())


def weighted(
    mask: Bool[Tensor, "batch tokens"], weights: Float[Tensor, "batch tokens"]
) -> Float[Tensor, "batch tokens"]:
    """Give every token that takes part mass in proportion to its weight.

    Args:
        mask: (batch, tokens) bool tensor, True takes part.
        weights: (batch, tokens) float tensor, >= 0 where `mask` is True, anything elsewhere.

    Returns:
        (batch, tokens) float32 tensor; each row sums to 1, or is all 0 where no token with a weight
        takes part.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> weighted(torch.tensor([[True, True, False]]), torch.tensor([[1.0, 3.0, 9.0]])).tolist()
        [[0.25, 0.75, 0.0]]
    """
    _check_same_shape(mask, "weights", weights)
    mass = weights.float().masked_fill(~mask, 0.0)
    total = mass.sum(dim=1, keepdim=True)
    # a row without mass is divided by 1: it stays 0 and the solvers report it
    return mass / torch.where(total == 0, 1.0, total)


def by_word(
    mask: Bool[Tensor, "batch tokens"], word_ids: Int[Tensor, "batch tokens"]
) -> Float[Tensor, "batch tokens"]:
    """Give every word the same mass and split it among the word's pieces.

    Otherwise a word of five pieces would weigh as much as five words. In languages that the tokenizer knows
    badly, words have many pieces.

    Args:
        mask: (batch, tokens) bool tensor, True takes part.
        word_ids: (batch, tokens) int tensor, the same number for pieces of the same word, as a tokenizer's
            `word_ids` gives them; >= 0 where `mask` is True, anything elsewhere.

    Returns:
        (batch, tokens) float32 tensor; each row sums to 1, or is all 0 where no token takes part.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> by_word(torch.tensor([[True, True, True]]), torch.tensor([[0, 0, 1]])).tolist()
        [[0.25, 0.25, 0.5]]
    """
    _check_same_shape(mask, "word_ids", word_ids)
    same_word = (word_ids[:, :, None] == word_ids[:, None, :]) & mask[:, None, :]
    return weighted(mask, 1 / same_word.sum(dim=2).clamp_min(1))


def _check_same_shape(mask: Tensor, name: str, other: Tensor) -> None:
    if mask.shape != other.shape:
        raise ValueError(f"mask is {tuple(mask.shape)} but {name} is {tuple(other.shape)}: expected the same")
