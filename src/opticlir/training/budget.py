"""How many steps a budget in minutes, epochs or steps buys."""

import time
from collections.abc import Sequence

import numpy as np
import torch

from opticlir.training.config import TrainConfig
from opticlir.training.losses import DistillationLoss, LossTerms, Moment
from opticlir.training.training_data import TrainingData

DEFAULT_EPOCHS = 4.0
_TIMED_BATCHES = 4
_SHARE_FOR_STEPS = 0.95  # of the minutes; the rest pays for checkpoints and evaluations


def planned_steps(
    config: TrainConfig,
    loss: DistillationLoss,
    data: TrainingData,
    terms: Sequence[LossTerms],
    *,
    bfloat16: bool,
) -> int:
    """Number of steps; a budget in minutes is divided by the measured speed of each stage.

    Args:
        config: the budget and the stages.
        loss: its gradients are computed and dropped; nothing is learned.
        data: batches to time.
        terms: objectives and weights of each stage.
        bfloat16: whether matrix products are in bfloat16.
    """
    if config.steps is not None:
        return config.steps
    if config.minutes is None:
        epochs = DEFAULT_EPOCHS if config.epochs is None else config.epochs
        return round(epochs * data.sampler.n_batches)
    per_step = sum(
        stage.share * seconds_per_step(loss, data, of_stage, bfloat16=bfloat16)
        for stage, of_stage in zip(config.schedule, terms, strict=True)
    )
    return max(1, int(config.minutes * 60 * _SHARE_FOR_STEPS / per_step))


def seconds_per_step(
    loss: DistillationLoss, data: TrainingData, terms: LossTerms, *, bfloat16: bool
) -> float:
    """Mean seconds of a forward and backward pass over a few batches; nothing is learned from them.

    Long texts take several times as long as short ones: the timed batches are spread evenly over all lengths. The
    first is run twice, since the very first pass is slow.

    Args:
        loss: with the student.
        data: batches.
        terms: objectives and weights.
        bfloat16: whether matrix products are in bfloat16.
    """
    device = next(loss.parameters()).device
    batches = data.sampler.spread(_TIMED_BATCHES)
    loss.model.train()
    seconds = []
    for batch in [batches[0], *batches]:
        started = time.perf_counter()
        inputs = data.collator([data.rows[row] for row in batch]).to(device)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bfloat16):
            losses = loss(inputs, Moment(terms))
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - started)
    loss.zero_grad(set_to_none=True)
    loss.take_notes()  # no step was taken: the log is not to hold these
    return float(np.mean(seconds[1:]))
