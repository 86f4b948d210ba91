"""Training in the laboratory: adversaries, mixed batches, guided plans and more, in addition to `opticlir.training`."""

from opticlir.lab.training.config import LabTrainConfig, make_config
from opticlir.lab.training.distil import distil

__all__ = ["LabTrainConfig", "distil", "make_config"]
