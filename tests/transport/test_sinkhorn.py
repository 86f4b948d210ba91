import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import pad
from torch.testing import assert_close
from transport_problems import random_case

from opticlir.transport import sinkhorn

HALF = torch.tensor([[0.5, 0.5]])
SWAP = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
FORMS = ["numba", "torch"]


@pytest.mark.parametrize("backend", FORMS)
def test_two_by_two_has_a_closed_form(backend):
    plan = sinkhorn(SWAP, HALF, HALF, epsilon=0.5, backend=backend).plan[0]
    assert (plan[0, 1] / plan[0, 0]).item() == pytest.approx(math.exp(-1 / 0.5), rel=1e-5)
    assert plan.sum().item() == pytest.approx(1)


@pytest.mark.parametrize("backend", FORMS)
def test_measures_by_hand(backend):
    """One source token, so one plan: it ships what each target wants."""
    answer = sinkhorn(
        torch.tensor([[[1.0, 3.0]]]),
        torch.tensor([[1.0]]),
        torch.tensor([[0.25, 0.75]]),
        epsilon=0.1,
        backend=backend,
    )
    assert_close(answer.plan, torch.tensor([[[0.25, 0.75]]]))
    assert answer.value.item() == pytest.approx(0.25 * 1 + 0.75 * 3)
    assert answer.marginal_error.item() == pytest.approx(0, abs=1e-6)
    assert answer.duality_gap.item() == pytest.approx(0, abs=1e-5)
    assert answer.converged.item()


@pytest.mark.parametrize("epsilon", [1.0, 0.1, 0.03])
def test_compiled_and_plain_forms_agree_with_float64_at_every_step(case, epsilon):
    for n_iterations in (1, 2, 7, 30):
        reference = sinkhorn(*case.double(), epsilon=epsilon, max_iterations=n_iterations, tolerance=0.0)
        for backend in FORMS:
            answer = sinkhorn(
                *case, epsilon=epsilon, max_iterations=n_iterations, tolerance=0.0, backend=backend
            )
            # float32 potentials of about 1 have errors of 1e-7, which epsilon magnifies in the plan
            assert_close(answer.plan.double(), reference.plan, atol=1e-7 / epsilon, rtol=0)
            assert_close(answer.value.double(), reference.value, atol=1e-6, rtol=0)
            assert_close(answer.marginal_error.double(), reference.marginal_error, atol=1e-6, rtol=0)
            assert_close(answer.duality_gap.double(), reference.duality_gap, atol=2e-6, rtol=0)


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 9), (7, 8), (8, 7), (9, 16), (17, 24), (33, 40), (65, 50), (130, 20)]
)
def test_every_width_of_block_gives_the_same_as_the_plain_form(size):
    case = random_case(3, *size, seed=1, keep=0.9)
    answer, plain = (sinkhorn(*case, epsilon=0.1, tolerance=1e-6, backend=backend) for backend in FORMS)
    assert_close(answer.plan, plain.plan, atol=2e-6, rtol=0)
    assert answer.plan.sum().item() == pytest.approx(3, rel=1e-5)


def test_potentials_give_the_plan(case):
    answer = sinkhorn(*case, epsilon=0.2, tolerance=1e-6)
    f, g = answer.source_potential[:, :, None], answer.target_potential[:, None, :]
    has_mass = (case.source > 0)[:, :, None] & (case.target > 0)[:, None, :]
    plan = torch.where(has_mass, torch.exp((f + g - case.cost) / 0.2), 0.0)
    assert_close(answer.plan, plan, atol=1e-6, rtol=0)


