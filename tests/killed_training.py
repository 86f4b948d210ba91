"""Trainings that die: by an exception that nothing catches, or, in a process of their own, by SIGKILL.

In a file of its own, so that a fresh process can import it.
"""

import os
import signal
from contextlib import contextmanager

import torch

import tiny_models
from opticlir.lab.training import distil, make_config
from opticlir.training.trainer import RunCallback

STEPS, PER_EPOCH, EVERY = 42, 14, 7
"""Steps of the training below: in all, of an epoch, and between checkpoints."""
PAIRS = (tiny_models.PAIRS * 3)[: PER_EPOCH * 4 + 1]
"""By 4 to learn from, and 1 to evaluate on."""


class PowerCut(BaseException):
    """No handler of the program catches it."""


@contextmanager
def power_cut_before(step):
    """Cut the power when all steps up to `step` are taken, and their checkpoints written."""
    usual = RunCallback.on_step_begin

    def begin(self, arguments, state, control, **others):
        if state.global_step == step:
            raise PowerCut
        return usual(self, arguments, state, control, **others)

    RunCallback.on_step_begin = begin
    try:
        yield
    finally:
        RunCallback.on_step_begin = usual


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
