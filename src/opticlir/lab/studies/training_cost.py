"""How long the trainings of a study take, before anything is computed."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from opticlir.lab.studies.study_runs import StudyRun
from opticlir.lab.studies.systems import Student

_SECONDS_PER_STEP = (0.4, 1.1)
"""Of one thread with the embedded encoder: 790 to 2,113 steps in 15 minutes (docs/quality.md)."""


@dataclass(frozen=True, kw_only=True)
class TrainingCost:
    """Trainings that are missing, each counted once however many runs share it."""

    trainings: int
    steps: int
    """Of the trainings whose budget is in steps."""
    minutes: float
    """Of the trainings whose budget is in minutes."""

    def __str__(self) -> str:
        low, high = (self.steps * seconds / 3600 + self.minutes / 60 for seconds in _SECONDS_PER_STEP)
        return (
            f"{self.trainings} trainings are missing: {self.steps:,} steps and {self.minutes:g} minutes, about "
            f"{low:.1f} to {high:.1f} hours of one thread with the embedded encoder"
        )


def missing_trainings(runs: Iterable[StudyRun]) -> TrainingCost | None:
    """Sum the budgets of the students that these runs need; None without a training. Epochs are not counted."""
    configs = {
        json.dumps(run.system.content(), sort_keys=True): run.system.config
        for run in runs
        if isinstance(run.system, Student)
    }
    if not configs:
        return None
    return TrainingCost(
        trainings=len(configs),
        steps=sum(config.steps or 0 for config in configs.values()),
        minutes=sum(config.minutes or 0.0 for config in configs.values()),
    )
