"""What changes over a training, told how much of it is done."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments


@runtime_checkable
class Progressing(Protocol):
    """What does its work otherwise at the end than at the beginning."""

    share_done: float
    """Of the steps of the training, how many were taken, from 0 to 1."""


class ProgressCallback(TrainerCallback):
    """Tells how much of the training is done; a resumed run needs no memory of it.

    Args:
        watchers: who is told, before each step.
    """

    def __init__(self, watchers: Sequence[Progressing]) -> None:
        self._watchers = watchers

    def on_step_begin(
        self,
        args: TrainingArguments,  # noqa: ARG002 - the signature is the trainer's
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        **_: Any,
    ) -> None:
        """Set the share of the steps done for the step to come."""
        for watcher in self._watchers:
            watcher.share_done = state.global_step / state.max_steps