@pytest.mark.parametrize("backend", FORMS)
def test_padding_changes_nothing(case, backend):
    """Padded columns and rows leave the real plan as it was, however cheap they are, and receive nothing."""
    bare = sinkhorn(*case, epsilon=0.1, backend=backend)
    for value in (-10.0, 0.0, float("nan"), float("inf"), -float("inf")):
        padded = sinkhorn(
            pad(case.cost, (0, 3, 0, 5), value=value),
            pad(case.source, (0, 5)),
            pad(case.target, (0, 3)),
            epsilon=0.1,
            backend=backend,
        )
        assert_close(padded.plan[:, :12, :9], bare.plan, atol=1e-7, rtol=0)
        assert padded.plan[:, 12:].eq(0).all()
        assert padded.plan[:, :, 9:].eq(0).all()
        assert_close(padded.value, bare.value)


@pytest.mark.parametrize("backend", FORMS)
def test_a_problem_does_not_depend_on_its_batch(case, backend):
    """Even one that never converges holds the others up in nothing."""
    hard = random_case(1, 12, 9, seed=5, spread=50.0)
    mixed = [torch.cat((one, other)) for one, other in zip(case, hard, strict=True)]
    together = sinkhorn(*mixed, epsilon=0.05, max_iterations=100, backend=backend)
    for number in range(6):
        alone = sinkhorn(
            *case.select(slice(number, number + 1)), epsilon=0.05, max_iterations=100, backend=backend
        )
        assert torch.equal(together.plan[number], alone.plan[0]) or backend == "torch"
        assert_close(together.plan[number], alone.plan[0], atol=1e-7, rtol=0)
        assert together.n_iterations[number] == alone.n_iterations[0]
    assert together.n_iterations[:6].max() < 100


@given(seed=st.integers(0, 2**31), shift=st.floats(-5, 5))
@settings(max_examples=30, deadline=None)
def test_laws(seed, shift):
    """Order of tokens, direction and a constant added to all costs change nothing."""
    case = random_case(2, 7, 10, seed=seed)
    plan = sinkhorn(*case, epsilon=0.1, tolerance=1e-6).plan
    generator = torch.Generator().manual_seed(seed)
    rows, columns = torch.randperm(7, generator=generator), torch.randperm(10, generator=generator)
    permuted = sinkhorn(
        case.cost[:, rows][:, :, columns],
        case.source[:, rows],
        case.target[:, columns],
        epsilon=0.1,
        tolerance=1e-6,
    ).plan
    assert_close(permuted, plan[:, rows][:, :, columns], atol=2e-5, rtol=0)
    back = sinkhorn(case.cost.mT, case.target, case.source, epsilon=0.1, tolerance=1e-6).plan
    assert_close(back.mT, plan, atol=2e-5, rtol=0)
    shifted = sinkhorn(case.cost + shift, case.source, case.target, epsilon=0.1, tolerance=1e-6).plan
    assert_close(shifted, plan, atol=2e-5, rtol=0)
    stretched = sinkhorn(case.cost * 4, case.source, case.target, epsilon=0.4, tolerance=1e-6).plan
    assert_close(stretched, plan, atol=2e-5, rtol=0)


def test_smaller_epsilon_is_sharper_and_dearer_to_find(case):
    answers = [
        sinkhorn(*case, epsilon=epsilon, max_iterations=5000, tolerance=1e-5) for epsilon in (0.5, 0.1, 0.02)
    ]
    for blurred, sharp in pairwise(answers):
        assert (sharp.value < blurred.value).all()
        assert (sharp.duality_gap < blurred.duality_gap).all()


def test_lower_bound_is_below_every_plan(case):
    answer = sinkhorn(*case, epsilon=0.1)
    independent = case.source[:, :, None] * case.target[:, None, :]
    bound = answer.value - answer.duality_gap
    assert (bound <= (independent * case.cost).sum((1, 2))).all()
    assert (bound <= sinkhorn(*case, epsilon=0.01, max_iterations=5000).value + 1e-4).all()


