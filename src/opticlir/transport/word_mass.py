"""Turns a plan between the pieces of two texts into a plan between their words."""

from jaxtyping import Float, Int64
from torch import Tensor


def word_mass(
    plan: Float[Tensor, "m n"],
    source_words: Int64[Tensor, " m"],
    target_words: Int64[Tensor, " n"],
    *,
    n_source: int,
    n_target: int,
) -> Float[Tensor, "words others"]:
    """Sum the mass from the pieces of each source word to the pieces of each target word.

    Args:
        plan: (m, n) float tensor, one plan without padding.
        source_words: (m,) int64 tensor, number of the word that each row belongs to.
        target_words: (n,) int64 tensor, likewise of each column.
        n_source: number of words of the source side; a word without a row moves no mass.
        n_target: number of words of the target side.

    Returns:
        (n_source, n_target) tensor of the dtype of `plan`; its sum is that of the plan.

    Example:
        >>> import torch
        >>> halves = torch.tensor([[0.25, 0.0], [0.25, 0.0], [0.0, 0.5]])
        >>> word_mass(halves, torch.tensor([0, 0, 1]), torch.tensor([0, 1]), n_source=2, n_target=2).tolist()
        [[0.5, 0.0], [0.0, 0.5]]
    """
    rows = plan.new_zeros(n_source, plan.shape[1]).index_add(0, source_words, plan)
    return plan.new_zeros(n_source, n_target).index_add(1, target_words, rows)
