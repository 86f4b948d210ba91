"""A training compiles the kernels of transport only if they save more time than they cost."""

import pytest

from opticlir.lab.training import distil
from opticlir.transport import backends, proximal
from short_runs import PAIRS, config_of


@pytest.fixture
def compiled(monkeypatch):
    """How often the compiled solver was called."""
    calls = []
    scale = proximal.scale
    monkeypatch.setattr(proximal, "scale", lambda *given: calls.append(1) or scale(*given))
    return calls


def test_a_short_training_compiles_nothing(checkpoints, compiled, tmp_path):
    config = config_of(checkpoints["plain"], method="optical,contrastive")
    distil(config, PAIRS, tmp_path / "model")
    assert compiled == []


def test_a_long_training_uses_the_kernels(checkpoints, compiled, monkeypatch, tmp_path):
    monkeypatch.setattr(backends, "BREAK_EVEN", 3)  # half of six steps
    distil(config_of(checkpoints["plain"], method="optical,contrastive"), PAIRS, tmp_path / "model")
    assert len(compiled) == 3