def test_a_float64_tolerance_is_not_widened_to_that_of_float32(case):
    """Masses that sum to 1 in float32 only: no plan comes closer to both sides than about 1e-8."""
    cost, source, target = (tensor.double() for tensor in case)
    target = target * (1 + 1e-8)
    answer = sinkhorn(cost, source, target, epsilon=0.5, tolerance=1e-10)
    assert (answer.marginal_error > 1e-9).all()
    assert not answer.converged.any()
    assert sinkhorn(*case.double(), epsilon=0.5, tolerance=1e-10).converged.all()


@pytest.mark.parametrize("backend", FORMS)
def test_not_converging_is_reported(backend):
    case = random_case(4, 20, 20, seed=2)
    answer = sinkhorn(*case, epsilon=0.005, max_iterations=10, tolerance=1e-4, backend=backend)
    assert not answer.converged.any()
    assert (answer.marginal_error > 1e-4).all()
    assert answer.n_iterations.eq(10).all()


@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, 1e-6])
def test_converged_plans_keep_the_tolerance(case, tolerance):
    answer = sinkhorn(*case, epsilon=0.05, max_iterations=5000, tolerance=tolerance)
    assert answer.converged.all()
    rows = (answer.plan.sum(2) - case.source).abs().sum(1)
    columns = (answer.plan.sum(1) - case.target).abs().sum(1)
    assert_close(answer.marginal_error, rows + columns, atol=3e-7, rtol=0)
    assert (answer.marginal_error <= tolerance + 5e-7).all()


def test_over_relaxation_gets_there_sooner(case):
    """What plain iterations reach in many steps; tolerance 0 keeps them plain."""
    answer = sinkhorn(*case, epsilon=0.01, max_iterations=5000, tolerance=1e-5)
    plain = sinkhorn(*case, epsilon=0.01, max_iterations=5000, tolerance=1e-5, backend="torch")
    assert answer.converged.all()
    assert answer.n_iterations.sum() < 0.6 * plain.n_iterations.sum()
    assert_close(answer.plan, plain.plan, atol=2e-5, rtol=0)


