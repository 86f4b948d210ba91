"""How fast is transport on an accelerator, beside POT and a compiled plain form?

    pip install 'opticlir[bench]'
    python benchmarks/transport_gpu.py

4,096 problems of 32 x 32 tokens, 50 iterations, float32, one launch. A ratio is the peer's time over ours.

Not measured yet: no accelerator was at hand. The kernel is held by Triton's interpreter against the numba kernel,
and compiles to machine code for compute capability 9.0 (tests/transport/kernels/test_triton.py).
"""

import argparse
import statistics
import sys
from collections.abc import Callable
from typing import Any

import torch
from measuring import Race, environment, print_answer, print_table, require
from ot.batch import solve_batch
from synthetic_problems import even, float64_plan, random_costs

from opticlir.transport import sinkhorn

EPSILON, N_ITERATIONS = 0.02, 50


def device_seconds(call: Callable[[], Any], *, repeats: int) -> float:
    """Median time on the device, between events, after five calls that warm up."""
    for _ in range(5):
        call()
    times = []
    for _ in range(repeats):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        call()
        end.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(end) / 1e3)
    return statistics.median(times)


def plain_plan(cost: torch.Tensor, mass: torch.Tensor) -> torch.Tensor:
    """Sinkhorn's iterations in the log domain, with nothing that a compiler could not take apart."""
    log_kernel, log_mass = -cost / EPSILON, mass.log()
    g = log_mass
    for _ in range(N_ITERATIONS):
        f = log_mass - torch.logsumexp(log_kernel + g[:, None, :], dim=2)
        g = log_mass - torch.logsumexp(log_kernel + f[:, :, None], dim=1)
    return torch.exp(f[:, :, None] + g[:, None, :] + log_kernel)


def main() -> int:
    """Measure, print a table, and end with one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", type=int, default=4096)
    parser.add_argument("--repeats", type=int, default=50)
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        print("transport_gpu: torch sees no CUDA device, so nothing was measured", file=sys.stderr)
        return 1
    cost, mass = random_costs(arguments.problems, 32).cuda(), even(arguments.problems, 32).cuda()
    settings = {"max_iter": N_ITERATIONS, "tol": 0, "method": "log_sinkhorn", "grad": "detach"}
    compiled = torch.compile(plain_plan)
    calls: dict[str, Callable[[], torch.Tensor]] = {
        "opticlir": lambda: (
            sinkhorn(
                cost,
                mass,
                mass,
                epsilon=EPSILON,
                max_iterations=N_ITERATIONS,
                tolerance=0.0,
                backend="triton",
            ).plan
        ),
        "POT, log domain": lambda: solve_batch(cost, EPSILON, mass, mass, **settings).plan,
        "torch.compile of the plain form": lambda: compiled(cost, mass),
    }
    reference = float64_plan(cost.cpu(), mass.cpu(), epsilon=EPSILON, n_iterations=N_ITERATIONS)
    for name, call in calls.items():
        difference = (call().cpu().double() - reference).abs().max().item()
        require(difference < 1e-5, f"{name} gives the plan of float64: {difference}")
    result = Race({name: device_seconds(call, repeats=arguments.repeats) for name, call in calls.items()})
    print_table(result.rows(problems=arguments.problems))
    print_answer(
        {
            "O4_pot": result.ratio("POT, log domain"),
            "O4_compile": result.ratio("torch.compile of the plain form"),
            "O4_us": 1e6 * result.first,
            "device": torch.cuda.get_device_name(),
            **environment(("torch", "triton", "POT")),
        }
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
