import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba.core.caching
import pytest

import opticlir
from opticlir.storage import sources
from opticlir.transport.kernels import compilation


def test_any_change_of_a_kernel_changes_the_key_of_the_cache(tmp_path, monkeypatch):
    """Numba alone looks only at the file of the function it caches."""
    root = shutil.copytree(
        Path(opticlir.__file__).parent, tmp_path / "opticlir", ignore=shutil.ignore_patterns("__pycache__")
    )
    monkeypatch.setattr(sources, "_ROOT", root)
    sources.source_fingerprint.cache_clear()
    before = compilation.source_fingerprint()
    assert 0 <= before < 2**56
    lanes = root / "transport" / "kernels" / "lanes.py"
    lanes.write_text(lanes.read_text() + "\nCHANGED = 1\n")
    sources.source_fingerprint.cache_clear()
    assert compilation.source_fingerprint() != before
    sources.source_fingerprint.cache_clear()


SECOND_RUN = """
import torch
from opticlir.transport import exact, proximal_point, sinkhorn, unbalanced_sinkhorn
from opticlir.transport.kernels import flow, iterations, logarithmic, proximal_steps

torch.manual_seed(0)
cost, mass = torch.rand(8, 4, 4), torch.full((8, 4), 0.25)
sinkhorn(cost, mass, mass, epsilon=0.1), exact(cost, mass, mass), proximal_point(cost, mass, mass)
unbalanced_sinkhorn(cost, mass, mass, epsilon=0.001, marginal_penalty=0.01)  # some need the log domain
for kernel in (
    iterations.iterate_problems, flow.solve_flows, proximal_steps.step_problems, logarithmic.rescue_problems
):
    assert kernel.stats.cache_hits and not kernel.stats.cache_misses, kernel.stats
"""


def test_a_second_process_compiles_nothing():
    """The first may, and keeps what it compiled for the second."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", SECOND_RUN], env=environment, capture_output=True, timeout=300, check=False
        )
    assert done.returncode == 0, done.stderr.decode()


FIRST_PLAN = """
import sys
import torch
from opticlir.transport import exact, proximal_point, uniform
assert not any(name in sys.modules for name in ("numba", "llvmlite")), "the compiler is loaded before it is used"
cost, mass = torch.rand(64, 28, 28), uniform(torch.ones(64, 28).bool())
proximal_point(cost, mass, mass)
from opticlir.transport.kernels import flow, iterations, logarithmic, opening, proximal_steps, scaling, slot
compiled = {kernel.py_func.__name__ for kernel in (
    proximal_steps.step_problems, iterations.iterate_problems, logarithmic.rescue_problems, flow.solve_flows,
) if kernel.signatures}
assert compiled == {"step_problems"}, compiled
for part in (scaling.refill, opening.begin_problem, proximal_steps._step):
    assert len(part.signatures) == 1, part.signatures
"""


def test_the_first_plan_of_a_training_compiles_its_own_kernel_alone(tmp_path):
    """And each part of it for one kind of arguments: this is what a fresh install waits for."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-c", FIRST_PLAN], env=environment, capture_output=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def test_where_nothing_can_be_kept_kernels_are_compiled_all_the_same(monkeypatch, caplog):
    """A read-only install under a user without a home."""
    monkeypatch.setattr(numba.core.caching.CacheImpl, "_locator_classes", [])
    with pytest.raises(RuntimeError, match="no locator available"):
        numba.njit(cache=True)(_double)
    with caplog.at_level(logging.WARNING):
        assert compilation.entry_point(_double)(21) == 42
    assert "set NUMBA_CACHE_DIR" in caplog.text


def _double(x):
    return 2 * x
