"""Which objectives a step minimises. Only the stages and the number of planned steps decide it."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from opticlir.training.losses import LossTerms, Moment
from opticlir.training.methods import Stage, first_steps
from opticlir.training.objectives import Registry


@dataclass(frozen=True)
class Schedule:
    """The stages of a training over its steps."""

    stages: Sequence[Stage]
    terms: Sequence[LossTerms]
    """Objectives and weights of each stage."""
    steps: int
    """Planned steps of the training."""

    def at(self, step: int) -> Moment:
        """Return what to minimise after `step` steps."""
        ends = [*first_steps(self.stages, self.steps), self.steps]
        stage = bisect_right(ends[:-1], step) - 1
        first, end = ends[stage : stage + 2]
        return Moment(self.terms[stage], step / self.steps, (step - first) / (end - first))

    def begins_stage(self, step: int) -> bool:
        """Whether a stage begins after `step` steps."""
        return step in first_steps(self.stages, self.steps)


def terms_of(stages: Sequence[Stage], objectives: Registry) -> list[LossTerms]:
    """Return objectives and weights of each stage.

    Args:
        stages: in their order.
        objectives: by name, all that the stages name.
    """
    return [{name: (objectives[name], weight) for name, weight in stage.weights.items()} for stage in stages]
