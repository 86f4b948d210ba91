"""Promise 9: the gradient is right. 160 cases and more: 60 + 100 + 24."""

import pytest
import torch
from torch.testing import assert_close
from transport_problems import random_case

from opticlir.transport import exact, proximal_point, sinkhorn, unbalanced_sinkhorn


def small(seed):
    m, n = 2 + seed % 4, 2 + seed % 5
    case = random_case(2, m, n, seed=seed).double()
    generator = torch.Generator().manual_seed(1000 + seed)
    return case, torch.randn(2, m, n, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("seed", range(60))
def test_the_value_at_a_fixed_plan(seed):
    case, _ = small(seed)
    plan = sinkhorn(*case, epsilon=0.1).plan
    assert torch.autograd.gradcheck(lambda cost: (plan * cost).sum((1, 2)), (case.cost.requires_grad_(),))


def entropic_objective(cost, case, epsilon):
    """Transport value plus entropy, at its minimum: the function whose gradient the plan is."""
    answer = sinkhorn(cost, case.source, case.target, epsilon=epsilon, max_iterations=20000, tolerance=1e-13)
    assert answer.converged.all()
    assert (answer.n_iterations < 20000).all()  # a plan that is short of its tolerance is no minimum
    plan = answer.plan
    return (plan * cost + epsilon * (torch.xlogy(plan, plan) - plan)).sum((1, 2)), plan


@pytest.mark.parametrize("seed", range(100))
def test_finite_differences_of_the_entropic_objective(seed):
    case, direction = small(seed)
    epsilon, step = (0.5, 0.1, 0.05)[seed % 3], 1e-5
    _, plan = entropic_objective(case.cost, case, epsilon)
    ahead, _ = entropic_objective(case.cost + step * direction, case, epsilon)
    behind, _ = entropic_objective(case.cost - step * direction, case, epsilon)
    assert_close((ahead - behind) / (2 * step), (plan * direction).sum((1, 2)), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize(
    "solver",
    [
        lambda *problem: sinkhorn(*problem, epsilon=0.1),
        lambda *problem: sinkhorn(*problem, epsilon=0.1, backend="torch"),
        proximal_point,
        lambda *problem: proximal_point(*problem, backend="torch"),
        exact,
        lambda *problem: unbalanced_sinkhorn(*problem, epsilon=0.1, marginal_penalty=1.0),
    ],
)
def test_the_plan_is_detached_and_the_gradient_of_the_value(case, solver, dtype):
    cost = case.cost.to(dtype).requires_grad_()
    answer = solver(cost, case.source, case.target)
    assert not answer.plan.requires_grad
    assert not answer.marginal_error.requires_grad
    answer.value.sum().backward()
    assert_close(cost.grad, answer.plan)


def test_a_forbidden_way_has_no_gradient(case):
    case.cost[0, 0, 0] = torch.inf
    cost = case.cost.requires_grad_()
    answer = sinkhorn(cost, case.source, case.target, epsilon=0.1)
    answer.value.sum().backward()
    assert cost.grad.isfinite().all()
    assert cost.grad[0, 0, 0] == 0


def test_no_graph_is_kept_where_none_is_wanted(case):
    cost = case.cost.requires_grad_()
    with torch.no_grad():
        assert not sinkhorn(cost, case.source, case.target, epsilon=0.1).value.requires_grad
