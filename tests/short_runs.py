"""Runs of six steps on an encoder of a few kilobytes, whole and broken off."""

import pytest

import tiny_models
from opticlir.records import SentencePair
from opticlir.storage import sha256_file
from opticlir.training import TrainConfig, distil, make_config

PAIRS = [
    SentencePair(english=english, foreign=foreign)
    for english, foreign in zip(tiny_models.ENGLISH[:8], tiny_models.SWAHILI[:8], strict=True)
]


class KilledError(Exception):
    """What a run dies of."""


def config_of(teacher, **settings) -> TrainConfig:
    """Six steps of four pairs, with a checkpoint after every second."""
    return make_config(
        {
            "language": "swa", "teacher": str(teacher), "vocabulary": "keep", "batch_size": 4, "epochs": 3,
            "checkpoint_steps": 2, "precision": "float32", **settings,
        },
        source="train.toml",
    )  # fmt: skip


def config_with_words(teacher, **settings) -> TrainConfig:
    """The same, of a student that learns words of its own."""
    words = {"n_pieces": 200, "min_piece_frequency": 2}
    return config_of(teacher, vocabulary="extend", words=words, **settings)


def weights(folder):
    """Checksums of what was learned."""
    return {path.parent.name: sha256_file(path) for path in folder.rglob("*.safetensors")}


def killed(config, folder, *, at_step=5):
    """A run that dies when it reports a step; its checkpoints stand."""

    def kill(event):
        if event.get("step") == at_step:
            raise KilledError

    with pytest.raises(KilledError):
        distil(config, PAIRS, folder, report=kill)
