"""How many steps a budget in minutes, epochs or steps buys."""

import time
from collections.abc import Sequence

import numpy as np
from accelerate.utils import send_to_device

from opticlir.training.config import TrainConfig
from opticlir.training.losses import Parts
from opticlir.training.trainer import StudentTrainer

_DEFAULT_EPOCHS = 4.0
_CALIBRATION_BATCHES = 4
_SHARE_FOR_STEPS = 0.95  # of the minutes; the rest pays for checkpoints and looks at held-out pairs


def planned_steps(config: TrainConfig, trainer: StudentTrainer, parts: Sequence[Parts]) -> int:
    """Number of steps; a budget in minutes is divided by the speed of this machine, stage by stage.

    Args:
        config: the budget and the stages.
        trainer: ready to train; its loss and gradients are used, nothing is learned.
        parts: what each stage minimises.
    """
    if config.steps is not None:
        return config.steps
    if config.minutes is None:
        epochs = _DEFAULT_EPOCHS if config.epochs is None else config.epochs
        return round(epochs * trainer.buckets.n_batches)
    per_step = 0.0
    for stage, of_stage in zip(config.schedule, parts, strict=True):
        trainer.loss.parts = dict(of_stage)
        per_step += stage.share * seconds_per_step(trainer)
    return max(1, int(config.minutes * 60 * _SHARE_FOR_STEPS / per_step))


def seconds_per_step(trainer: StudentTrainer) -> float:
    """Mean time of forward and backward passes over a few batches; nothing is learned from them.

    Batches of long texts take several times as long as those of short ones: those that are timed stand evenly
    among all by length, the first of them twice, since the first pass of all is slow.
    """
    batches = trainer.buckets.spread(_CALIBRATION_BATCHES)
    trainer.model.train()
    seconds = []
    for batch in [batches[0], *batches]:
        started = time.perf_counter()
        rows = [trainer.train_dataset[row] for row in batch]
        inputs = send_to_device(trainer.data_collator(rows), trainer.accelerator.device)
        with trainer.accelerator.autocast():  # training wraps the model in it, which is not prepared yet
            loss = trainer.compute_loss(trainer.model, inputs)
        loss.backward()
        seconds.append(time.perf_counter() - started)
    trainer.model.zero_grad(set_to_none=True)
    trainer.forget_parts()  # no step was taken: the log is not to hold these
    return float(np.mean(seconds[1:]))
