"""A measure against the size of models: a line per family of models, with intervals."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from opticlir.pictures.figures import Image, drawing, render
from opticlir.pictures.palette import colour_of, mark_of

_RIGHT_OF = 1.35  # the scale ends so far beyond the largest model


class SizedPoint(NamedTuple):
    """A value with its interval."""

    size: float
    value: float
    low: float
    high: float


def shown_size(parameters: float) -> str:
    """Return a number of parameters as people say it.

    Example:
        >>> shown_size(8.01e7), shown_size(1.72e9), shown_size(1.399e10)
        ('80M', '1.7B', '14B')
    """
    unit, sign = (1e9, "B") if parameters >= 1e9 else (1e6, "M")
    return f"{parameters / unit:.{int(unit == 1e9 and parameters < 1e10)}f}".removesuffix(".0") + sign


def lines_by_size(
    panels: Mapping[str, Mapping[str, Sequence[SizedPoint]]],
    axes_names: tuple[str, str],
    kind: Literal["png", "svg"] = "svg",
) -> Image:
    """Draw a panel per task, with a line per family on a logarithmic scale of sizes.

    Args:
        panels: points by name of the family, by title of the panel; at least one point, sizes above 0.
        axes_names: names of the x and the y axis.
        kind: format of the image; pages take `svg`.

    Raises:
        SetupError: matplotlib is not installed.
    """
    names = list(dict.fromkeys(name for panel in panels.values() for name in panel))
    sizes = [point.size for panel in panels.values() for points in panel.values() for point in points]
    with drawing("".join([*panels, *names, *axes_names])):
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra
        from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator  # noqa: PLC0415 - an extra

        figure = Figure(figsize=(1.0 + 4.0 * len(panels), 4.4), layout="constrained")
        grid = figure.subplots(1, len(panels), sharey=True, squeeze=False).ravel()
        for axes, (title, panel) in zip(grid, panels.items(), strict=True):
            axes.set_xscale("log")
            for name, points in panel.items():
                number = names.index(name)
                values = [point.value for point in points]
                reach = [
                    [point.value - point.low for point in points],
                    [point.high - point.value for point in points],
                ]
                axes.errorbar(
                    [point.size for point in points], values, yerr=reach, marker=mark_of(number), markersize=6,
                    color=colour_of(number), elinewidth=0.8, capsize=2, label=name,
                )  # fmt: skip
            axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
            axes.xaxis.set_minor_locator(NullLocator())
            axes.xaxis.set_major_formatter(FuncFormatter(lambda size, _: shown_size(size)))
            axes.set_xlim(min(sizes) / _RIGHT_OF, _RIGHT_OF * max(sizes))
            axes.set_title(title, fontsize=10, loc="left")
            axes.set_xlabel(axes_names[0])
            axes.grid(color="#e3e7ec", linewidth=0.7)
            axes.set_axisbelow(True)
        grid[0].set_ylabel(axes_names[1])
        grid[0].set_ylim(bottom=0)  # shared: set when every panel is drawn
        lines = {str(each.get_label()): each for axes in grid for each in axes.containers}
        figure.legend(
            [lines[name] for name in names],
            names,
            loc="outside lower center",
            frameon=False,
            fontsize=9,
            ncols=3,
        )
        return render(figure, kind)
