"""A forest plot: one line per difference with its interval, and a vertical line at 0."""

from collections.abc import Sequence
from dataclasses import dataclass

from opticlir.pictures.figures import Image, drawing, render
from opticlir.pictures.palette import colour_of

_LINE_INCHES = 0.21


@dataclass(frozen=True, kw_only=True)
class ForestLine:
    """One difference."""

    group: str
    """Lines of one group are drawn together under its name."""
    name: str
    difference: float
    low: float
    high: float
    is_significant: bool
    """Whether the mark is filled."""


def forest_picture(lines: Sequence[ForestLine], measure: str) -> Image:
    """Draw differences from a baseline.

    Args:
        lines: at least one, the first on top. Groups are in the order of their first line.
        measure: what differs; the name of the axis.

    Raises:
        SetupError: matplotlib is not installed.
    """
    groups = list(dict.fromkeys(line.group for line in lines))
    names = list(dict.fromkeys(line.name for line in lines))
    with drawing("".join([*groups, *names, measure])):
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra

        n_rows = len(lines) + 1.6 * len(groups)
        figure = Figure(figsize=(8.0, 0.8 + _LINE_INCHES * n_rows), layout="constrained")
        axes = figure.subplots()
        axes.axvline(0, color="#57606a", linewidth=0.9)
        places, labels, at = [], [], 0.0
        for group in groups:
            at -= 1.3
            axes.annotate(
                group, (0, at), xycoords=("axes fraction", "data"), xytext=(-6, 0),
                textcoords="offset points", ha="right", va="center", fontsize=9.5, fontweight="bold",
            )  # fmt: skip
            for line in (each for each in lines if each.group == group):
                at -= 1.0
                colour = colour_of(names.index(line.name))
                axes.plot([line.low, line.high], [at, at], color=colour, linewidth=1.6)
                face = colour if line.is_significant else "white"
                axes.plot(line.difference, at, "o", color=colour, markerfacecolor=face, markersize=5.5)
                places.append(at)
                labels.append(line.name)
            at -= 0.3
        axes.set_yticks(places, labels, fontsize=9)
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(at - 0.4, -0.4)
        axes.set_xlabel(measure)
        axes.grid(axis="x", color="#e3e7ec", linewidth=0.7)
        axes.set_axisbelow(True)
        axes.spines["left"].set_visible(False)
        return render(figure, "svg")
