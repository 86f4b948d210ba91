"""OPTICAL with weighted tokens, unmoved mass, or a plan that word alignment guides."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from opticlir import transport
from opticlir.lab.training.guide import guiding_plan, lift_of
from opticlir.lab.training.shuffled_plan import SHUFFLES, shuffled_plan
from opticlir.lab.training.token_weights import SideWeights
from opticlir.lab.training.word_guide import Links
from opticlir.settings import NOT_NEGATIVE, POSITIVE, setting
from opticlir.training.objectives import PlanCounter, TokenBatch, TransportConfig, transport_plan

GUIDES = ("none", "prior", "mixture")
MARGINALS = ("uniform", "word", "idf")


@dataclass(frozen=True, kw_only=True)
class LabTransportConfig(TransportConfig):
    """Which transport plan aligns the tokens, with the settings of the laboratory."""

    solvers: ClassVar[tuple[str, ...]] = (*TransportConfig.solvers, "unbalanced")

    marginals: str = setting(
        "uniform",
        "Mass of the tokens: equal for all tokens (`uniform`), equal for all words whatever their number of pieces "
        "(`word`), or larger for tokens that occur in few sentences of the bitext (`idf`).",
    )
    marginal_penalty: float = setting(
        0.5, "Cost of a unit of unmoved mass, in units of the cost, for solver `unbalanced`.", POSITIVE
    )
    guide: str = setting(
        "none",
        "What guides the plan of `optical` besides the cost: `none`, or the word alignment of the bitext (IBM model 1 "
        "both ways, with the settings of `[words]`). `prior` makes probable links cheaper. `mixture` mixes the plan "
        "with that of the alignment; the share of the alignment falls from `guide_weight` to 0.",
    )
    guide_weight: float = setting(
        0.1,
        "For `prior`: by how much an entry of the plan gets cheaper, in units of the cost, when the alignment makes it "
        "e times more probable. For `mixture`: share of the alignment in the first plan, at most 1.",
        NOT_NEGATIVE,
    )

    shuffle: str = setting(
        "none",
        "A control that tests whether the plan matters: `optical` uses another plan with the same mass for each token. "
        "`uniform` moves each token to all others, `columns` exchanges the English tokens at random, `position` aligns "
        "by the place in the sentence.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, choices in (("marginals", MARGINALS), ("guide", GUIDES), ("shuffle", SHUFFLES)):
            value = getattr(self, name)
            if value not in choices:
                raise ValueError(f"transport {name} is {value!r}: expected {' or '.join(map(repr, choices))}")
        if self.guide == "mixture" and self.guide_weight > 1:
            raise ValueError(
                f"guide_weight is {self.guide_weight}: expected a share of the plan, at most 1, with a mixture"
            )
        if self.guide == "prior" and not self.is_balanced:
            raise ValueError(
                "guide is 'prior' and solver is 'unbalanced', which would move more mass than there is to entries that "
                "became cheap: take guide = 'mixture', or another solver"
            )

        if self.shuffle != "none" and (self.guide, self.marginals) != ("none", "uniform"):
            raise ValueError(
                f"shuffle is {self.shuffle!r}, which replaces the plan: expected guide 'none' and marginals 'uniform', "
                f"found {self.guide!r} and {self.marginals!r}"
            )
        if self.shuffle != "none" and not self.is_balanced:
            raise ValueError(f"shuffle is {self.shuffle!r} and solver is 'unbalanced': take another solver")

    @property
    def is_balanced(self) -> bool:
        """Whether the solver moves all mass."""
        return self.solver != "unbalanced"

    def solve(
        self,
        cost: Float[Tensor, "batch m n"],
        source_marginal: Float[Tensor, "batch m"],
        target_marginal: Float[Tensor, "batch n"],
    ) -> transport.TransportPlan:
        """Call the solver with these settings. Arguments as in `transport_plan`."""
        if self.is_balanced:
            return super().solve(cost, source_marginal, target_marginal)
        return transport.unbalanced_sinkhorn(
            cost, source_marginal, target_marginal, epsilon=self.epsilon, marginal_penalty=self.marginal_penalty,
            max_iterations=self.max_iterations,
        )  # fmt: skip


def guided_optical(
    batch: TokenBatch, config: LabTransportConfig, counter: PlanCounter | None = None
) -> Float[Tensor, ""]:
    """Compute `optical` with the weights and links that are attached to the batch.

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
    if config.shuffle != "none":
        return (shuffled_plan(batch, cost, config, config.shuffle, counter) * cost).sum(dim=(1, 2)).mean()
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


def guided_plan(
    cost: Float[Tensor, "batch m n"],
    source_marginal: Float[Tensor, "batch m"],
    target_marginal: Float[Tensor, "batch n"],
    config: LabTransportConfig,
    *,
    links: Float[Tensor, "batch m n"] | None = None,
    share_done: float = 0.0,
    counter: PlanCounter | None = None,
) -> Float[Tensor, "batch m n"]:
    """Align tokens with the solver of `config`, guided by links.

    Below, Q is the coupling of `lift_of`, a and b are the marginals, and w is `config.guide_weight`.

    `prior`: the solver gets the cost C - w log(Q / (a b')). Terms that depend on the row or the column alone do not
    change a plan, so this is C - w log Q.

    * An entropic plan then minimises <P, C> - w <P, log Q> + epsilon <P, log P>. With w = epsilon this is
      <P, C> + epsilon KL(P | Q). In general, Q to the power w / epsilon replaces the independent coupling as prior.
    * An annealed plan ends at the same plan as an entropic one.
    * The exact plan has no entropy, and that of IPOT vanishes. They minimise <P, C> - w <P, log Q>. IPOT forgets its
      start, so the prior has to be in the cost. K steps with this cost give the same odds as K steps with C that
      start from Q to the power w K / beta.

    `mixture`: the plan is (1 - s) P + s Q' with s = w (1 - share_done). P is the plan without links. Q' is the plan
    of the links without a cost (`guiding_plan`).

    Args:
        cost: (batch, m, n) tensor.
        source_marginal: (batch, m), each row sums to 1; 0 for tokens that do not take part.
        target_marginal: (batch, n), likewise.
        config: the solver and the guide.
        links: (batch, m, n), p(target word | source word) of each entry, 0 where unknown; None guides nothing.
        share_done: share of the stage that is done, from 0 to 1.
        counter: counts plans that do not converge; None counts nothing.

    Returns:
        (batch, m, n) tensor of masses, detached, with the dtype and device of `cost`. Each problem sums to 1, or to
        about 1 or less if mass may stay unmoved.
    """
    marginals = source_marginal, target_marginal
    if links is None or config.guide == "none":
        return transport_plan(cost, *marginals, config, counter)
    with torch.no_grad():
        lift = lift_of(links.to(cost), target_marginal.to(cost))
        if config.guide == "prior":
            return transport_plan(cost - config.guide_weight * lift.log(), *marginals, config, counter)
        share = config.guide_weight * (1 - share_done)
        plan = transport_plan(cost, *marginals, config, counter)
        return (1 - share) * plan + share * guiding_plan(lift, *marginals)
