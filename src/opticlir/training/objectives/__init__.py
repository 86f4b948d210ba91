"""What a student can be asked to do: functions of a batch of token matrices, each giving one scalar."""

from opticlir.lab.training.lancer import lancer
from opticlir.lab.training.retention import retention
from opticlir.training.objectives.batch import EnglishSide, TokenBatch
from opticlir.training.objectives.catalogue import READ_ENGLISH, Objective, objectives
from opticlir.training.objectives.greedy import AlignedTokens, greedy, greedy_alignment
from opticlir.training.objectives.optical import TransportConfig, optical, transport_plan
from opticlir.training.objectives.pooled import contrastive_pooled, mean_pooled, mse
from opticlir.training.objectives.scores import contrastive, score_kl

__all__ = [
    "READ_ENGLISH",
    "AlignedTokens",
    "EnglishSide",
    "Objective",
    "TokenBatch",
    "TransportConfig",
    "contrastive",
    "contrastive_pooled",
    "greedy",
    "greedy_alignment",
    "lancer",
    "mean_pooled",
    "mse",
    "objectives",
    "optical",
    "retention",
    "score_kl",
    "transport_plan",
]
