"""Training curves: each term of the loss, and how well held-out translations are found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opticlir.errors import DataError
from opticlir.pictures.line_chart import LineChart

Points = tuple[list[int], list[float]]


@dataclass(frozen=True, slots=True)
class TrainingCurves:
    """What the log of one run records, by step."""

    losses: dict[str, Points]
    """Steps and values of each term of the loss."""
    held_out: Points
    """Steps and mean reciprocal ranks of the right translation among the held-out pairs."""

    @classmethod
    def from_log(cls, lines: Sequence[Mapping[str, Any]], parts: Sequence[str]) -> "TrainingCurves":
        """Read the lines of a run's `log.jsonl`.

        Args:
            lines: the log, in order.
            parts: names of the loss terms.

        Raises:
            DataError: a line has no step.
        """
        if any("step" not in line for line in lines):
            raise DataError("a line of the training log has no step: log.jsonl is not from opticlir")
        evaluations = [(line["step"], line["validation"]["RR"]) for line in lines if "validation" in line]
        return cls(
            losses={
                part: _points([(line["step"], line[part]) for line in lines if part in line])
                for part in parts
            },
            held_out=_points(evaluations),
        )


def curve_charts(runs: Mapping[str, TrainingCurves]) -> tuple[LineChart, LineChart]:
    """Return the charts of several runs: the loss, and the reciprocal rank of held-out translations.

    Args:
        runs: curves by name of the run. A run with several loss terms has a line for each.
    """
    losses = {
        name if len(curves.losses) == 1 else f"{name}: {term}": points
        for name, curves in runs.items()
        for term, points in curves.losses.items()
    }
    held_out = {name: curves.held_out for name, curves in runs.items()}
    return LineChart("Training loss", losses), LineChart("Held-out translations (RR)", held_out, top=1.0)


def _points(pairs: list[tuple[int, float]]) -> Points:
    return [step for step, _ in pairs], [value for _, value in pairs]
