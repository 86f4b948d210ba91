"""What a training reports while it runs, for progress bars, TensorBoard and the training report."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from opticlir.records import CutSentences


@dataclass(frozen=True, slots=True)
class StageStarted:
    """A new part of the work begins."""

    name: str


@dataclass(frozen=True, slots=True)
class DiskNeeded:
    """Teacher vectors are about to be written."""

    folder: Path
    needed: int
    """Bytes to write."""
    free: int
    """Bytes free on the disk."""


@dataclass(frozen=True, slots=True)
class WorkDone:
    """Progress of work other than training steps."""

    name: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class SentencesCounted:
    """The lengths of all sentences were compared with what the encoders read."""

    cut: CutSentences


@dataclass(frozen=True, slots=True)
class StepsDone:
    """Some training steps were taken; sent whenever they are logged."""

    step: int
    steps: int
    """Planned steps."""
    values: Mapping[str, float]
    """`loss`, each of its terms, `grad_norm`, `learning_rate`, and values that are only logged."""
    pairs_per_second: float
    tokens_per_second: float
    seconds_left: float


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The student was measured on the held-out pairs."""

    step: int
    measures: Mapping[str, float]


TrainingEvent: TypeAlias = StageStarted | DiskNeeded | WorkDone | SentencesCounted | StepsDone | Evaluated
OnEvent: TypeAlias = Callable[[TrainingEvent], None]


def silent(event: TrainingEvent) -> None:
    """Ignore an event."""
