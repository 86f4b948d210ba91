import numpy as np
import ot
import pytest
from torch.testing import assert_close

from opticlir.transport import sinkhorn, unbalanced_sinkhorn

FORMS = ["numba", "torch"]


@pytest.mark.parametrize("backend", FORMS)
@pytest.mark.parametrize("penalty", [0.05, 0.5, 5.0])
def test_it_solves_what_pot_solves(case, backend, penalty):
    answer = unbalanced_sinkhorn(
        *case, epsilon=0.1, marginal_penalty=penalty, tolerance=1e-7, max_iterations=2000, backend=backend
    )
    for number, (cost, a, b) in enumerate(zip(*case.double(), strict=True)):
        rows, columns = a > 0, b > 0
        expected = ot.unbalanced.sinkhorn_unbalanced(
            a[rows].numpy(),
            b[columns].numpy(),
            cost[rows][:, columns].numpy(),
            0.1,
            penalty,
            reg_type="kl",
            numItermax=20000,
            stopThr=1e-14,
        )
        np.testing.assert_allclose(answer.plan[number][rows][:, columns], expected, atol=2e-6)
    assert answer.converged.all()
    assert answer.duality_gap.abs().max() < 1e-5


@pytest.mark.parametrize("backend", FORMS)
def test_a_high_price_keeps_the_marginals(case, backend):
    relaxed = unbalanced_sinkhorn(
        *case, epsilon=0.1, marginal_penalty=1000.0, tolerance=1e-6, max_iterations=5000, backend=backend
    )
    assert_close(relaxed.plan, sinkhorn(*case, epsilon=0.1, tolerance=1e-6).plan, atol=1e-4, rtol=0)


def test_a_lower_price_leaves_more_mass_behind(case):
    moved = [
        unbalanced_sinkhorn(*case, epsilon=0.02, marginal_penalty=penalty).plan.sum((1, 2))
        for penalty in (0.02, 0.1, 1.0)
    ]
    assert (moved[0] < moved[1]).all()
    assert (moved[1] < moved[2]).all()


def test_sides_need_not_have_the_same_mass(case):
    answer = unbalanced_sinkhorn(case.cost, 2 * case.source, case.target, epsilon=0.1, marginal_penalty=1.0)
    assert answer.converged.all()
    assert ((answer.plan.sum((1, 2)) > 1) & (answer.plan.sum((1, 2)) < 2)).all()


def test_coming_to_rest_is_what_converged_means(case):
    hurried = unbalanced_sinkhorn(
        *case, epsilon=0.01, marginal_penalty=5.0, max_iterations=10, tolerance=1e-6
    )
    assert not hurried.converged.any()
    assert hurried.duality_gap.max() > 1e-3


def test_a_price_that_cannot_be_is_refused(case):
    with pytest.raises(ValueError, match=r"marginal_penalty is 0\.0: expected a finite number > 0"):
        unbalanced_sinkhorn(*case, epsilon=0.1, marginal_penalty=0.0)
