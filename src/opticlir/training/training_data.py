"""Training data: bitext and the teacher's vectors as batches."""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from datasets import Dataset
from sentence_transformers import MultiVectorEncoder

from opticlir.data import PairTable
from opticlir.encoder import transformer_of
from opticlir.errors import DataError
from opticlir.training.batches import BitextCollator, LengthBuckets, n_tokens
from opticlir.training.config import TrainConfig
from opticlir.training.processes import processes
from opticlir.training.run_folder import RunFolder
from opticlir.training.teacher_cache import TeacherTokens

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """The sources of training data."""

    config: TrainConfig
    student: MultiVectorEncoder
    """Its tokenizer reads the foreign side."""
    teacher: MultiVectorEncoder
    pairs: PairTable
    """Pairs to train on."""
    tokens: TeacherTokens
    """The teacher's vectors of the English sides, in the same order."""
    run: RunFolder
    """The folder for files that the training writes."""

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(pairs,) int64, tokens of each foreign side."""
        return n_tokens(transformer_of(self.student, "query").tokenizer, self.pairs.foreign)


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Everything that the trainer needs to make batches."""

    rows: Dataset
    collator: BitextCollator
    sampler: LengthBuckets


def training_data(source: DataSource) -> TrainingData:
    """Return rows, batches of them, and the collator that turns a batch into tensors.

    Raises:
        DataError: no pair has words on both sides, or a batch has fewer pairs than there are processes.
    """
    lengths = source.lengths
    return TrainingData(
        rows=numbered_rows(len(source.pairs)),
        collator=BitextCollator(
            preprocess_fn=source.student.preprocess, texts=source.pairs.foreign, teacher_tokens=source.tokens,
            prompt=source.student.prompts.get("query"),
        ),
        sampler=LengthBuckets(
            lengths, drawn_weights(source.pairs, (lengths > 0) & (source.tokens.lengths > 0)), **batching(source.config)
        ),
    )  # fmt: skip


def numbered_rows(count: int) -> Dataset:
    """Return rows that contain their own number."""
    return Dataset.from_dict({"pair": np.arange(count)})


def batching(config: TrainConfig) -> dict[str, Any]:
    """Return the arguments of `LengthBuckets` that settings decide."""
    return {
        "batch_size": config.batch_size, "seed": config.seed, "n_processes": processes().num_processes,
        "n_runs": config.optimisations.length_runs,
    }  # fmt: skip


def drawn_weights(pairs: PairTable, has_words: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Return (pairs,) float64: how often each pair is drawn; 0 if an encoder finds no token on one side.

    Args:
        pairs: with their weights.
        has_words: (pairs,) bool, whether both sides have a token.

    Raises:
        DataError: no pair has words on both sides.
    """
    if not has_words.any():
        raise DataError("no sentence pair has a word on both sides that the encoders can read")
    if not has_words.all():
        logger.warning("%d sentence pairs have a side without words: left out", (~has_words).sum())
    return np.where(has_words, pairs.weights, 0.0)
