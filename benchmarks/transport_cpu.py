"""How fast does transport run on a processor, beside the libraries people use for it?

    pip install 'opticlir[bench]'
    taskset -c 0 python benchmarks/transport_cpu.py --threads 1
    OMP_WAIT_POLICY=PASSIVE python benchmarks/transport_cpu.py --threads 2

All in one process with the same number of threads, in turns, medians of 7. A ratio is the peer's time over
ours. Every answer is checked before it is timed. The loops over `ot.emd` and scipy have one thread whatever is
asked for.

2026-11-21, two AMD EPYC cores (AVX-512), torch 2.13.0, POT 0.9.7.post1, geomloss 0.3.1; one thread at e41b75b beside
other work, two at b3b16e2 with OMP_WAIT_POLICY=PASSIVE, tests beside the first rows.

    | ratio (peer's time over ours)                             | one thread | two threads |
    |-----------------------------------------------------------|------------|-------------|
    | O1_log: POT log, 4,096 x 32 x 32, 50 iterations           | 82.8       | 45.8        |
    | O1_linear: POT linear, the same                           | 14.1       | 11.3        |
    | O1_settling_log, _linear: epsilon .1, ours stops at 18    | 99, 22     | 106, 27     |
    | O1b_emd: `ot.emd` loop, 1,000 x 32 x 32, aligned tokens   | 26.1       | 23.3        |
    | O1b_lsa: scipy loop, the same                             | 3.3        | 3.0         |
    | O1b_emd_random, O1b_lsa_random: the same, random costs    | 20.1, 5.7  | 25.9, 7.4   |
    | O1b_emd_24x31: `ot.emd` loop, 24 x 31                     | 5.2        | 8.5         |
    | O2_sizes: POT linear, 4..64 tokens, padded, to 1e-5       | 595        | 848         |
    | 50 proximal point steps, 64 x 32 x 32, plain torch        | 13.3       | 32.1        |
"""

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import ot
import torch
from measuring import environment, print_answer, print_table, race, require
from ot.batch import solve_batch
from scipy.optimize import linear_sum_assignment
from synthetic_problems import aligned_tokens, even, float64_plan, misplaced, random_costs

from opticlir.transport import exact, proximal_point, sinkhorn

try:
    from geomloss.ot import solve_batch as geomloss_solve_batch
except ImportError:
    geomloss_solve_batch = None

N_ITERATIONS = 50
Calls = dict[str, Callable[[], Any]]


@dataclass(frozen=True)
class Sizes:
    """How much is asked."""

    problems: int
    repeats: int

    @property
    def single_problems(self) -> int:
        """Problems where some peer takes them one at a time."""
        return min(self.problems, 1000)


def fixed_iterations(epsilon: float, sizes: Sizes) -> dict[str, float]:
    """O1: problems of 32 x 32 tokens, 50 iterations, float32."""
    cost, mass = random_costs(sizes.problems, 32), even(sizes.problems, 32)

    def ours(backend: str = "auto") -> Any:
        return sinkhorn(
            cost, mass, mass, epsilon=epsilon, max_iterations=N_ITERATIONS, tolerance=0.0, backend=backend
        )

    def pot(method: str) -> torch.Tensor:
        settings = {"max_iter": N_ITERATIONS, "tol": 0, "method": method, "grad": "detach"}
        return solve_batch(cost, epsilon, mass, mass, **settings).plan

    calls: Calls = {
        "opticlir": lambda: ours().plan,
        "POT, linear domain": lambda: pot("sinkhorn"),
        "POT, log domain": lambda: pot("log_sinkhorn"),
        "plain torch, log domain": lambda: ours("torch").plan,
    }
    reference = float64_plan(cost, mass, epsilon=epsilon, n_iterations=N_ITERATIONS)
    differences = {name: (call().double() - reference).abs().max().item() for name, call in calls.items()}
    require(differences["opticlir"] <= 1e-6, f"our plan is within 1e-6 of float64: {differences}")
    require(max(differences.values()) <= 1e-5, f"all do the same: {differences}")
    if geomloss_solve_batch is not None:  # its iterations are others: both sides at once, averaged
        calls["geomloss"] = lambda: (
            geomloss_solve_batch(cost, reg=epsilon, a=mass, b=mass, max_iter=N_ITERATIONS).plan
        )
        differences["geomloss"] = (calls["geomloss"]().double() - reference).abs().max().item()
    mean_iterations = ours().n_iterations.float().mean().item()
    result = race(calls, repeats=sizes.repeats)
    print(
        f"{sizes.problems:,} problems of 32 x 32, {N_ITERATIONS} iterations, epsilon {epsilon}; "
        f"ours took {mean_iterations:.1f} of them on average"
    )
    rows = result.rows(problems=sizes.problems)
    print_table([row | {"plan off float64 by": differences[row["solver"]]} for row in rows])
    return {
        "log": result.ratio("POT, log domain"),
        "linear": result.ratio("POT, linear domain"),
        "plain_torch": result.ratio("plain torch, log domain"),
        "ms": 1e3 * result.first,
        "iterations": mean_iterations,
        "plan_difference": differences["opticlir"],
    }


