"""OPTICAL: the cost of moving the student's tokens onto the teacher's by optimal transport."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from opticlir import transport
from opticlir.lab.training.guide import guiding_plan, lift_of
from opticlir.training.objectives.batch import TokenBatch

GUIDES = ("none", "prior", "mixture")
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
    guide: str = "none"
    """What guides the plan of `optical` beside the cost: nothing (`none`), or how the words of the bitext are
    aligned (IBM model 1 both ways, by the settings of `[words]`), as a `prior`, or in a `mixture` that begins with
    `guide_weight` of the alignment and ends with none of it."""
    guide_weight: float = 0.1
    """Of `prior`, what a way costs less, in units of the cost, if alignment makes it e times likelier; of
    `mixture`, the share of the alignment in the first plan, at most 1."""

    def __post_init__(self) -> None:
        for name, choices in (("solver", SOLVERS), ("marginals", MARGINALS), ("guide", GUIDES)):
            value = getattr(self, name)
            if value not in choices:
                raise ValueError(f"transport {name} is {value!r}: expected {' or '.join(map(repr, choices))}")
        for name in ("beta", "epsilon", "marginal_penalty"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ValueError(f"{name} is {value}: expected a finite number above 0")
        if self.max_iterations < 1:
            raise ValueError(f"max_iterations is {self.max_iterations}: expected at least 1")
        _check_guide(self)


def _check_guide(config: TransportConfig) -> None:
    weight = config.guide_weight
    if not 0 <= weight < math.inf:
        raise ValueError(f"guide_weight is {weight}: expected a finite number, 0 or more")
    if config.guide == "mixture" and weight > 1:
        raise ValueError(f"guide_weight is {weight}: expected a share of the plan, at most 1, with a mixture")
    if config.guide == "prior" and config.solver == "unbalanced":
        raise ValueError(
            "guide is 'prior' and solver is 'unbalanced', which would move more mass than there is where a way "
            "has become cheap: take guide = 'mixture', or another solver"
        )


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
        links=batch.links,
        share_done=batch.share_of_stage,
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
    *,
    links: Float[Tensor, "batch m n"] | None = None,
    share_done: float = 0.0,
) -> Float[Tensor, "batch m n"]:
    """Align tokens by the solver of `config`, guided by links where there are some; the plan is detached.

    Q is the coupling of `lift_of`, a and b are the marginals, w is the weight of the guide.

    `prior`: the solver is given C - w log(Q / (a b')) in the place of the cost C; rows and columns of a cost may be
    shifted as one likes, so this is C - w log Q. An entropic plan then minimises
    <P, C> - w <P, log Q> + epsilon <P, log P>, which is <P, C> + epsilon KL(P | Q) for w = epsilon; for any w the prior
    is Q to the power w / epsilon instead of the independent coupling. An annealed plan ends at the same one. The exact
    plan and IPOT have no entropy, or one that vanishes, and minimise <P, C> - w <P, log Q>: there the prior has to be
    in the cost, since IPOT forgets where it starts. K steps of it with this cost have the same odds as K steps with the
    plain cost from Q to the power w K / beta.

    `mixture`: (1 - s) P + s Q', where P is the plan without links, Q' that of the links without cost (`guiding_plan`)
    and s = w (1 - share_done).

    Args:
        cost: (batch, m, n) tensor.
        source_marginal: (batch, m), each row sums to 1; 0 for tokens that do not take part.
        target_marginal: (batch, n), likewise.
        config: the solver and the guide.
        links: (batch, m, n), p(target word | source word) of each way, 0 where nothing is known; None guides nothing.
        share_done: of the stage, from 0 to 1.

    Returns:
        (batch, m, n) tensor of masses, dtype and device of `cost`; each problem sums to 1, or to at most
        about 1 where mass may stay unmoved.
    """
    # solvers refuse NaN; here it goes on to the loss by way of the cost, and the loss names the pairs
    cost = cost.detach().nan_to_num(nan=0.0)
    marginals = source_marginal, target_marginal
    with torch.no_grad():
        if links is None or config.guide == "none":
            return _solved(cost, marginals, config)
        lift = lift_of(links.to(cost), target_marginal.to(cost))
        if config.guide == "prior":
            return _solved(cost - config.guide_weight * lift.log(), marginals, config)
        share = config.guide_weight * (1 - share_done)
        return (1 - share) * _solved(cost, marginals, config) + share * guiding_plan(lift, *marginals)


def _solved(cost: Tensor, marginals: tuple[Tensor, Tensor], config: TransportConfig) -> Tensor:
    most, epsilon = config.max_iterations, config.epsilon
    match config.solver:
        case "proximal":
            answer = transport.proximal_point(cost, *marginals, beta=config.beta, max_iterations=most)
        case "sinkhorn":
            answer = transport.sinkhorn(cost, *marginals, epsilon=epsilon, max_iterations=most)
        case "annealed":
            answer = transport.annealed_sinkhorn(
                cost, *marginals, epsilon=epsilon, epsilon_start=max(1.0, epsilon), max_iterations=most
            )
        case "exact":
            answer = transport.exact(cost, *marginals)
        case "unbalanced":
            answer = transport.unbalanced_sinkhorn(
                cost,
                *marginals,
                epsilon=epsilon,
                marginal_penalty=config.marginal_penalty,
                max_iterations=most,
            )
    return answer.plan
