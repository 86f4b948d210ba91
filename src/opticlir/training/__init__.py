"""From bitext to a query encoder: caches, batches, losses and the trainer."""

from opticlir.training.balance import balanced
from opticlir.training.config import TrainConfig, make_config, read_config
from opticlir.training.distil import Outcome, distil
from opticlir.training.methods import Stage, objective_names, parse_method
from opticlir.training.processes import is_main_process

__all__ = [
    "Outcome",
    "Stage",
    "TrainConfig",
    "balanced",
    "distil",
    "is_main_process",
    "make_config",
    "objective_names",
    "parse_method",
    "read_config",
]
