"""Fixtures of the tests of transport."""

import jaxtyping
import pytest
from transport_problems import random_case


@pytest.fixture
def case():
    """Six problems of 12 x 9 tokens, some tokens without mass."""
    return random_case(6, 12, 9, seed=0)


@pytest.fixture
def unchecked(monkeypatch):
    """Let wrong arguments reach our own checks, as they do in production, where jaxtyping does not run."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
