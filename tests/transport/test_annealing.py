import pytest
import torch
from torch.testing import assert_close
from transport_problems import exact_value, random_case

from opticlir.transport import annealed_sinkhorn, sinkhorn

FORMS = ["numba", "torch"]


@pytest.mark.parametrize("backend", FORMS)
def test_it_ends_where_sinkhorn_ends(case, backend):
    annealed = annealed_sinkhorn(*case, epsilon=0.05, tolerance=1e-5, backend=backend)
    direct = sinkhorn(*case, epsilon=0.05, max_iterations=2000, tolerance=1e-6)
    assert annealed.converged.all()
    assert_close(annealed.plan, direct.plan, atol=2e-5, rtol=0)


def test_forms_agree_at_every_stage(case):
    for n_iterations in (4, 5, 6, 11, 23):
        plans = [
            annealed_sinkhorn(
                *case, epsilon=0.02, max_iterations=n_iterations, tolerance=0.0, backend=backend
            ).plan
            for backend in FORMS
        ]
        assert_close(*plans, atol=1e-5, rtol=0)


def test_it_gets_further_than_sinkhorn_in_the_same_iterations():
    case = random_case(16, 20, 20, seed=0, keep=1.0)
    exact = torch.tensor([exact_value(*one) for one in zip(*case, strict=True)])
    annealed = annealed_sinkhorn(*case, epsilon=1e-3, max_iterations=200)
    direct = sinkhorn(*case, epsilon=1e-3, max_iterations=200)
    assert annealed.marginal_error.mean() < 0.3 * direct.marginal_error.mean()
    assert_close(annealed.value, exact, rtol=0.02, atol=0)


def test_beginning_at_the_end_is_plain_sinkhorn(case):
    annealed = annealed_sinkhorn(*case, epsilon=0.1, epsilon_start=0.1, tolerance=1e-5)
    assert torch.equal(annealed.plan, sinkhorn(*case, epsilon=0.1, max_iterations=500, tolerance=1e-5).plan)


def test_a_start_below_the_end_is_refused(case):
    with pytest.raises(ValueError, match=r"epsilon_start is 0.01: expected at least epsilon, 0.1"):
        annealed_sinkhorn(*case, epsilon=0.1, epsilon_start=0.01)
