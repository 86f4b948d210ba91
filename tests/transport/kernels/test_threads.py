import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from transport_problems import random_case

from opticlir.transport import exact, sinkhorn
from opticlir.transport.kernels.threads import in_parallel


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("n_problems", "entries"), [(1, 1_000_000), (7, 300_000), (5000, 1024), (50, 2)])
def test_ranges_cover_every_problem_once(two_threads, n_problems, entries):
    seen, lock = np.zeros(n_problems, int), threading.Lock()

    def run(first, last):
        with lock:
            seen[first:last] += 1

    in_parallel(n_problems, entries, run)
    assert (seen == 1).all()


def test_an_error_in_a_thread_comes_out(two_threads):
    def run(first, last):
        raise RuntimeError(f"from {first}")

    with pytest.raises(RuntimeError, match="from 0"):
        in_parallel(100, 100_000, run)


def test_threads_change_no_answer(two_threads):
    case = random_case(600, 24, 30, seed=0)
    parallel = sinkhorn(*case, epsilon=0.1), exact(*case)
    torch.set_num_threads(1)
    single = sinkhorn(*case, epsilon=0.1), exact(*case)
    for one, other in zip(parallel, single, strict=True):
        assert torch.equal(one.plan, other.plan)


def test_solvers_may_be_called_from_many_threads_at_once(two_threads):
    case = random_case(400, 24, 30, seed=0)
    expected = sinkhorn(*case, epsilon=0.1).plan
    answers = [None] * 6

    def solve(number):
        answers[number] = sinkhorn(*case, epsilon=0.1).plan

    threads = [threading.Thread(target=solve, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.equal(answer, expected) for answer in answers)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_solves_too():
    """Loaders of training data fork after the first use; numba's own thread layers would kill the child."""
    program = """
import os, torch
from opticlir.transport import sinkhorn
torch.set_num_threads(2)
cost, mass = torch.rand(600, 24, 24), torch.full((600, 24), 1 / 24)
sinkhorn(cost, mass, mass, epsilon=0.1)
child = os.fork()
if child == 0:
    os._exit(0 if sinkhorn(cost, mass, mass, epsilon=0.1).converged.all() else 1)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
