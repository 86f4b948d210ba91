import io
import re

import pytest
from rich.console import Console

from opticlir.cli import progress
from opticlir.progress import Bars, bar_display
from opticlir.training.events import DiskNeeded, Evaluated, StageStarted, StepsDone, WorkDone


@pytest.fixture
def shown(monkeypatch):
    """What the bars write for an event, without colours."""

    def draw(event):
        written = io.StringIO()
        monkeypatch.setattr(progress, "console", Console(file=written, force_terminal=True, width=200))
        with progress.progress_bars() as bars:
            bars.training(event)
        return " ".join(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.getvalue()).split())

    return draw


@pytest.mark.parametrize(
    ("terms", "line"),
    [
        ({"optical": 0.75}, "loss 0.7500 120 pairs/s 4321 tokens/s"),
        ({"optical": 0.5, "lancer": 0.25}, "loss 0.7500 optical 0.5000 lancer 0.2500 120 pairs/s"),
        ({"optical": 0.75, "unconverged": 0.25}, "loss 0.7500 25 % of plans not converged 120 pairs/s"),
    ],
)
def test_the_bar_shows_the_loss_its_terms_and_the_speed(shown, terms, line):
    event = StepsDone(
        step=5, steps=20, values={"loss": 0.75, "grad_norm": 1.0, "learning_rate": 1e-4, **terms},
        pairs_per_second=120.4, tokens_per_second=4321.0, seconds_left=3.0,
    )  # fmt: skip
    assert line in shown(event)
    assert "5/20" in shown(event)


def test_other_events_are_shown_too(shown, tmp_path):
    assert "aligning words" in shown(StageStarted("aligning words"))
    bar = shown(WorkDone("encoding English", 3, 4))
    assert "encoding English" in bar
    assert "3/4" in bar
    assert "writing 2.0 MB of teacher vectors" in shown(DiskNeeded(tmp_path, 2_000_000, 5_000_000))
    assert "step 50: held-out RR 0.500 accuracy 0.250" in shown(Evaluated(50, {"RR": 0.5, "accuracy": 0.25}))


@pytest.mark.parametrize("width", [50, 60, 72, 80, 100])
def test_numbers_and_times_are_whole_in_a_narrow_terminal(width):
    written = io.StringIO()
    with bar_display(Console(file=written, force_terminal=True, width=width)) as display:
        bars = Bars(display)
        bars("encoding documents", 1200, 120_000)
        bars(
            "training", 1234, 20_000, "loss 0.7500  optical 0.5000  lancer 0.2500  120 pairs/s  4321 tokens/s"
        )
    lines = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line) for line in written.getvalue().splitlines()]
    documents = [line.rstrip() for line in lines if "1200/120000" in line][-1]
    assert documents.split()[-3:] == ["1200/120000", "0:00:00", "-:--:--"]
    assert "…" not in "".join(lines)
    assert "4321" in "".join(lines)