def exact_plans(kind: str, cost: torch.Tensor, sizes: Sizes) -> dict[str, float]:
    """O1b: exact plans, beside one call per problem of what POT and scipy have."""
    batch, m, n = cost.shape
    source, target = even(batch, m), even(batch, n)
    singles = [(np.full(m, 1 / m), np.full(n, 1 / n), one) for one in cost.double().numpy()]
    truth = np.array([ot.emd2(*single) for single in singles])
    worst = float(np.abs(exact(cost, source, target).value.numpy() / truth - 1).max())
    require(worst < 1e-3, f"our cost is within 1e-3 of ot.emd2: {worst}")
    calls: Calls = {
        "opticlir": lambda: exact(cost, source, target),
        "ot.emd loop": lambda: [ot.emd(*single) for single in singles],
    }
    if m == n:
        calls["scipy loop"] = lambda: [linear_sum_assignment(one) for one in cost.numpy()]
    result = race(calls, repeats=sizes.repeats)
    print(f"{batch:,} exact plans of {kind}, {m} x {n}; largest relative error against ot.emd2 {worst:.1e}")
    print_table(result.rows(problems=batch))
    ratios = {"emd": result.ratio("ot.emd loop"), "relative_error": worst}
    return ratios | ({"lsa": result.ratio("scipy loop")} if m == n else {})


def sizes_to_tolerance(sizes: Sizes) -> dict[str, float]:
    """O2: problems of 4 to 64 tokens a side, until the marginal error is 1e-5."""
    n_tokens = np.random.default_rng(0).integers(4, 65, size=(sizes.single_problems, 2)).tolist()
    matrices = [aligned_tokens(1, m, n, seed=seed)[0] for seed, (m, n) in enumerate(n_tokens)]
    padded = torch.zeros(len(matrices), 64, 64)
    a, b = torch.zeros(len(matrices), 64), torch.zeros(len(matrices), 64)
    for number, (matrix, (m, n)) in enumerate(zip(matrices, n_tokens, strict=True)):
        padded[number, :m, :n] = matrix
        a[number, :m], b[number, :n] = 1 / m, 1 / n
    epsilon = 0.05
    settings = {"epsilon": epsilon, "max_iterations": 5000, "tolerance": 1e-5}

    def pot() -> torch.Tensor:  # its log domain takes seven times as long
        return solve_batch(
            padded, epsilon, a, b, max_iter=5000, tol=1e-5, method="sinkhorn", grad="detach"
        ).plan

    ours = sinkhorn(padded, a, b, **settings)
    require(bool(ours.converged.all()), "all our problems converge")
    calls: Calls = {
        "opticlir": lambda: sinkhorn(padded, a, b, **settings).plan,
        "POT, linear domain": pot,
    }
    errors = {name: misplaced(calls[name](), a, b).max().item() for name in calls}
    result = race(calls, repeats=sizes.repeats)
    print(
        f"{len(matrices):,} problems of 4..64 x 4..64, epsilon {epsilon}, to a marginal error of 1e-5 (POT: in its "
        f"own measure); ours took {ours.n_iterations.float().mean():.1f} iterations on average"
    )
    rows = result.rows(problems=len(matrices))
    print_table([row | {"worst marginal error": errors[row["solver"]]} for row in rows])
    return {"O2_sizes": result.ratio("POT, linear domain")}


def proximal_steps(sizes: Sizes) -> dict[str, float]:
    """Fifty proximal point steps on a training batch, beside the same in plain torch."""
    batch = min(sizes.problems, 64)
    cost, mass = aligned_tokens(batch, 32, 32), even(batch, 32)
    calls: Calls = {
        "opticlir": lambda: proximal_point(cost, mass, mass).plan,
        "plain torch": lambda: proximal_point(cost, mass, mass, backend="torch").plan,
    }
    difference = (calls["opticlir"]() - calls["plain torch"]()).abs().max().item()
    require(difference < 1e-4, f"both forms give the same plan: {difference}")
    result = race(calls, repeats=sizes.repeats)
    print(f"50 proximal point steps on {batch} problems of 32 x 32")
    print_table(result.rows(problems=batch))
    return {"proximal_plain_torch": result.ratio("plain torch")}


def main() -> None:
    """Measure, print tables, and end with one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--problems", type=int, default=4096, help="in the largest batch")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    sizes, where = Sizes(arguments.problems, arguments.repeats), environment()
    print(f"{where}, threads: {arguments.threads}\n")
    every = fixed_iterations(0.02, sizes)
    settling = fixed_iterations(0.1, sizes)
    batch = sizes.single_problems
    square = exact_plans("aligned tokens", aligned_tokens(batch, 32, 32), sizes)
    oblong = exact_plans("aligned tokens", aligned_tokens(batch, 24, 31), sizes)
    random = exact_plans("random costs", random_costs(batch, 32), sizes)
    print_answer(
        {
            **{f"O1_{name}": value for name, value in every.items()},
            **{f"O1_settling_{name}": value for name, value in settling.items()},
            **{f"O1b_{name}": value for name, value in square.items()},
            "O1b_emd_24x31": oblong["emd"],
            **{f"O1b_{name}_random": value for name, value in random.items()},
            **sizes_to_tolerance(sizes),
            **proximal_steps(sizes),
            "threads": arguments.threads,
            **where,
            "load_after": round(os.getloadavg()[0], 2),
        }
    )


if __name__ == "__main__":
    main()
