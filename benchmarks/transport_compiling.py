"""What does the first plan of a fresh install cost, and after how many plans has compiling paid for itself?

    OMP_NUM_THREADS=1 python benchmarks/transport_compiling.py

CPU seconds of the first plan in a new process with an empty cache, and with a full one; CPU milliseconds of a plan by
each form. 64 problems of 28 x 28 tokens, as in training.
"""

import argparse
import os
import subprocess
import sys
import tempfile

from measuring import environment, print_answer

PLANS = """
import time, torch
from opticlir.transport import proximal_point, uniform
torch.set_num_threads(1)
cost, mass = torch.rand(64, 28, 28), uniform(torch.ones(64, 28).bool())
def plan(backend="auto"):
    start = time.process_time()
    proximal_point(cost, mass, mass, backend=backend)
    return time.process_time() - start
print(plan(), min(plan() for _ in range(50)), min(plan("torch") for _ in range(10)))
"""


def plans(cache: str) -> list[float]:
    """CPU seconds of the first plan of a new process, of a further one, and of one in plain torch."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    printed = subprocess.check_output([sys.executable, "-c", PLANS], env=environment, text=True)
    return [float(number) for number in printed.split()]


def main() -> None:
    """Measure, and print one line of JSON."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    with tempfile.TemporaryDirectory() as cache:
        first, _, _ = plans(cache)
        again, compiled, plain = plans(cache)
    answer = {
        "first_s": first,
        "from_cache_s": again,
        "compiled_ms": 1e3 * compiled,
        "torch_ms": 1e3 * plain,
        "break_even_plans": round((first - again) / (plain - compiled)),
    }
    print_answer({**answer, **environment(("torch", "numba"))})


if __name__ == "__main__":
    main()
