"""What a model says about itself: its languages, and how it was trained and measured."""

from dataclasses import dataclass
from typing import Any

from opticlir.errors import ArtefactError
from opticlir.service.models import ServedModel
from opticlir.training.run_folder import RunFolder


@dataclass(frozen=True, slots=True)
class Measured:
    """A measure on the held-out pairs, before the first training step and after the last."""

    before: float
    after: float


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Facts about a model, from its own record. Those that it does not record are None."""

    name: str
    codes: tuple[str, ...]
    """ISO 639-3 codes of its languages."""
    teacher: str | None = None
    method: str | None = None
    held_out: int | None = None
    """Sentence pairs that were held out, at most."""
    recall: Measured | None = None
    """Share of held-out questions whose translation is ranked first: recall at rank 1."""
    reciprocal_rank: Measured | None = None


def model_facts(model: ServedModel) -> ModelFacts:
    """Read the record of a model, where it has one."""
    run = RunFolder(model.folder)
    try:
        settings: dict[str, Any] = run.settings()
        measured = list(run.evaluations().values())
    except (ArtefactError, OSError, ValueError):
        return ModelFacts(model.name, model.codes)
    return ModelFacts(
        name=model.name,
        codes=model.codes,
        teacher=settings.get("teacher"),
        method=settings.get("method"),
        held_out=settings.get("held_out"),
        recall=_measured(measured, "accuracy"),
        reciprocal_rank=_measured(measured, "RR"),
    )


def _measured(evaluations: list[dict[str, float]], name: str) -> Measured | None:
    if not evaluations or name not in evaluations[-1]:
        return None
    return Measured(evaluations[0][name], evaluations[-1][name])
