"""Progress bars on stderr, drawn only where somebody looks."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from opticlir.training import TrainingEvent

console = Console(stderr=True)
_NO_TERMS = {"loss", "grad_norm", "learning_rate", "unconverged"}


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

    def training(self, event: "TrainingEvent", language: str = "") -> None:
        """Draw an event of a training.

        Args:
            event: any.
            language: in the name of a bar, for trainings of several languages.
        """
        from opticlir.training.events import DiskNeeded, Evaluated, StageStarted, StepsDone, WorkDone

        of = f" {language}" if language else ""
        match event:
            case StageStarted(name):
                self._progress.console.print(f"[dim]{name}[/dim]")
            case DiskNeeded(folder, needed, free):
                self._progress.console.print(
                    f"[dim]writing {decimal(needed)} of teacher vectors to {folder}, "
                    f"{decimal(free)} free[/dim]"
                )
            case WorkDone(name, done, total):
                self(f"{name}{of}", done, total)
            case StepsDone():
                speed = f"{event.pairs_per_second:.0f} pairs/s  {event.tokens_per_second:.0f} tokens/s"
                self(f"training{of}", event.step, event.steps, f"{_losses(event.values)}  {speed}")
            case Evaluated(step, measures):
                shown = "  ".join(f"{name} {measures[name]:.3f}" for name in ("RR", "accuracy"))
                self._progress.console.print(f"[dim]step {step}{of}: held-out {shown}[/dim]")


def _losses(values: Mapping[str, float]) -> str:
    """The loss, each of several terms, and the share of plans that did not converge where there are some."""
    terms = {name: value for name, value in values.items() if name not in _NO_TERMS}
    each = "".join(f"  {name} {value:.4f}" for name, value in terms.items()) if len(terms) > 1 else ""
    n_open = values.get("unconverged", 0.0)
    return f"loss {values['loss']:.4f}{each}" + (f"  {100 * n_open:.2g} % of plans open" if n_open else "")


@contextmanager
def progress_bars() -> Iterator[Bars]:
    """Bars that share the terminal while the block runs."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
    )  # fmt: skip
    with Progress(*columns, console=console) as progress:
        yield Bars(progress)
