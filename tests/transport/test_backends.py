"""Which form of a solver runs: only tensors on the CPU enter the compiled kernels."""

import sys
from contextlib import nullcontext

import pytest
import torch

from opticlir import transport
from opticlir.transport.backends import BREAK_EVEN, is_compiled

SOLVERS = {
    "sinkhorn": {"epsilon": 0.1},
    "proximal_point": {"beta": 0.5},
    "annealed_sinkhorn": {"epsilon": 0.1, "epsilon_start": 1.0},
    "unbalanced_sinkhorn": {"epsilon": 0.1, "marginal_penalty": 0.5},
}


@pytest.fixture(autouse=True)
def _no_autocast(monkeypatch):
    """torch has no autocast for `meta`."""
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())


def problem(device="cpu", dtype=torch.float32):
    """Two problems of 3 by 4 tokens; `meta` stands for an accelerator: torch has it on every machine."""
    return (
        torch.ones(2, 3, 4, device=device, dtype=dtype),
        torch.full((2, 3), 1 / 3, device=device, dtype=dtype),
        torch.full((2, 4), 1 / 4, device=device, dtype=dtype),
    )


@pytest.mark.parametrize(
    ("device", "dtype", "compiled"),
    [("cpu", torch.float32, True), ("cpu", torch.float64, False), ("meta", torch.float32, False)],
)
def test_auto_compiles_only_what_the_processor_takes(device, dtype, compiled):
    cost, *_ = problem(device, dtype)
    assert is_compiled(cost, "auto") == compiled
    assert not is_compiled(cost, "torch")


@pytest.mark.parametrize("name", SOLVERS)
def test_an_accelerator_cannot_ask_for_kernels(name):
    message = "backend is 'numba' but cost is torch.float32 on meta: expected 'auto', 'torch'"
    with pytest.raises(ValueError, match=message):
        getattr(transport, name)(*problem("meta"), **SOLVERS[name], backend="numba")


class KernelError(Exception):
    """The compiled form was reached."""


class PlainTorchError(Exception):
    """The plain form was reached."""


@pytest.mark.parametrize("name", SOLVERS)
def test_a_tensor_of_an_accelerator_never_enters_the_kernels(name, monkeypatch):
    def stop_with(error):
        def stop(*_, **__):
            raise error

        return stop

    solver = getattr(transport, name)
    module = sys.modules[solver.__module__]
    monkeypatch.setattr(module, "scale", stop_with(KernelError))
    monkeypatch.setattr(module, "prepare", stop_with(PlainTorchError))
    with pytest.raises(KernelError):
        solver(*problem("cpu"), **SOLVERS[name])
    with pytest.raises(PlainTorchError):
        solver(*problem("meta"), **SOLVERS[name])


def test_compiling_waits_until_it_pays():
    """The first plan of a fresh installation compiled for longer than a short training saves."""
    cost, *_ = problem()
    with transport.backend_for(BREAK_EVEN - 1):
        assert not is_compiled(cost, "auto")
        assert is_compiled(cost, "numba")
    with transport.backend_for(BREAK_EVEN):
        assert is_compiled(cost, "auto")
    assert is_compiled(cost, "auto")
