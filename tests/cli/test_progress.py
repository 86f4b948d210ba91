import io

import pytest
from rich.console import Console

from opticlir.cli import progress

EVENT = {
    "event": "step", "step": 5, "steps": 20, "loss": 0.75, "grad_norm": 1.0, "learning_rate": 1e-4,
    "pairs_per_second": 120.4, "tokens_per_second": 4321.0, "seconds_left": 3.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("parts", "shown"),
    [
        ({"optical": 0.75}, "loss 0.7500  120 pairs/s  4321 tokens/s"),
        ({"optical": 0.5, "lancer": 0.25}, "loss 0.7500  optical 0.5000  lancer 0.2500  120 pairs/s"),
    ],
)
def test_the_bar_shows_the_loss_its_parts_and_the_speed(monkeypatch, parts, shown):
    written = io.StringIO()
    monkeypatch.setattr(progress, "console", Console(file=written, force_terminal=True, width=200))
    with progress.progress_bars() as bars:
        bars.training(EVENT | parts)
    assert shown in written.getvalue()
