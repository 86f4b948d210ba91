"""An alignment as a PNG picture, for example for a paper."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from opticlir.pictures.alignment import TokenAlignment
from opticlir.pictures.figures import Image, drawing, render

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CELL = 0.46  # inches, with a number in it
_SMALLEST_CELL = 0.12  # inches, for long texts: labels of 6 points
_LONGEST_SIDE = 14.0  # inches; longer pictures have smaller cells
_NUMBERED_CELL = 0.3  # inches; smaller cells have no number
_FAINTEST = 0.05  # smaller shares get no number


def alignment_png(alignment: TokenAlignment) -> Image:
    """Draw an alignment as a heat map: foreign tokens down, English tokens across.

    A token with a letter that no installed font has is shown as a number. The caption explains it.

    Raises:
        SetupError: matplotlib is not installed.
    """
    with drawing("".join((*alignment.foreign, *alignment.english))) as missing:
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra

        n_rows, n_columns = alignment.plan.shape
        cell = min(_CELL, max(_SMALLEST_CELL, _LONGEST_SIDE / max(n_rows, n_columns)))
        has_numbers = cell > _NUMBERED_CELL
        figure = Figure(figsize=(n_columns * cell, n_rows * cell))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.imshow(alignment.shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        size = min(10.0, 0.7 * 72 * cell)
        axes.xaxis.tick_top()
        slant = {"rotation": 45, "ha": "left", "rotation_mode": "anchor"} if has_numbers else {"rotation": 90}
        axes.set_xticks(range(n_columns), _labels(alignment.english, missing), fontsize=size, **slant)
        axes.set_yticks(range(n_rows), _labels(alignment.foreign, missing), fontsize=size)
        _rule(axes, n_rows, n_columns)
        if has_numbers:
            _write_numbers(axes, alignment.shares)
        axes.annotate(
            _caption(alignment, missing), (0, 0), (0, -8), "axes fraction", "offset points",
            va="top", fontsize=8, color="#444444", annotation_clip=False,
        )  # fmt: skip
        return render(figure, "png")


def _labels(tokens: tuple[str, ...], missing: str) -> list[str]:
    return [
        f"[{number}]" if set(token) & set(missing) else token for number, token in enumerate(tokens, start=1)
    ]


def _rule(axes: "Axes", n_rows: int, n_columns: int) -> None:
    """Draw thin lines between the cells, which connect a label with its row or column."""
    axes.set_xticks(np.arange(n_columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(n_rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="#d5dae1", linewidth=0.6)
    axes.tick_params(which="both", length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _write_numbers(axes: "Axes", shares: Float[np.ndarray, "m n"]) -> None:
    for row, column in np.argwhere(shares >= _FAINTEST):
        share = shares[row, column]
        axes.text(
            column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=8,
            color="white" if share > 0.6 else "black",
        )  # fmt: skip


def _caption(alignment: TokenAlignment, missing: str) -> str:
    lines = [alignment.legend]
    if missing:
        lines.append(
            "[n] is the n-th token, whose letters no installed font has; the HTML picture shows them"
        )
    return "\n".join(lines)
