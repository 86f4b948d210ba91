"""Progress bars on stderr, drawn only where somebody looks."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

console = Console(stderr=True)
_NO_PARTS = {"loss", "grad_norm", "learning_rate", "pairs_per_second", "tokens_per_second", "seconds_left"}


class Bars:
    """One bar per kind of work, opened when it is first heard of."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, Any] = {}

    def __call__(self, name: str, done: int, total: int, note: str = "") -> None:
        """Say how far `name` is."""
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=total or None, note="")
        self._progress.update(self._tasks[name], completed=done, total=total or None, note=note)

    def training(self, event: dict[str, Any]) -> None:
        """Take an event of `opticlir.training` or `opticlir.demo`; languages have bars of their own."""
        kind = event["event"]
        language = f" {event['language']}" if "language" in event else ""
        if kind == "stage":
            self._progress.console.print(f"[dim]{event['name']}[/dim]")
        elif kind == "disk":
            self._progress.console.print(
                f"[dim]writing {decimal(event['needed'])} of teacher vectors to {event['folder']}, "
                f"{decimal(event['free'])} free[/dim]"
            )
        elif kind == "cache":
            self(f"encoding English{language}", event["done"], event["total"])
        elif kind == "step":
            self(f"training{language}", event["step"], event["steps"],
                 f"{_losses(event)}  {event['pairs_per_second']:.0f} pairs/s  "
                 f"{event['tokens_per_second']:.0f} tokens/s")  # fmt: skip
        elif kind == "validation":
            measures = "  ".join(f"{name} {event[name]:.3f}" for name in ("RR", "accuracy"))
            self._progress.console.print(f"[dim]step {event['step']}{language}: held-out {measures}[/dim]")
        elif kind == "progress":
            self(event["name"], event["done"], event["total"])


def _losses(event: dict[str, Any]) -> str:
    """The loss, and of several parts each."""
    parts = {
        name: value for name, value in event.items() if isinstance(value, float) and name not in _NO_PARTS
    }
    each = "".join(f"  {name} {value:.4f}" for name, value in parts.items()) if len(parts) > 1 else ""
    return f"loss {event['loss']:.4f}{each}"


@contextmanager
def progress_bars() -> Iterator[Bars]:
    """Bars that share the terminal while the block runs."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
    )  # fmt: skip
    with Progress(*columns, console=console) as progress:
        yield Bars(progress)
