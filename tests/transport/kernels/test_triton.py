"""The kernel for accelerators, without one: by Triton's interpreter, and through its compiler to machine code."""

import importlib.util
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="triton is not installed")

INTERPRET = """
import torch
from opticlir.transport.kernels import accelerator, launch
from opticlir.transport.kernels.slot import Settings

generator = torch.Generator().manual_seed(0)
cost = torch.rand(5, 12, 9, generator=generator)
source, target = torch.rand(5, 12, generator=generator), torch.rand(5, 9, generator=generator)
source[0, 3:], target[1, 5] = 0, 0
source, target = source / source.sum(1, keepdim=True), target / target.sum(1, keepdim=True)
source[3] = 0
cost[2, 0, 0] = torch.inf
for settings in (
    Settings(0.1, 0.1, 0.5, 0.0, 12, 0, 1.0),
    Settings(0.1, 0.1, 0.5, 1e-3, 60, 0, 1.0),
    Settings(0.5, 0.5, 0.5, 0.0, 12, 1, 1.0),
    Settings(0.05, 0.05, 0.5, 0.0, 12, 0, 0.8),
    Settings(0.01, 0.5, 0.5, 0.0, 33, 0, 1.0),
):
    for start in (None, torch.rand(5, 9, generator=generator)):
        ours = accelerator.scale(cost, source, target, start, settings)
        reference = launch.scale(cost, source, target, start, settings)
        for one, other in zip(ours[:3], reference[:3]):
            assert torch.allclose(one, other, atol=2e-5), (settings, (one - other).abs().max())
        assert torch.allclose(ours.measures[:, :3], reference.measures[:, :3], atol=2e-5), settings
        assert torch.equal(ours.outcome, reference.outcome), settings
tiny = source.clone()
tiny[4, 1] += tiny[4, 0]
tiny[4, 0] = 1e-30  # goes on in the log domain
ours = accelerator.scale(cost, tiny, target, None, Settings(0.1, 0.1, 0.5, 1e-4, 60, 0, 1.0))
assert ours.measures[4, 1] < 2e-4
cost[4, 0, 0] = torch.nan
assert accelerator.scale(cost, source, target, None, settings).outcome[4, 0] == 4
"""

COMPILE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from opticlir.transport.kernels.triton_scaling import scale_problem

floats, integers = ("cost", "source_marginal", "target_marginal", "start"), ("layout", "numbers")
written = ("plan", "source_potential", "target_potential", "measures")
signature = {name: "*fp32" for name in floats} | {name: "*i64" for name in integers}
signature |= {name: "*fp32" for name in written} | {"outcome": "*i64"}
signature |= {name: "fp32" for name in ("epsilon_end", "epsilon_start", "decay", "tolerance")}
signature |= {"max_iterations": "i32", "power": "fp32"}
constants = {"IS_PROXIMAL": True, "IS_SOFT": True, "IS_WARM": True, "M": 16, "N": 32}
signature |= {name: "constexpr" for name in constants}
places = {(list(signature).index(name),): value for name, value in constants.items()}
source = ASTSource(fn=scale_problem, signature=signature, constexprs=places)
assert triton.compile(source, target=GPUTarget("cuda", 90, 32)).asm["cubin"]
"""


def run(program, **settings):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), **settings}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env=environment,
        capture_output=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.slow
def test_interpreted_it_gives_what_the_processor_gives():
    run(INTERPRET, TRITON_INTERPRET="1")


@pytest.mark.slow
def test_it_compiles_for_an_accelerator(tmp_path):
    run(COMPILE, TRITON_CACHE_DIR=str(tmp_path))
