"""From bitext to a query encoder: caches, batches, losses and the trainer."""

from opticlir.training.balance import balanced
from opticlir.training.config import TrainConfig, make_config
from opticlir.training.distil import Outcome, distil
from opticlir.training.events import OnEvent, TrainingEvent
from opticlir.training.methods import Stage, objective_names, parse_method
from opticlir.training.processes import is_rank_zero

__all__ = [
    "OnEvent",
    "Outcome",
    "Stage",
    "TrainConfig",
    "TrainingEvent",
    "balanced",
    "distil",
    "is_rank_zero",
    "make_config",
    "objective_names",
    "parse_method",
]
