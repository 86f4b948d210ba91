"""How a measure declines as query noise grows: one panel for each kind of noise."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from opticlir.pictures.figures import Image, drawing, render
from opticlir.pictures.palette import colour_of, mark_of

Decline: TypeAlias = Mapping[str, list[tuple[float, float]]]
"""Points (share changed, measure) by system, in order; a share of 0 is no noise."""

_IN_A_ROW = 3


def decline_picture(
    panels: Mapping[str, Decline], measure: str, kind: Literal["png", "svg"] = "svg"
) -> Image:
    """Draw the curves of several systems, a panel for each kind of noise.

    Args:
        panels: curves by kind of noise, at least one.
        measure: name of the measure.
        kind: format of the image; pages take `svg`.

    Raises:
        SetupError: matplotlib is not installed.
    """
    names = list(dict.fromkeys(name for panel in panels.values() for name in panel))
    with drawing("".join([*panels, *names, measure])):
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra

        n_columns = min(_IN_A_ROW, len(panels))
        n_rows = -(-len(panels) // n_columns)
        figure = Figure(figsize=(1.6 + 2.7 * n_columns, 0.5 + 2.6 * n_rows), layout="constrained")
        grid = figure.subplots(n_rows, n_columns, sharey=True, squeeze=False).ravel()
        for axes, (title, panel) in zip(grid, panels.items(), strict=False):
            for name, points in panel.items():
                number = names.index(name)
                axes.plot(
                    [100 * share for share, _ in points], [value for _, value in points], marker=mark_of(number),
                    color=colour_of(number), markersize=5, label=name,
                )  # fmt: skip
            axes.set_title(title, fontsize=10, loc="left")
            axes.set_xlabel("% changed")
            axes.grid(color="#e3e7ec", linewidth=0.7)
            axes.set_axisbelow(True)
        for axes in grid[len(panels) :]:
            axes.set_visible(False)
        for axes in grid[::n_columns]:
            axes.set_ylabel(measure)
        lines = {str(line.get_label()): line for axes in grid for line in axes.get_lines()}
        figure.legend(
            [lines[name] for name in names], names, loc="outside right upper", frameon=False, fontsize=9
        )
        return render(figure, kind)
