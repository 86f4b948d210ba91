"""What benchmarks share: repeated timing, where it ran, and tables."""

import importlib.metadata
import json
import math
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch


class WrongAnswerError(RuntimeError):
    """A solver answered wrongly: a fast wrong answer is no answer, and nothing is timed."""


def require(holds: bool, claim: str) -> None:
    """Stop the benchmark unless a claim about an answer holds."""
    if not holds:
        raise WrongAnswerError(f"not so: {claim}")


@dataclass(frozen=True)
class Race:
    """Median seconds of solvers that were asked the same, by name; the first is what the rest is measured by."""

    seconds: dict[str, float]

    @property
    def first(self) -> float:
        """Seconds of the first."""
        return next(iter(self.seconds.values()))

    def ratio(self, name: str) -> float:
        """How many times longer one took than the first."""
        return self.seconds[name] / self.first

    def rows(self, *, problems: int) -> list[dict[str, Any]]:
        """A row per solver for a table, of so many problems."""
        return [
            {
                "solver": name,
                "ms": 1e3 * seconds,
                "us per problem": 1e6 * seconds / problems,
                "ratio": self.ratio(name),
            }
            for name, seconds in self.seconds.items()
        ]


def race(
    calls: Mapping[str, Callable[[], Any]], *, repeats: int, clock: Callable[[], float] = time.perf_counter
) -> Race:
    """Time calls in turn, after one turn that warms up, so that a busy minute slows all of them alike."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(repeats + 1):
        for name, call in calls.items():
            start = clock()
            call()
            if turn:
                times[name].append(clock() - start)
    return Race({name: statistics.median(values) for name, values in times.items()})


def environment(
    packages: Sequence[str] = ("torch", "numba", "numpy", "scipy", "POT", "geomloss"),
) -> dict[str, Any]:
    """Date, commit, machine, load and versions of the packages that are installed."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": _commit(),
        "machine": _processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        **{name: version for name in packages if (version := _version(name))},
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().split("\n") if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {torch.backends.cpu.get_cpu_capability()}"


def print_table(rows: Sequence[Mapping[str, Any]]) -> None:
    """A Markdown table of rows with the same keys."""
    names = list(rows[0])
    cells = [names, *([_cell(row[name]) for name in names] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(names))]
    for number, row in enumerate(cells):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
    print(flush=True)


def _cell(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e7 else f"{value:.3g}"


def print_answer(answer: Mapping[str, Any]) -> None:
    """The last line of a benchmark: its figures as JSON, to four digits."""
    for name, value in answer.items():
        require(not isinstance(value, float) or math.isfinite(value), f"{name} is a number: {value}")
    print(
        json.dumps(
            {
                name: float(f"{value:.4g}") if isinstance(value, float) else value
                for name, value in answer.items()
            }
        )
    )
