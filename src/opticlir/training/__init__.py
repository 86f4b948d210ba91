"""From bitext to a query encoder: caches, batches, losses and the trainer."""

from opticlir.training.config import TrainConfig, make_config, read_config
from opticlir.training.distil import Outcome, distil
from opticlir.training.losses import METHODS

__all__ = ["METHODS", "Outcome", "TrainConfig", "distil", "make_config", "read_config"]
