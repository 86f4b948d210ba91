"""Where other packages plug into training: objectives, batch transforms, an adversary, terms with trainable weights."""

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
    """What the loss has besides the objectives of the method."""

    adversary: Adversary | None = None
    extra_terms: Mapping[str, ExtraTerm] = field(default_factory=dict)


class Extension:
    """What a training does besides its settings. This one is the product's: it adds nothing."""

    def input_files(self) -> list[Path]:
        """Files that settings name; their checksums belong to the record of the run."""
        return []

    def objectives(self, config: TrainConfig, counter: PlanCounter) -> Registry:
        """The objectives of the schedule by name.

        Args:
            config: every setting.
            counter: counts plans that do not converge.
        """
        return objectives(
            config.transport, config.temperature, score_temperature=config.score_temperature, counter=counter
        )

    def training_data(self, source: DataSource) -> TrainingData:
        """Rows, batches of them, and the collator with its batch transforms."""
        return training_data(source)

    def used_tokens(self, student: MultiVectorEncoder, pairs: PairTable) -> npt.NDArray[np.int64] | None:
        """Ids of all tokens that the student will read; None when they are not known beforehand.

        Args:
            student: its query tokenizer.
            pairs: the whole bitext.
        """
        return used_tokens(student, pairs, both_sides=False)

    def loss_parts(self, student: MultiVectorEncoder) -> LossParts:  # noqa: ARG002 - for those who have some
        """What is added to the loss."""
        return LossParts()

    def card_lines(self) -> list[str]:
        """What the model card says of the training besides the method."""
        return []