@pytest.mark.parametrize("backend", FORMS)
def test_a_start_near_the_answer_saves_iterations(case, backend):
    first = sinkhorn(*case, epsilon=0.03, max_iterations=2000, tolerance=1e-5, backend=backend)
    again = sinkhorn(
        case.cost + 0.001,
        case.source,
        case.target,
        epsilon=0.03,
        max_iterations=2000,
        tolerance=1e-5,
        start=first.target_potential,
        backend=backend,
    )
    assert again.converged.all()
    assert again.n_iterations.max() <= 10
    assert_close(again.plan, first.plan, atol=1e-5, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_solved_in_float32(case, dtype):
    cost = case.cost.to(dtype)
    answer = sinkhorn(cost, case.source, case.target, epsilon=0.1)
    assert answer.plan.dtype == dtype
    assert answer.value.dtype == torch.float32
    assert_close(answer.plan, sinkhorn(cost.float(), case.source, case.target, epsilon=0.1).plan.to(dtype))


def test_views_are_read_where_they_lie(case):
    answer = sinkhorn(*case, epsilon=0.1)
    strided = torch.stack((case.cost, -case.cost), dim=3)[..., 0]
    assert not strided.is_contiguous()
    assert torch.equal(sinkhorn(strided, case.source, case.target, epsilon=0.1).plan, answer.plan)
    turned = case.cost.mT.contiguous().mT
    assert torch.equal(sinkhorn(turned, case.source, case.target, epsilon=0.1).plan, answer.plan)


def test_autocast_changes_nothing(case):
    bare = sinkhorn(*case, epsilon=0.1, backend="torch").plan
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(sinkhorn(*case, epsilon=0.1, backend="torch").plan, bare)


def test_inputs_are_left_as_they_were(case):
    copies = [tensor.clone() for tensor in case]
    for backend in FORMS:
        sinkhorn(*case, epsilon=0.1, backend=backend)
    assert all(torch.equal(tensor, copy) for tensor, copy in zip(case, copies, strict=True))


def test_a_large_batch_of_plans_is_written_past_the_caches_and_right():
    """From 8 MB on the kernel writes in another way."""
    case = random_case(2200, 32, 32, seed=3)
    answer = sinkhorn(*case, epsilon=0.3, tolerance=1e-5)
    assert answer.converged.all()
    some = slice(2100, 2110)
    assert_close(
        answer.plan[some], sinkhorn(*case.select(some), epsilon=0.3, tolerance=1e-5).plan, atol=0, rtol=0
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epsilon": 0.0}, "epsilon is 0.0: expected a finite number > 0"),
        ({"epsilon": -1.0}, "epsilon is -1.0"),
        ({"epsilon": float("nan")}, "epsilon is nan"),
        ({"epsilon": float("inf")}, "epsilon is inf"),
        ({"max_iterations": 0}, "max_iterations is 0: expected at least 1"),
        ({"tolerance": -1e-9}, "tolerance is -1e-09: expected a number >= 0"),
        ({"tolerance": float("nan")}, "tolerance is nan"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        sinkhorn(SWAP, HALF, HALF, **{"epsilon": 0.1, **changes})


@pytest.mark.parametrize(
    ("cost", "source", "target", "message"),
    [
        (
            (8, 12, 9),
            (8, 12),
            (8, 10),
            r"cost is \(8, 12, 9\) but target_marginal is \(8, 10\): expected \(8, 9\)",
        ),
        (
            (8, 12, 9),
            (8, 9),
            (8, 9),
            r"cost is \(8, 12, 9\) but source_marginal is \(8, 9\): expected \(8, 12\)",
        ),
        ((8, 12, 9), (7, 12), (8, 9), r"cost is \(8, 12, 9\) but source_marginal is \(7, 12\)"),
        ((12, 9), (8, 12), (8, 9), r"cost is \(12, 9\): expected \(batch, m, n\)"),
    ],
)
def test_shapes_that_do_not_fit_are_both_named(unchecked, cost, source, target, message):
    with pytest.raises(ValueError, match=message):
        sinkhorn(torch.zeros(cost), torch.ones(source), torch.ones(target), epsilon=0.1)


def test_a_start_of_another_shape_is_refused(unchecked):
    with pytest.raises(ValueError, match=r"cost is \(1, 2, 2\) but start is \(1, 3\): expected \(1, 2\)"):
        sinkhorn(SWAP, HALF, HALF, epsilon=0.1, start=torch.zeros(1, 3))


@pytest.mark.parametrize("backend", FORMS)
@pytest.mark.parametrize(
    ("cost", "message"),
    [(float("nan"), "the cost of problem 1 holds a NaN"), (-float("inf"), "the cost of problem 1 holds")],
)
def test_costs_that_make_no_sense_are_refused(case, cost, message, backend):
    case.cost[1, case.source[1].argmax(), case.target[1].argmax()] = cost
    with pytest.raises(ValueError, match=message):
        sinkhorn(*case, epsilon=0.1, backend=backend)


@pytest.mark.parametrize("backend", FORMS)
@pytest.mark.parametrize("mass", [float("nan"), float("inf"), -0.1])
def test_masses_that_make_no_sense_are_refused(case, mass, backend):
    case.target[4, 2] = mass
    with pytest.raises(
        ValueError, match=r"a marginal of problem 4 holds a NaN, an infinity or a negative number"
    ):
        sinkhorn(*case, epsilon=0.1, backend=backend)


def test_a_form_that_cannot_take_the_tensors_is_refused(case, unchecked):
    with pytest.raises(
        ValueError, match=r"backend is 'numba' but cost is torch.float64 on cpu: expected 'auto', 'torch'"
    ):
        sinkhorn(*case.double(), epsilon=0.1, backend="numba")
    with pytest.raises(ValueError, match=r"backend is 'other' but cost is torch.float32 on cpu.* or 'numba'"):
        sinkhorn(*case, epsilon=0.1, backend="other")
