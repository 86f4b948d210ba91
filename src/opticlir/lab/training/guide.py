"""Turns the links of a word table into a guide for plans: how much more probable than by chance each entry is."""

from jaxtyping import Float
from torch import Tensor, where

from opticlir import transport

SMOOTHING = 0.1
"""Share of the mass of a token that is spread over all targets, so that the table rules out no entry."""

_ROUNDS = 50


def lift_of(
    links: Float[Tensor, "batch m n"], target_marginal: Float[Tensor, "batch n"]
) -> Float[Tensor, "batch m n"]:
    """Return how many times more probable than by chance the links make each entry of the plan, smoothed.

    A source token with links sends its mass to the target tokens in these shares:
    q_ij = links_ij b_j / (sum over k of links_ik b_k). So the pieces of a word divide what the word gets in proportion
    to their own mass. A token without a link sends its mass anywhere: q_ij = b_j. With s = SMOOTHING the coupling is
    Q_ij = a_i ((1 - s) q_ij + s b_j), and the lift is Q_ij / (a_i b_j).

    Args:
        links: (batch, m, n), p(target word | source word), >= 0; 0 where unknown.
        target_marginal: (batch, n), each row sums to 1; 0 for tokens that do not take part.

    Returns:
        (batch, m, n) tensor, finite and at least SMOOTHING; 1 in the row of a token without a link. The lift times
        both marginals is Q. Its rows sum to the source marginal, its columns only roughly to the target marginal.

    Example:
        >>> import torch
        >>> lift_of(torch.tensor([[[0.4, 0.0], [0.0, 0.0]]]), torch.tensor([[0.5, 0.5]])).tolist()
        [[[1.899999976158142, 0.10000000149011612], [1.0, 1.0]]]
    """
    reachable = (links * target_marginal[:, None, :]).sum(dim=2, keepdim=True)
    lift = where(reachable > 0, links / where(reachable > 0, reachable, 1.0), 1.0)
    return (1 - SMOOTHING) * lift + SMOOTHING


def guiding_plan(
    lift: Float[Tensor, "batch m n"],
    source_marginal: Float[Tensor, "batch m"],
    target_marginal: Float[Tensor, "batch n"],
) -> Float[Tensor, "batch m n"]:
    """Return the plan of the links without a cost: the plan with these marginals that is nearest to Q by KL.

    Args:
        lift: (batch, m, n), from `lift_of`.
        source_marginal: (batch, m), each row sums to 1; 0 for tokens that do not take part.
        target_marginal: (batch, n), likewise.

    Returns:
        (batch, m, n) tensor of masses; each problem sums to 1.

    Example:
        >>> import torch
        >>> half = torch.tensor([[0.5, 0.5]])
        >>> guiding_plan(torch.tensor([[[1.9, 0.1], [0.1, 1.9]]]), half, half).round(decimals=3).tolist()
        [[[0.4749999940395355, 0.02500000037252903], [0.02500000037252903, 0.4749999940395355]]]
    """
    return transport.sinkhorn(
        -lift.log(), source_marginal, target_marginal, epsilon=1.0, max_iterations=_ROUNDS
    ).plan
