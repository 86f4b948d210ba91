"""The objectives of a method by name: the registry that the laboratory extends."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from jaxtyping import Float
from torch import Tensor

from opticlir.training.objectives.batch import TokenBatch
from opticlir.training.objectives.greedy import greedy
from opticlir.training.objectives.optical import TransportConfig, optical
from opticlir.training.objectives.plan_counter import PlanCounter
from opticlir.training.objectives.pooled import mse
from opticlir.training.objectives.scores import contrastive, score_kl

OBJECTIVES = ("optical", "greedy", "mse", "contrastive", "score_kl")
"""Names of the product's objectives."""

SCORE_TEMPERATURE = 0.1
"""Temperature of `score_kl`. At .05 it is almost the same as `contrastive`."""


@dataclass(frozen=True, slots=True)
class Objective:
    """A loss function of a batch, and the attached objects that it needs."""

    function: Callable[[TokenBatch], Float[Tensor, ""]]
    needs: frozenset[type[Any]] = frozenset()
    """Classes of `TokenBatch.attached`. A batch without one of them skips this objective."""

    def __call__(self, batch: TokenBatch) -> Float[Tensor, ""]:
        """The loss of a batch."""
        return self.function(batch)


Registry: TypeAlias = Mapping[str, Objective]
"""Objectives by the names that a method uses."""


def objectives(
    transport_config: TransportConfig,
    temperature: float,
    *,
    score_temperature: float = SCORE_TEMPERATURE,
    counter: PlanCounter | None = None,
) -> dict[str, Objective]:
    """Return the product's objectives by name, with their settings.

    Args:
        transport_config: solver of `optical`.
        temperature: of the softmax of `contrastive`, > 0.
        score_temperature: of the softmax of `score_kl`, > 0.
        counter: counts plans that do not converge; None counts nothing.
    """
    return {
        "optical": Objective(lambda batch: optical(batch, transport_config, counter)),
        "greedy": Objective(greedy),
        "mse": Objective(mse),
        "contrastive": Objective(lambda batch: contrastive(batch, temperature)),
        "score_kl": Objective(lambda batch: score_kl(batch, score_temperature)),
    }
