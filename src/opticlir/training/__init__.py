"""From bitext to a query encoder: caches, batches, losses and the trainer."""

from opticlir.training.balance import balanced
from opticlir.training.config import TrainConfig, make_config
from opticlir.training.distil import distil
from opticlir.training.events import OnEvent, TrainingEvent
from opticlir.training.methods import Stage, objective_names, parse_method
from opticlir.training.outcome import Outcome
from opticlir.training.processes import is_rank_zero
from opticlir.training.trained_model import TrainedModel

__all__ = [
    "OnEvent",
    "Outcome",
    "Stage",
    "TrainConfig",
    "TrainedModel",
    "TrainingEvent",
    "balanced",
    "distil",
    "is_rank_zero",
    "make_config",
    "objective_names",
    "parse_method",
]
