"""Runs of six steps on an encoder of a few kilobytes, whole and broken off."""

import pytest

import tiny_models
from opticlir.data import PairTable
from opticlir.lab.training import LabTrainConfig, distil, make_config
from opticlir.lab.training.extension import LabExtension
from opticlir.records import SentencePair
from opticlir.storage import sha256_file
from opticlir.training.run_folder import RunFolder
from opticlir.training.teacher_cache import TeacherCache
from opticlir.training.training_data import DataSource

PAIRS = [
    SentencePair(english=english, foreign=foreign)
    for english, foreign in zip(tiny_models.ENGLISH[:8], tiny_models.SWAHILI[:8], strict=True)
]


class KilledError(Exception):
    """What a run dies of."""


def config_of(teacher, **settings) -> LabTrainConfig:
    """Six steps of four pairs, with a checkpoint after every second."""
    return make_config(
        {
            "language": "swa", "teacher": str(teacher), "vocabulary": "keep", "batch_size": 4, "epochs": 3,
            "checkpoint_steps": 2, "precision": "float32", **settings,
        },
        source="train.toml",
    )  # fmt: skip


def config_with_words(teacher, **settings) -> LabTrainConfig:
    """The same, of a student that learns words of its own."""
    words = {"n_pieces": 200, "min_piece_frequency": 2}
    return config_of(teacher, vocabulary="extend", words=words, **settings)


def weights(folder):
    """Checksums of what was learned."""
    return {path.parent.name: sha256_file(path) for path in folder.rglob("*.safetensors")}


def killed(config, folder, *, at_step=5):
    """A run that dies when it reports a step; its checkpoints stand."""

    def kill(event):
        if getattr(event, "step", None) == at_step:
            raise KilledError

    with pytest.raises(KilledError):
        distil(config, PAIRS, folder, on_event=kill)


def training_data_of(config, model, folder):
    """The training data of `PAIRS` by the laboratory's settings, `model` being student and teacher."""
    tokens = TeacherCache(folder, model).encode([pair.english for pair in PAIRS])
    source = DataSource(
        config=config, student=model, teacher=model, pairs=PairTable(PAIRS), tokens=tokens,
        run=RunFolder(folder / "model"),
    )  # fmt: skip
    return LabExtension(config).training_data(source)
