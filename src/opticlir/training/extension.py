"""What other packages may add to training: objectives, batch transforms, an adversary, trainable terms of the loss."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sentence_transformers import MultiVectorEncoder

from opticlir.data import PairTable
from opticlir.training.config import TrainConfig
from opticlir.training.losses import Adversary, ExtraTerm
from opticlir.training.objectives import PlanCounter, Registry, objectives
from opticlir.training.optimisations import used_tokens
from opticlir.training.training_data import DataSource, TrainingData, training_data


@dataclass(frozen=True, kw_only=True)
class LossParts:
    """Parts of the loss in addition to the objectives of the method."""

    adversary: Adversary | None = None
    extra_terms: Mapping[str, ExtraTerm] = field(default_factory=dict)


class Extension:
    """Additions to a training. This class is the product's own, and adds nothing."""

    def input_files(self) -> list[Path]:
        """Return the files that settings name. The record of the run has their checksums."""
        return []

    def objectives(self, config: TrainConfig, counter: PlanCounter) -> Registry:
        """Return the objectives of the schedule by name.

        Args:
            config: every setting.
            counter: counts plans that do not converge.
        """
        return objectives(
            config.transport, config.temperature, score_temperature=config.score_temperature, counter=counter
        )

    def training_data(self, source: DataSource) -> TrainingData:
        """Return rows, batches of them, and the collator with its batch transforms."""
        return training_data(source)

    def used_tokens(self, student: MultiVectorEncoder, pairs: PairTable) -> npt.NDArray[np.int64] | None:
        """Return the ids of all tokens that the student will read; None if they are not known before training.

        Args:
            student: its query tokenizer counts.
            pairs: the whole bitext.
        """
        return used_tokens(student, pairs, both_sides=False)

    def loss_parts(self, student: MultiVectorEncoder) -> LossParts:  # noqa: ARG002 - for those who have some
        """Return what is added to the loss."""
        return LossParts()

    def card_lines(self) -> list[str]:
        """Return lines on the training for the model card, in addition to the method."""
        return []
