"""OPTICAL: the cost of moving the student's tokens onto the teacher's by optimal transport."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from opticlir import transport
from opticlir.training.objectives.batch import TokenBatch

MARGINALS = ("uniform", "word", "idf")
SOLVERS = ("proximal", "sinkhorn", "annealed", "exact", "unbalanced")


@dataclass(frozen=True, kw_only=True)
class TransportConfig:
    """Which plan aligns the tokens; see docs/studies/plan-sharpness.md for what each does to the student."""

    solver: str = "proximal"
    """`proximal` (IPOT), `sinkhorn`, `annealed` (Sinkhorn by way of larger epsilons), `exact` (network
    simplex), or `unbalanced` (Sinkhorn that may leave mass unmoved)."""
    marginals: str = "uniform"
    """How much a token weighs: all alike, each word alike whatever its number of pieces, or by how few
    sentences of the bitext hold it."""
    beta: float = 0.5
    """Proximal strength of IPOT, in units of the cost."""
    epsilon: float = 0.03
    """Entropy strength of the Sinkhorn solvers, in units of the cost."""
    marginal_penalty: float = 0.5
    """What a unit of unmoved mass costs about, in units of the cost; of `unbalanced`."""
    max_iterations: int = 50
    """Pairs of row and column updates."""

    def __post_init__(self) -> None:
        for name, choices in (("solver", SOLVERS), ("marginals", MARGINALS)):
            value = getattr(self, name)
            if value not in choices:
                raise ValueError(f"transport {name} is {value!r}: expected {' or '.join(map(repr, choices))}")
        for name in ("beta", "epsilon", "marginal_penalty"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ValueError(f"{name} is {value}: expected a finite number above 0")
        if self.max_iterations < 1:
            raise ValueError(f"max_iterations is {self.max_iterations}: expected at least 1")


def optical(batch: TokenBatch, config: TransportConfig) -> Float[Tensor, ""]:
    """Transport cost between the two bags of tokens: <P, C> with P the optimal plan, mean over pairs.

    Args:
        batch: tokens of both sides.
        config: the solver of the plan.

    Returns:
        Scalar in [0, 2]; 0 where each token lies on a token of the other side.

    Gradient:
        Through the cost C = 1 - cosine; the plan P is detached (envelope theorem).

    Example:
        >>> swapped, all_of_them = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]]), torch.ones(1, 2).bool()
        >>> batch = TokenBatch(swapped, all_of_them, torch.eye(2)[None], all_of_them)
        >>> round(optical(batch, TransportConfig()).item(), 4)
        0.0

    Reference:
        Huang, Yu and Allan 2023 (arXiv 2301.12566), the Frobenius product of plan and cost.
    """
    cost = transport.cosine_cost(batch.student, batch.teacher)
    plan = transport_plan(
        cost,
        _marginal(batch.student_mask, batch.student_weights),
        _marginal(batch.teacher_mask, batch.teacher_weights),
        config,
    )
    return (plan * cost).sum(dim=(1, 2)).mean()


def _marginal(
    mask: Bool[Tensor, "batch tokens"], weights: Float[Tensor, "batch tokens"] | None
) -> Float[Tensor, "batch tokens"]:
    return transport.uniform(mask) if weights is None else transport.weighted(mask, weights)


def transport_plan(
    cost: Float[Tensor, "batch m n"],
    source_marginal: Float[Tensor, "batch m"],
    target_marginal: Float[Tensor, "batch n"],
    config: TransportConfig,
) -> Float[Tensor, "batch m n"]:
    """Align tokens by the solver of `config`; the plan is detached.

    Args:
        cost: (batch, m, n) tensor.
        source_marginal: (batch, m), each row sums to 1; 0 for tokens that do not take part.
        target_marginal: (batch, n), likewise.
        config: the solver.

    Returns:
        (batch, m, n) tensor of masses, dtype and device of `cost`; each problem sums to 1, or to at most
        about 1 where mass may stay unmoved.
    """
    # solvers refuse NaN; here it goes on to the loss by way of the cost, and the loss names the pairs
    problem = cost.detach().nan_to_num(nan=0.0), source_marginal, target_marginal
    most, epsilon = config.max_iterations, config.epsilon
    with torch.no_grad():
        match config.solver:
            case "proximal":
                answer = transport.proximal_point(*problem, beta=config.beta, max_iterations=most)
            case "sinkhorn":
                answer = transport.sinkhorn(*problem, epsilon=epsilon, max_iterations=most)
            case "annealed":
                answer = transport.annealed_sinkhorn(
                    *problem, epsilon=epsilon, epsilon_start=max(1.0, epsilon), max_iterations=most
                )
            case "exact":
                answer = transport.exact(*problem)
            case "unbalanced":
                answer = transport.unbalanced_sinkhorn(
                    *problem, epsilon=epsilon, marginal_penalty=config.marginal_penalty, max_iterations=most
                )
        return answer.plan
