"""The result of a training, as it ends or from its record."""

from dataclasses import dataclass

from opticlir.errors import ArtefactError
from opticlir.settings import with_defaults
from opticlir.training.config import TrainConfig
from opticlir.training.patience import best_step, scheduled
from opticlir.training.run_folder import RunFolder


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result of a run."""

    steps: int
    """Steps the budget bought."""
    initial: dict[str, float]
    """Held-out measures before the first step; empty when no pair is held out."""
    trained: dict[str, float]
    """The same for the saved model."""
    saved_step: int
    """The step whose weights were saved: the last, or with `patience` the one with the best evaluation."""
    is_finished: bool
    """False when SIGTERM stopped the run: call again to resume."""


def outcome_of(run: RunFolder, steps: int, *, is_finished: bool) -> Outcome:
    """Read the measures of a run and put its outcome together.

    Args:
        run: the record.
        steps: that the budget bought.
        is_finished: whether the model is saved; else the newest measures count.
    """
    evaluations = run.evaluations()
    saved = saved_step(run, steps)
    newest = evaluations[max(evaluations)] if evaluations else {}
    return Outcome(
        steps=steps,
        initial=evaluations.get(0, {}),
        trained=evaluations.get(saved, {}) if is_finished else newest,
        saved_step=saved,
        is_finished=is_finished,
    )


def recorded_outcome(run: RunFolder) -> Outcome:
    """The outcome of a finished run.

    Args:
        run: the record, of `opticlir train` or of the laboratory.

    Raises:
        ArtefactError: the record is missing, damaged, or one of a run that has not ended.
    """

    def again() -> int:
        raise ArtefactError(f"{run.folder / 'plan.json'} is missing: remove {run.out} and train again")

    if not run.is_finished:
        raise ArtefactError(
            f"{run.out}: its training is not finished; train again with the same settings to resume it"
        )
    return outcome_of(run, run.plan(again), is_finished=True)


def saved_step(run: RunFolder, steps: int) -> int:
    """The step whose weights are saved: the last, or with patience the one with the best evaluation.

    Args:
        run: the record.
        steps: that the budget bought.
    """
    settings = with_defaults(TrainConfig, run.settings())
    evaluations = scheduled(run.evaluations(), every=settings["checkpoint_steps"], last=steps)
    return best_step(evaluations) if settings["patience"] and evaluations else steps
