"""A scatter plot of two measures, with a colour and a mark for each system."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opticlir.pictures.figures import Image, drawing, render
from opticlir.pictures.palette import colour_of, mark_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, kw_only=True)
class Point:
    """One thing that was measured twice."""

    x: float
    y: float
    name: str
    """Name in the legend; it decides colour and mark."""
    label: str = ""
    """Written next to the point."""


def scatter_picture(
    points: Sequence[Point],
    axes_names: tuple[str, str],
    *,
    is_log_x: bool = False,
) -> Image:
    """Draw points.

    Args:
        points: at least one.
        axes_names: names of the x and the y axis.
        is_log_x: whether the x axis is logarithmic; all x must then be above 0.

    Raises:
        SetupError: matplotlib is not installed.
    """
    names = list(dict.fromkeys(point.name for point in points))
    with drawing("".join([*names, *axes_names, *(point.label for point in points)])):
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra

        figure = Figure(figsize=(8.0, 4.4), layout="constrained")
        axes = figure.subplots()
        for number, name in enumerate(names):
            own = [point for point in points if point.name == name]
            axes.plot(
                [point.x for point in own], [point.y for point in own], mark_of(number),
                color=colour_of(number), markersize=7, label=name,
            )  # fmt: skip
        for point in points:
            axes.annotate(
                point.label, (point.x, point.y), xytext=(6, 4), textcoords="offset points", fontsize=8.5
            )
        axes.margins(0.12)
        if is_log_x:
            _count_in_powers(axes, [point.x for point in points])
        axes.set_xlabel(axes_names[0])
        axes.set_ylabel(axes_names[1])
        axes.grid(color="#e3e7ec", linewidth=0.7)
        axes.set_axisbelow(True)
        figure.legend(loc="outside right upper", frameon=False, fontsize=9)
        return render(figure, "svg")


def _count_in_powers(axes: "Axes", values: Sequence[float]) -> None:
    """Make the x axis logarithmic, with ticks at 1, 2 and 5 of each power, such as `50k`. It has at least two."""
    from matplotlib.ticker import EngFormatter, LogLocator, NullLocator  # noqa: PLC0415 - an extra

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_xlim(min(values) / 2, 2 * max(values))
