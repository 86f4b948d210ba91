"""The number of training steps that a budget in minutes, epochs or steps allows."""

import time
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

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
    """Return the number of steps. A budget in minutes is divided by the measured time per step of each stage.

    Args:
        config: the budget and the stages.
        loss: gradients are computed and dropped, so no weight changes.
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
    """Return the mean seconds of a forward and backward pass over a few batches. No weight changes.

    Long texts take several times as long as short ones, so the timed batches are spread evenly over all lengths. The
    first batch is run twice, because the first pass is slow.

    Args:
        loss: with the student.
        data: batches.
        terms: objectives and weights.
        bfloat16: whether matrix products are in bfloat16.
    """
    device = next(loss.parameters()).device
    batches = data.sampler.spread(_TIMED_BATCHES)

    def losses() -> Iterator[Tensor]:
        for batch in [batches[0], *batches]:
            inputs = data.collator([data.rows[row] for row in batch]).to(device)
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bfloat16):
                found = loss(inputs, Moment(terms))
            yield torch.stack(list(found.values())).sum()

    loss.model.train()
    seconds = seconds_per_pass(loss, losses())
    loss.take_notes()  # no step was taken, so the log must not contain these
    return seconds


def seconds_per_pass(model: torch.nn.Module, losses: Iterable[Tensor]) -> float:
    """Return the mean seconds of a forward and backward pass, without the slow first pass if there are others.

    Args:
        model: gradients are computed and dropped.
        losses: of the passes; an iterator computes each loss when it is needed.
    """
    seconds, started = [], time.perf_counter()
    for loss in losses:
        loss.backward()  # type: ignore[no-untyped-call]
        if loss.device.type == "cuda":
            torch.cuda.synchronize(loss.device)
        ended = time.perf_counter()
        seconds.append(ended - started)
        started = ended
    model.zero_grad(set_to_none=True)
    return float(np.mean(seconds[1:] or seconds))
