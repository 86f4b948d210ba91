"""Training as it went: each part of the loss, and how well held-out translations are found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from opticlir.errors import DataError
from opticlir.pictures.figures import Image, drawing, render
from opticlir.pictures.palette import colour_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DASHES = ("-", "--", ":", "-.")

Points = tuple[list[int], list[float]]


@dataclass(frozen=True, slots=True)
class TrainingCurves:
    """What the log of one run says, by step."""

    losses: dict[str, Points]
    """Steps and values of each part of the loss."""
    held_out: Points
    """Steps and mean reciprocal ranks of the right translation among the held-out pairs."""

    @classmethod
    def from_log(cls, lines: Sequence[Mapping[str, Any]], parts: Sequence[str]) -> "TrainingCurves":
        """Read the lines of a run's `log.jsonl`.

        Args:
            lines: the log, in order.
            parts: names of the parts of the loss.

        Raises:
            DataError: a line has no step.
        """
        if any("step" not in line for line in lines):
            raise DataError("a line of the training log has no step: log.jsonl is not one of ours")
        looks = [(line["step"], line["validation"]["RR"]) for line in lines if "validation" in line]
        return cls(
            losses={
                part: _points([(line["step"], line[part]) for line in lines if part in line])
                for part in parts
            },
            held_out=_points(looks),
        )


def curves_picture(runs: Mapping[str, TrainingCurves], kind: Literal["png", "svg"] = "svg") -> Image:
    """Draw the curves of several runs side by side: loss on the left, held-out measure on the right.

    Args:
        runs: curves by name; each run has a colour, each part of the loss a dash.
        kind: `svg` for pages, `png` for the rest.

    Raises:
        SetupError: matplotlib is not installed.
    """
    with drawing("".join(runs)):
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra

        figure = Figure(figsize=(9.5, 3.3), layout="constrained")
        loss_axes, held_out_axes = figure.subplots(1, 2)
        for number, (name, curves) in enumerate(runs.items()):
            colour = colour_of(number)
            for dash, (part, points) in enumerate(curves.losses.items()):
                label = name if len(curves.losses) == 1 else f"{name}: {part}"
                loss_axes.plot(*points, color=colour, linestyle=_DASHES[dash % len(_DASHES)], label=label)
            held_out_axes.plot(*curves.held_out, color=colour, marker="o", markersize=4, label=name)
        parts = dict.fromkeys(part for curves in runs.values() for part in curves.losses)
        loss_axes.set_ylim(bottom=0)
        held_out_axes.set_ylim(0, 1.04)
        _finish(loss_axes, f"training loss ({' and '.join(parts)})" if parts else "training loss")
        _finish(held_out_axes, "reciprocal rank of held-out translations")
        return render(figure, kind)


def _points(pairs: list[tuple[int, float]]) -> Points:
    return [step for step, _ in pairs], [value for _, value in pairs]


def _finish(axes: "Axes", title: str) -> None:
    axes.set_title(title, fontsize=11, loc="left")
    axes.set_xlabel("step")
    axes.locator_params(axis="x", integer=True)
    axes.grid(color="#e3e7ec", linewidth=0.7)
    axes.set_axisbelow(True)
    if axes.lines:
        axes.legend(frameon=False, fontsize=9)
