"""How right is each solver, and what does it say when it is not?

    pip install 'opticlir[bench]'
    python benchmarks/transport_accuracy.py

Relative errors are of the transport cost against POT's exact `ot.emd2`, largest over 1,000 problems of 32 x 32
tokens: cosine costs of noisy copies, which are easy, and random costs, which are not. The certificate is the
largest duality gap: how far off the solver itself says it may be. POT's batched solvers run on the same problems;
they give no certificate.

2026-11-21, e41b75b, AMD EPYC (AVX-512), POT 0.9.7.post1: `exact` is within 1.4e-7, whatever the costs, and all
certificates hold. The tables are in docs/performance.md.
"""

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import ot
import torch
from measuring import environment, print_answer, print_table, require
from ot.batch import solve_batch
from synthetic_problems import aligned_tokens, even, misplaced, random_costs

from opticlir.transport import TransportPlan, annealed_sinkhorn, exact, proximal_point, sinkhorn

N_TOKENS = 32
Problem = tuple[torch.Tensor, torch.Tensor, torch.Tensor]

OURS: dict[str, Callable[..., TransportPlan]] = {
    "sinkhorn, epsilon .1": lambda *problem: sinkhorn(*problem, epsilon=0.1),
    "sinkhorn, epsilon .03": lambda *problem: sinkhorn(*problem, epsilon=0.03),
    "sinkhorn, epsilon .01, 2,000 iterations": lambda *problem: sinkhorn(
        *problem, epsilon=0.01, max_iterations=2000
    ),
    "annealed, epsilon .001": lambda *problem: annealed_sinkhorn(*problem, epsilon=0.001),
    "proximal point, 50 steps": proximal_point,
    "proximal point, 200 steps": lambda *problem: proximal_point(*problem, max_iterations=200),
    "exact": exact,
}
POT: dict[str, dict[str, Any]] = {
    "POT sinkhorn, epsilon .03": {"reg": 0.03, "method": "sinkhorn", "max_iter": 2000},
    "POT sinkhorn, epsilon .001": {"reg": 0.001, "method": "sinkhorn", "max_iter": 2000},
    "POT log_sinkhorn, epsilon .001": {"reg": 0.001, "method": "log_sinkhorn", "max_iter": 500},
    "POT proximal, its defaults": {"max_iter": 1000},
}


def ours(name: str, problem: Problem, truth: np.ndarray) -> dict[str, Any]:
    """A row of the table; stops where a certificate is wrong."""
    answer = OURS[name](*problem)
    bound = (answer.value - answer.duality_gap).numpy()
    require(bool((bound <= truth + 1e-5).all()), f"no certificate of {name} is above the truth")
    return {
        "solver": name,
        "relative error": _worst(answer.value, truth),
        "certificate": answer.duality_gap.max().item(),
        "marginal error": answer.marginal_error.max().item(),
        "converged": f"{answer.converged.float().mean():.0%}",
    }


def theirs(name: str, problem: Problem, truth: np.ndarray) -> dict[str, Any]:
    """A row of the table."""
    cost, source, target = problem
    plan = solve_batch(cost, a=source, b=target, grad="detach", **POT[name]).plan
    return {
        "solver": name,
        "relative error": _worst((plan * cost).sum((1, 2)), truth),
        "certificate": "none",
        "marginal error": misplaced(plan, source, target).max().item(),
        "converged": "not told",
    }


def _worst(value: torch.Tensor, truth: np.ndarray) -> float:
    return float(np.abs(value.numpy() / truth - 1).max())


def compare(kind: str, cost: torch.Tensor) -> float:
    """Print what each solver makes of the same problems; the worst relative error of the exact one."""
    mass, single = even(len(cost), N_TOKENS), np.full(N_TOKENS, 1 / N_TOKENS)
    problem = (cost, mass, mass)
    truth = np.array([ot.emd2(single, single, one) for one in cost.double().numpy()])
    rows = [ours(name, problem, truth) for name in OURS]
    print(f"{len(cost):,} problems of {N_TOKENS} x {N_TOKENS}, {kind}")
    print_table(rows + [theirs(name, problem, truth) for name in POT])
    return next(row["relative error"] for row in rows if row["solver"] == "exact")


def main() -> None:
    """Solve the same problems with everything, and compare with the truth."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", type=int, default=1000)
    batch = parser.parse_args().problems
    errors = {
        kind: compare(kind, cost)
        for kind, cost in {
            "aligned tokens": aligned_tokens(batch, N_TOKENS, N_TOKENS),
            "random costs": random_costs(batch, N_TOKENS),
        }.items()
    }
    print_answer({"O3_relative_error": max(errors.values()), **environment()})


if __name__ == "__main__":
    main()
