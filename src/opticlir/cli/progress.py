"""Progress bars on stderr. They are drawn only in a terminal."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.filesize import decimal

from opticlir.progress import Bars, bar_display
from opticlir.visible import visible

if TYPE_CHECKING:
    from opticlir.training import TrainingEvent

console = Console(stderr=True)
_NO_TERMS = {"loss", "grad_norm", "learning_rate", "unconverged"}


class TrainingBars(Bars):
    """Progress bars that also show the events of a training."""

    def training(self, event: "TrainingEvent", language: str = "") -> None:
        """Show an event of a training.

        Args:
            event: any event.
            language: part of the name of a bar, if several languages are trained.
        """
        from opticlir.training.events import DiskNeeded, Evaluated, StageStarted, StepsDone, WorkDone

        of = f" {language}" if language else ""
        match event:
            case StageStarted(name):
                self._note(name)
            case DiskNeeded(folder, needed, free):
                self._note(f"writing {decimal(needed)} of teacher vectors to {folder}, {decimal(free)} free")
            case WorkDone(name, done, total):
                self(f"{name}{of}", done, total)
            case StepsDone():
                speed = f"{event.pairs_per_second:.0f} pairs/s  {event.tokens_per_second:.0f} tokens/s"
                self(f"training{of}", event.step, event.steps, f"{_losses(event.values)}  {speed}")
            case Evaluated(step, measures):
                shown = "  ".join(f"{name} {measures[name]:.3f}" for name in ("RR", "accuracy"))
                self._note(f"step {step}{of}: held-out {shown}")

    def _note(self, text: str) -> None:
        self._display.console.print(visible(text), style="dim", markup=False, highlight=False)


def _losses(values: Mapping[str, float]) -> str:
    """Return the loss, each term if there are several, and the share of plans that did not converge, if any."""
    terms = {name: value for name, value in values.items() if name not in _NO_TERMS}
    each = "".join(f"  {name} {value:.4f}" for name, value in terms.items()) if len(terms) > 1 else ""
    n_open = values.get("unconverged", 0.0)
    return f"loss {values['loss']:.4f}{each}" + (
        f"  {100 * n_open:.2g} % of plans not converged" if n_open else ""
    )


@contextmanager
def progress_bars() -> Iterator[TrainingBars]:
    """Show progress bars while the block runs."""
    with bar_display(console) as display:
        yield TrainingBars(display)
