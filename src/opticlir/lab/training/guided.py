"""OPTICAL with more than the cost: weighted tokens, unmoved mass, and plans guided by word alignment."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from opticlir import transport
from opticlir.lab.training.guide import guiding_plan, lift_of
from opticlir.lab.training.token_weights import SideWeights
from opticlir.lab.training.word_guide import Links
from opticlir.settings import NOT_NEGATIVE, POSITIVE, setting
from opticlir.training.objectives import PlanCounter, TokenBatch, TransportConfig
from opticlir.training.objectives.optical import solved, without_nan

GUIDES = ("none", "prior", "mixture")
MARGINALS = ("uniform", "word", "idf")


@dataclass(frozen=True, kw_only=True)
class LabTransportConfig(TransportConfig):
    """Which transport plan aligns the tokens, with the settings of the laboratory."""

    solvers: ClassVar[tuple[str, ...]] = (*TransportConfig.solvers, "unbalanced")

    marginals: str = setting(
        "uniform",
        "Weight of a token: all alike (`uniform`), each word alike whatever its number of pieces (`word`), or by "
        "how few sentences of the bitext have it (`idf`).",
    )
    marginal_penalty: float = setting(
        0.5, "Cost of a unit of unmoved mass, in units of the cost; of solver `unbalanced`.", POSITIVE
    )
    guide: str = setting(
        "none",
        "What guides the plan of `optical` besides the cost: `none`, or the word alignment of the bitext (IBM model 1 "
        "both ways, by the settings of `[words]`), as a `prior`, or in a `mixture` that begins with `guide_weight` of "
        "the alignment and ends without it.",
    )
    guide_weight: float = setting(
        0.1,
        "Of `prior`: how much cheaper an entry of the plan is, in units of the cost, if alignment makes it e times "
        "likelier. Of `mixture`: share of the alignment in the first plan, at most 1.",
        NOT_NEGATIVE,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, choices in (("marginals", MARGINALS), ("guide", GUIDES)):
            value = getattr(self, name)
            if value not in choices:
                raise ValueError(f"transport {name} is {value!r}: expected {' or '.join(map(repr, choices))}")
        if self.guide == "mixture" and self.guide_weight > 1:
            raise ValueError(
                f"guide_weight is {self.guide_weight}: expected a share of the plan, at most 1, with a mixture"
            )
        if self.guide == "prior" and self.solver == "unbalanced":
            raise ValueError(
                "guide is 'prior' and solver is 'unbalanced', which would move more mass than there is to entries that "
                "became cheap: take guide = 'mixture', or another solver"
            )


def guided_optical(
    batch: TokenBatch, config: TransportConfig, counter: PlanCounter | None = None
) -> Float[Tensor, ""]:
    """`optical` with the weights and links that are attached to the batch.

    Args:
        batch: tokens of both sides.
        config: the solver and the guide.
        counter: counts plans that do not converge; None counts nothing.

    Returns:
        Scalar in [0, 2].

    Gradient:
        Through the cost; the plan is detached.
    """
    cost = transport.cosine_cost(batch.student, batch.teacher)
    weights, links = batch.get(SideWeights), batch.get(Links)
    if weights is None:
        marginals = transport.uniform(batch.student_mask), transport.uniform(batch.teacher_mask)
    else:
        marginals = (
            transport.weighted(batch.student_mask, weights.student),
            transport.weighted(batch.teacher_mask, weights.teacher),
        )
    plan = guided_plan(
        cost, *marginals, config,
        links=None if links is None else links.probabilities, share_done=batch.share_of_stage, counter=counter,
    )  # fmt: skip
    return (plan * cost).sum(dim=(1, 2)).mean()


def any_plan(
    cost: Float[Tensor, "batch m n"],
    source_marginal: Float[Tensor, "batch m"],
    target_marginal: Float[Tensor, "batch n"],
    config: TransportConfig,
    counter: PlanCounter | None = None,
) -> Float[Tensor, "batch m n"]:
    """Align tokens by any solver, `unbalanced` too, without a guide; the plan is detached.

    Args:
        cost: (batch, m, n) tensor.
        source_marginal: (batch, m), each row sums to 1; 0 for tokens that do not take part.
        target_marginal: (batch, n), likewise.
        config: the solver.
        counter: counts plans that do not converge; None counts nothing.
    """
    with torch.no_grad():
        return _solved(without_nan(cost), (source_marginal, target_marginal), config, counter)


def guided_plan(
    cost: Float[Tensor, "batch m n"],
    source_marginal: Float[Tensor, "batch m"],
    target_marginal: Float[Tensor, "batch n"],
    config: TransportConfig,
    *,
    links: Float[Tensor, "batch m n"] | None = None,
    share_done: float = 0.0,
    counter: PlanCounter | None = None,
) -> Float[Tensor, "batch m n"]:
    """Align tokens by the solver of `config`, guided by links; the plan is detached.

    Q is the coupling of `lift_of`, a and b are the marginals, w is the weight of the guide.

    `prior`: the solver gets C - w log(Q / (a b')) as its cost, instead of C; rows and columns of a cost may be shifted,
    so this is C - w log Q. An entropic plan then minimises <P, C> - w <P, log Q> + epsilon <P, log P>, which is
    <P, C> + epsilon KL(P | Q) for w = epsilon; for any w the prior is Q to the power w / epsilon instead of the
    independent coupling. An annealed plan ends at the same one. The exact plan and IPOT have no entropy, or one that
    vanishes, and minimise <P, C> - w <P, log Q>: there the prior has to be in the cost, since IPOT forgets where it
    starts. K steps of it with this cost have the same odds as K steps with the plain cost from Q to the power
    w K / beta.

    `mixture`: (1 - s) P + s Q', where P is the plan without links, Q' that of the links without cost (`guiding_plan`)
    and s = w (1 - share_done).

    Args:
        cost: (batch, m, n) tensor.
        source_marginal: (batch, m), each row sums to 1; 0 for tokens that do not take part.
        target_marginal: (batch, n), likewise.
        config: the solver and the guide.
        links: (batch, m, n), p(target word | source word) of each entry, 0 where nothing is known; None guides nothing.
        share_done: of the stage, from 0 to 1.
        counter: counts plans that do not converge; None counts nothing.

    Returns:
        (batch, m, n) tensor of masses, dtype and device of `cost`; each problem sums to 1, or to at most
        about 1 where mass may stay unmoved.
    """
    cost, marginals = without_nan(cost), (source_marginal, target_marginal)
    with torch.no_grad():
        if links is None or not isinstance(config, LabTransportConfig) or config.guide == "none":
            return _solved(cost, marginals, config, counter)
        lift = lift_of(links.to(cost), target_marginal.to(cost))
        if config.guide == "prior":
            return _solved(cost - config.guide_weight * lift.log(), marginals, config, counter)
        share = config.guide_weight * (1 - share_done)
        plan = _solved(cost, marginals, config, counter)
        return (1 - share) * plan + share * guiding_plan(lift, *marginals)


def _solved(
    cost: Tensor, marginals: tuple[Tensor, Tensor], config: TransportConfig, counter: PlanCounter | None
) -> Tensor:
    is_balanced = not (isinstance(config, LabTransportConfig) and config.solver == "unbalanced")
    if is_balanced or not isinstance(config, LabTransportConfig):
        answer = solved(cost, marginals, config)
    else:
        answer = transport.unbalanced_sinkhorn(
            cost, *marginals, epsilon=config.epsilon, marginal_penalty=config.marginal_penalty,
            max_iterations=config.max_iterations,
        )  # fmt: skip
    if counter is not None:
        counter.add(answer, is_balanced=is_balanced)
    return answer.plan
