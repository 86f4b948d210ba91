"""Training objectives: functions of a batch of token matrices that give one scalar."""

from opticlir.training.objectives.batch import TokenBatch
from opticlir.training.objectives.catalogue import OBJECTIVES, Objective, Registry, objectives
from opticlir.training.objectives.greedy import AlignedTokens, greedy, greedy_alignment
from opticlir.training.objectives.optical import TransportConfig, optical, transport_plan
from opticlir.training.objectives.plan_counter import PlanCounter
from opticlir.training.objectives.pooled import mean_pooled, mse
from opticlir.training.objectives.scores import contrastive, score_kl

__all__ = [
    "OBJECTIVES",
    "AlignedTokens",
    "Objective",
    "PlanCounter",
    "Registry",
    "TokenBatch",
    "TransportConfig",
    "contrastive",
    "greedy",
    "greedy_alignment",
    "mean_pooled",
    "mse",
    "objectives",
    "optical",
    "score_kl",
    "transport_plan",
]
