import pytest
import torch
from torch.testing import assert_close
from transport_problems import random_case

from opticlir.transport import RaggedCost, proximal_point, sinkhorn

SIZES = [(3, 5), (5, 3), (1, 1), (17, 4), (4, 4), (40, 33), (1, 9)]


@pytest.fixture
def ragged():
    cases = [random_case(1, m, n, seed=m * n) for m, n in SIZES]
    return cases, (
        RaggedCost.of([case.cost[0] for case in cases]),
        torch.cat([case.source[0] for case in cases]),
        torch.cat([case.target[0] for case in cases]),
    )


@pytest.mark.parametrize("backend", ["numba", "torch"])
@pytest.mark.parametrize("solver", [lambda *p, **k: sinkhorn(*p, epsilon=0.1, **k), proximal_point])
def test_a_ragged_batch_is_a_loop(ragged, solver, backend):
    cases, problem = ragged
    answer = solver(*problem, backend=backend)
    for number, (case, plan) in enumerate(zip(cases, problem[0].split(answer.plan), strict=True)):
        alone = solver(*case, backend=backend)
        assert_close(plan, alone.plan[0], atol=1e-7, rtol=0)
        assert_close(answer.value[number], alone.value[0])
        assert answer.n_iterations[number] == alone.n_iterations[0]
    sources = torch.split(answer.source_potential, [m for m, _ in SIZES])
    assert_close(sources[3], solver(*cases[3], backend=backend).source_potential[0], atol=1e-6, rtol=0)


def test_the_plan_is_the_gradient(ragged):
    _, (cost, source, target) = ragged
    values = cost.values.clone().requires_grad_()
    answer = sinkhorn(RaggedCost(values, cost.n_source, cost.n_target), source, target, epsilon=0.1)
    (answer.value * torch.arange(len(SIZES))).sum().backward()
    weights = torch.repeat_interleave(torch.arange(len(SIZES)), cost.n_source * cost.n_target)
    assert_close(values.grad, answer.plan * weights)


def test_a_problem_without_tokens_has_no_answer():
    cost = RaggedCost(torch.rand(4), torch.tensor([0, 2, 3]), torch.tensor([2, 2, 0]))
    answer = sinkhorn(
        cost, torch.tensor([0.5, 0.5, 0.2, 0.3, 0.5]), torch.tensor([0.5, 0.5, 0.5, 0.5]), epsilon=0.1
    )
    assert answer.converged.tolist() == [False, True, False]


def test_sums_by_hand():
    cost = RaggedCost.of([torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[5.0, 6.0, 7.0]])])
    rows, columns = cost.sums(cost.values)
    assert rows.tolist() == [3, 7, 18]
    assert columns.tolist() == [4, 6, 5, 6, 7]


def test_sizes_that_do_not_add_up_are_refused(unchecked):
    with pytest.raises(ValueError, match=r"values is \(5,\) but n_source and n_target ask for \(6,\)"):
        RaggedCost(torch.zeros(5), torch.tensor([2]), torch.tensor([3]))
    with pytest.raises(ValueError, match=r"n_source is \(1,\) but n_target is \(2,\)"):
        RaggedCost(torch.zeros(5), torch.tensor([2]), torch.tensor([3, 1]))


def test_marginals_that_do_not_fit_are_refused(ragged, unchecked):
    _, (cost, source, target) = ragged
    with pytest.raises(
        ValueError, match=r"the ragged cost has 71 sources and 59 targets but source_marginal is \(70,\)"
    ):
        sinkhorn(cost, source[1:], target, epsilon=0.1)
