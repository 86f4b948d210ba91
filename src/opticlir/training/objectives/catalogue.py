"""The objectives by the names that a method is written with."""

from collections.abc import Callable
from typing import TypeAlias

from jaxtyping import Float
from torch import Tensor

from opticlir.lab.training.lancer import lancer
from opticlir.lab.training.retention import retention
from opticlir.training.objectives.batch import TokenBatch
from opticlir.training.objectives.greedy import greedy
from opticlir.training.objectives.optical import TransportConfig, optical
from opticlir.training.objectives.pooled import contrastive_pooled, mse
from opticlir.training.objectives.scores import contrastive, score_kl

Objective: TypeAlias = Callable[[TokenBatch], Float[Tensor, ""]]

READ_ENGLISH = frozenset({"retention", "lancer"})
"""Objectives that need `TokenBatch.english`: the student then encodes the English side too."""


def objectives(
    transport_config: TransportConfig,
    temperature: float,
    *,
    score_temperature: float | None = None,
    both_directions: bool = False,
) -> dict[str, Objective]:
    """The objectives by name, their settings filled in.

    Args:
        transport_config: of `optical` and `retention`.
        temperature: of `contrastive` and `contrastive_pooled`, > 0.
        score_temperature: of `score_kl`; None is `temperature`.
        both_directions: of `contrastive`.
    """
    of_scores = temperature if score_temperature is None else score_temperature
    return {
        "optical": lambda batch: optical(batch, transport_config),
        "greedy": greedy,
        "mse": mse,
        "contrastive": lambda batch: contrastive(batch, temperature, both_directions=both_directions),
        "contrastive_pooled": lambda batch: contrastive_pooled(batch, temperature),
        "score_kl": lambda batch: score_kl(batch, of_scores),
        "retention": lambda batch: retention(batch, transport_config),
        "lancer": lancer,
    }
