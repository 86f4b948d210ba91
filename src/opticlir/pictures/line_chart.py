"""Line charts as SVG in a page. They follow its light or dark colours and need no library."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from opticlir.data.markup import escaped

Points = tuple[Sequence[float | int], Sequence[float | int]]
"""x values and y values."""

_WIDTH, _HEIGHT = 440, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 10, 34  # margins for ticks and the name of the x axis
_N_COLOURS = 6  # in the style sheet of the page
_N_TICKS = 5


@dataclass(frozen=True, slots=True)
class LineChart:
    """Lines over steps or layers; the y axis begins at 0. Values that are not finite are left out."""

    title: str
    lines: Mapping[str, Points]
    """Points by name of the line."""
    top: float | None = None
    """Upper end of the y axis; None takes the largest value."""
    across: str = "step"
    """Name of the x axis."""

    def html(self) -> str:
        """Return a `figure` with its legend, in the colours of the page."""
        finite = {name: _finite(points) for name, points in self.lines.items()}
        drawn = {name: points for name, points in finite.items() if points}
        keys = "\n".join(
            f'<span class="key line{number % _N_COLOURS}">{escaped(name)} {points[-1][1]:.4g}</span>'
            for number, (name, points) in enumerate(drawn.items())
        )
        return (
            f'<figure class="chart"><figcaption><b>{escaped(self.title)}</b> {keys}</figcaption>\n'
            f"{self._svg(list(drawn.values()))}</figure>"
        )

    def _svg(self, lines: list[list[tuple[float, float]]]) -> str:
        everywhere = [point for points in lines for point in points]
        most_x = max((x for x, _ in everywhere), default=0.0) or 1.0
        least_y = min((0.0, *(y for _, y in everywhere)))
        most_y = self.top or max((0.0, *(y for _, y in everywhere))) or 1.0

        def place(x: float, y: float) -> tuple[float, float]:
            return (
                _LEFT + x / most_x * (_WIDTH - _LEFT - _RIGHT),
                _HEIGHT - _BOTTOM - (y - least_y) / (most_y - least_y) * (_HEIGHT - _TOP - _BOTTOM),
            )

        marks = [_horizontal(place(0.0, tick)[1], tick) for tick in _ticks(least_y, most_y)]
        marks += [_below(place(tick, 0.0)[0], tick) for tick in _ticks(0.0, most_x) if tick == round(tick)]
        marks.append(
            f'<text class="across" x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 2}">{escaped(self.across)}</text>'
        )
        marks += [_line(number, [place(*point) for point in points]) for number, points in enumerate(lines)]
        return (
            f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escaped(self.title)}">'
            f"{''.join(marks)}</svg>"
        )


def _finite(points: Points) -> list[tuple[float, float]]:
    return [
        (float(x), float(y)) for x, y in zip(*points, strict=True) if math.isfinite(x) and math.isfinite(y)
    ]


def _ticks(low: float, high: float) -> list[float]:
    """About five round numbers from `low` to `high`."""
    wanted = (high - low) / _N_TICKS
    power = 10.0 ** math.floor(math.log10(wanted))
    step = next(round_number * power for round_number in (1, 2, 5, 10) if round_number * power >= wanted)
    first, last = math.ceil(low / step), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def _horizontal(y: float, tick: float) -> str:
    return (
        f'<path class="rule" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>'
        f'<text class="up" x="{_LEFT - 6}" y="{y + 4:.1f}">{tick:.4g}</text>'
    )


def _below(x: float, tick: float) -> str:
    return f'<text class="under" x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 16}">{tick:.0f}</text>'


def _line(number: int, places: list[tuple[float, float]]) -> str:
    kind = f"line{number % _N_COLOURS}"
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    x, y = places[-1]
    return (
        f'<polyline class="{kind}" points="{path}"/><circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
    )
