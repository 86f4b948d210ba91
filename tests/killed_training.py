"""A small training of 42 steps, and a process that takes part of it and kills itself.

In a file of its own, so that a fresh process can import it.
"""

import os
import signal

import torch

import tiny_models
from opticlir.training import distil, make_config
from opticlir.training.trainer import RunCallback

STEPS, PER_EPOCH, EVERY = 42, 14, 7
"""Steps: in all, of an epoch, and between checkpoints."""
PAIRS = (tiny_models.PAIRS * 3)[: PER_EPOCH * 4 + 1]
"""By 4 to learn from, and 1 to look at."""


def config(teacher):
    """Settings of the training; with dropout, so that random states matter."""
    return make_config(
        {
            "language": "swa", "teacher": str(teacher), "batch_size": 4, "epochs": 3, "checkpoint_steps": EVERY,
            "precision": "float32", "dropout": 0.1, "held_out": 1,
            "words": {"n_pieces": 200, "min_piece_frequency": 2},
        },
        source="test",
    )  # fmt: skip


def train_until_killed(teacher, out, method, moment):
    """Train, and die by SIGKILL where `RunCallback`'s `method` has been called `moment` times."""
    torch.set_num_threads(1)
    usual, calls = getattr(RunCallback, method), []

    def dies(self, *arguments, **named):
        calls.append(1)
        if len(calls) == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        return usual(self, *arguments, **named)

    setattr(RunCallback, method, dies)
    distil(config(teacher), PAIRS, out)
