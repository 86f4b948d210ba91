"""How does the time of transport grow with tokens and with the batch?

    taskset -c 0 python benchmarks/transport_growth.py --picture docs/pictures/transport_growth.png

One thread, medians of 5. An exponent is the slope of the logarithm of time over that of size, by least squares.

2026-11-21, 58c37e4, one of two AMD EPYC cores (AVX-512) with other work beside it (load 8). From 64 tokens on time
grows like n to the power 1.63 (sinkhorn, which settles after 15 iterations at 256), 2.16 (proximal point), 1.82
(exact); from 256 problems on like the batch to the power 1.10, 1.04, 1.07. 65,536 problems of 32 x 32 take 457, 824 and
410 ms.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from measuring import environment, print_answer, print_table, race
from synthetic_problems import even, random_costs

from opticlir.pictures.figures import drawing, render
from opticlir.transport import exact, proximal_point, sinkhorn

TOKENS = (8, 16, 32, 64, 128, 256)
BATCHES = tuple(4**power for power in range(9))
MATRIX_ENTRIES = 2**18
"""Of all problems of a batch together, where tokens grow: 1 MiB."""

Solver = Callable[[torch.Tensor, torch.Tensor], Any]
SOLVERS: dict[str, Solver] = {
    "sinkhorn, up to 50 iterations": lambda cost, mass: sinkhorn(
        cost, mass, mass, epsilon=0.02, max_iterations=50, tolerance=0.0
    ),
    "proximal point, 50 steps": lambda cost, mass: proximal_point(cost, mass, mass),
    "exact": lambda cost, mass: exact(cost, mass, mass),
}


@dataclass(frozen=True)
class Curve:
    """Seconds at each size."""

    sizes: Sequence[int]
    seconds: Sequence[float]

    def exponent(self, *, first: int) -> float:
        """Of growth, from the size numbered `first` on: below it, what a call costs in any case."""
        logarithms = np.log(self.sizes[first:]), np.log(self.seconds[first:])
        return float(np.polyfit(*logarithms, 1)[0])


def over_tokens(tokens: Sequence[int], *, repeats: int) -> dict[str, Curve]:
    """Seconds per problem of m = n tokens, by solver."""
    seconds: dict[str, list[float]] = {name: [] for name in SOLVERS}
    for n in tokens:
        batch = max(4, MATRIX_ENTRIES // (n * n))
        cost, mass = random_costs(batch, n), even(batch, n)
        calls = {name: lambda solve=solve: solve(cost, mass) for name, solve in SOLVERS.items()}  # noqa: B023
        for name, time in race(calls, repeats=repeats).seconds.items():
            seconds[name].append(time / batch)
    return {name: Curve(tokens, times) for name, times in seconds.items()}


def over_batches(batches: Sequence[int], *, repeats: int) -> dict[str, Curve]:
    """Seconds per batch of problems of 32 x 32 tokens, by solver."""
    seconds: dict[str, list[float]] = {name: [] for name in SOLVERS}
    for batch in batches:
        cost, mass = random_costs(batch, 32), even(batch, 32)
        calls = {name: lambda solve=solve: solve(cost, mass) for name, solve in SOLVERS.items()}  # noqa: B023
        for name, time in race(calls, repeats=repeats).seconds.items():
            seconds[name].append(time)
    return {name: Curve(batches, times) for name, times in seconds.items()}


def table(curves: dict[str, Curve], size: str, unit: float) -> list[dict[str, Any]]:
    """A row per size; times in a unit of so many seconds."""
    sizes = next(iter(curves.values())).sizes
    return [
        {size: one, **{name: curve.seconds[row] / unit for name, curve in curves.items()}}
        for row, one in enumerate(sizes)
    ]


def draw(
    path: Path, by_tokens: dict[str, Curve], by_batch: dict[str, Curve], exponents: dict[str, float]
) -> None:
    """Both growths side by side, on logarithmic scales."""
    with drawing():
        figure = Figure(figsize=(10, 4), layout="constrained")
        left, right = figure.subplots(1, 2)
        for axes, curves, growing, unit in (
            (left, by_tokens, "tokens", 1e6),
            (right, by_batch, "batch", 1e3),
        ):
            for (name, curve), marker in zip(curves.items(), "os^", strict=True):
                label = f"{name} (exponent {exponents[key(name, growing)]:.2f})"
                axes.loglog(
                    curve.sizes, np.array(curve.seconds) * unit, marker=marker, markersize=5, label=label
                )
        _finish(left, "one problem of m = n tokens", "m = n", "microseconds", by_tokens)
        _finish(right, "a batch of problems of 32 x 32 tokens", "problems", "milliseconds", by_batch)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(render(figure, "png").data)


def _finish(axes: Axes, title: str, x: str, y: str, curves: dict[str, Curve]) -> None:
    sizes = next(iter(curves.values())).sizes
    axes.set_title(title, loc="left", fontsize=11)
    axes.set(xlabel=x, ylabel=y)
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes], fontsize=8)
    axes.yaxis.set_major_formatter("{x:,g}")  # our drawings typeset no formulas, such as powers of ten
    axes.minorticks_off()
    axes.grid(color="#e3e7ec", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.legend(frameon=False, fontsize=9)


def key(solver: str, growing: str) -> str:
    """Name of an exponent in the answer."""
    return f"exponent_{growing}_{solver.partition(',')[0].replace(' ', '_')}"


def main() -> None:
    """Measure, draw, print tables, and end with one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--tokens", type=int, nargs="+", default=TOKENS)
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES)
    parser.add_argument("--picture", type=Path, help="draw the growth into this PNG file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    where = environment()
    print(f"{where}\n")
    by_tokens = over_tokens(arguments.tokens, repeats=arguments.repeats)
    by_batch = over_batches(arguments.batches, repeats=arguments.repeats)
    print("microseconds per problem")
    print_table(table(by_tokens, "m = n", 1e-6))
    print("milliseconds per batch, 32 x 32 tokens")
    print_table(table(by_batch, "problems", 1e-3))
    exponents = {
        **{
            key(name, "tokens"): curve.exponent(first=len(curve.sizes) // 2)
            for name, curve in by_tokens.items()
        },
        **{
            key(name, "batch"): curve.exponent(first=len(curve.sizes) // 2)
            for name, curve in by_batch.items()
        },
    }
    if arguments.picture:
        draw(arguments.picture, by_tokens, by_batch, exponents)
    print_answer({**exponents, **where})


if __name__ == "__main__":
    main()
