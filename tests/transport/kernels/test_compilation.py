import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba.core.caching
import pytest

from opticlir.transport.kernels import compilation


def test_any_change_of_a_kernel_changes_the_key_of_the_cache(tmp_path, monkeypatch):
    """Numba alone looks only at the file of the function it caches."""
    folder = tmp_path / "kernels"
    shutil.copytree(Path(compilation.__file__).parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(compilation, "__file__", str(folder / "compilation.py"))
    before = compilation.source_fingerprint()
    assert before == compilation.source_fingerprint()
    assert 0 <= before < 2**56
    lanes = folder / "lanes.py"
    lanes.write_text(lanes.read_text() + "\n# changed\n")
    assert compilation.source_fingerprint() != before


SECOND_RUN = """
import torch
from opticlir.transport import exact, sinkhorn
from opticlir.transport.kernels import flow, scaling

cost, mass = torch.rand(2, 4, 4), torch.full((2, 4), 0.25)
sinkhorn(cost, mass, mass, epsilon=0.1), exact(cost, mass, mass)
for kernel in (scaling.scale_problems, flow.solve_flows):
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
