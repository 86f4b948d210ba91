import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from torch.testing import assert_close
from transport_problems import exact_value, random_case

from opticlir.errors import SetupError
from opticlir.transport import exact, uniform

FORMS = ["numba", "libraries"]


@pytest.mark.parametrize("backend", FORMS)
def test_three_by_two_by_hand(backend):
    """The dear middle token is split as the two columns need it."""
    cost = torch.tensor([[[0.0, 5.0], [2.0, 3.0], [9.0, 1.0]]])
    answer = exact(cost, torch.full((1, 3), 1 / 3), torch.tensor([[0.5, 0.5]]), backend=backend)
    expected = torch.tensor([[[1 / 3, 0.0], [1 / 6, 1 / 6], [0.0, 1 / 3]]])
    assert_close(answer.plan, expected, atol=1e-6, rtol=0)
    assert answer.value.item() == pytest.approx((2 + 3) / 6 + 1 / 3)
    assert answer.duality_gap.item() == pytest.approx(0, abs=1e-6)
    assert answer.converged.item()


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (6, 1), (8, 8), (13, 5), (32, 32), (40, 70), (90, 66)])
@pytest.mark.parametrize("backend", FORMS)
def test_no_plan_is_cheaper(size, backend):
    case = random_case(4, *size, seed=0)
    answer = exact(*case, backend=backend)
    expected = torch.tensor([exact_value(*one) for one in zip(*case, strict=True)])
    assert_close(answer.value, expected, atol=2e-6, rtol=0)
    assert answer.duality_gap.abs().max() < 3e-6
    assert answer.converged.all()
    assert (answer.plan > 0).flatten(1).sum(1).max() <= sum(size) - 1  # a vertex of the polytope
    assert answer.plan.min() >= 0


def test_assignments_are_those_of_scipy():
    cost = torch.rand(20, 30, 30, generator=torch.Generator().manual_seed(1))
    mass = uniform(torch.ones(20, 30, dtype=torch.bool))
    plan = exact(cost, mass, mass).plan
    for number in range(20):
        rows, columns = linear_sum_assignment(cost[number].numpy())
        expected = torch.zeros(30, 30)
        expected[rows, columns] = 1 / 30
        assert_close(plan[number], expected)


def test_equal_costs_and_duplicate_tokens():
    cost = torch.zeros(1, 6, 9)
    cost[0, :, 4:] = 1.0
    answer = exact(cost, torch.full((1, 6), 1 / 6), torch.full((1, 9), 1 / 9))
    assert answer.value.item() == pytest.approx(5 / 9)
    assert answer.converged.item()


@given(seed=st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_order_and_direction_change_nothing(seed):
    case = random_case(3, 9, 6, seed=seed)
    value = exact(*case).value
    generator = torch.Generator().manual_seed(seed)
    rows, columns = torch.randperm(9, generator=generator), torch.randperm(6, generator=generator)
    assert_close(
        exact(case.cost[:, rows][:, :, columns], case.source[:, rows], case.target[:, columns]).value, value
    )
    assert_close(exact(case.cost.mT, case.target, case.source).value, value)


@pytest.mark.parametrize("backend", FORMS)
def test_forbidden_ways_are_not_taken(backend):
    cost = torch.tensor([[[0.0, torch.inf, 1.0], [torch.inf, 0.0, torch.inf], [0.1, 0.2, torch.inf]]])
    third = torch.full((1, 3), 1 / 3)
    answer = exact(cost, third, third, backend=backend)
    assert_close(answer.plan * 3, torch.tensor([[[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]]))
    assert answer.value.item() == pytest.approx(1.1 / 3)


@pytest.mark.parametrize("backend", FORMS)
def test_without_a_way_for_all_mass_there_is_no_answer(backend):
    """Two tokens that may both go to one column only."""
    cost = torch.tensor([[[0.0, torch.inf], [0.0, torch.inf]], [[0.0, 1.0], [1.0, 0.0]]])
    half = torch.full((2, 2), 0.5)
    answer = exact(cost, half, half, backend=backend)
    assert answer.converged.tolist() == [False, True]
    assert not answer.plan.isnan().any()


@pytest.mark.parametrize("backend", FORMS)
def test_padding_changes_nothing(case, backend):
    bare = exact(*case, backend=backend)
    padded = exact(
        torch.nn.functional.pad(case.cost, (0, 3, 0, 2), value=float("nan")),
        torch.nn.functional.pad(case.source, (0, 2)),
        torch.nn.functional.pad(case.target, (0, 3)),
        backend=backend,
    )
    assert_close(padded.plan[:, :12, :9], bare.plan, atol=1e-7, rtol=0)
    assert padded.plan[:, 12:].eq(0).all()


def test_float64_keeps_float64(case):
    answer = exact(*case.double())
    assert answer.plan.dtype == answer.value.dtype == torch.float64
    expected = [exact_value(*one) for one in zip(*case.double(), strict=True)]
    assert answer.value.tolist() == pytest.approx(expected, rel=1e-7)  # masses that sum to 1 in float32


def test_the_plan_is_the_gradient(case):
    cost = case.cost.clone().requires_grad_()
    answer = exact(cost, case.source, case.target)
    answer.value.sum().backward()
    assert_close(cost.grad, answer.plan)


def test_libraries_without_pot_say_what_to_install(case, monkeypatch):
    monkeypatch.setitem(sys.modules, "ot", None)
    with pytest.raises(
        SetupError, match=r"needs POT for all but assignments: pip install 'opticlir\[exact\]'"
    ):
        exact(*case, backend="libraries")
    mass = torch.full((1, 4), 0.25)
    assert exact(torch.rand(1, 4, 4), mass, mass, backend="libraries").converged.item()


def test_a_form_it_does_not_have_is_refused(case, unchecked):
    with pytest.raises(ValueError, match="backend is 'torch': expected 'auto', 'numba' or 'libraries'"):
        exact(*case, backend="torch")


def test_numbers_that_make_no_sense_are_refused(case):
    case.cost[2, case.source[2].argmax(), case.target[2].argmax()] = float("nan")
    with pytest.raises(ValueError, match="the cost of problem 2 holds a NaN or minus infinity"):
        exact(*case)
    case.source[1, 0] = -1
    with pytest.raises(ValueError, match="a marginal of problem 1 holds"):
        exact(*case)
