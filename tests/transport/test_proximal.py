import math

import pytest
import torch
from torch.testing import assert_close
from transport_problems import exact_value, random_case

from opticlir.transport import proximal_point, sinkhorn

FORMS = ["numba", "torch"]


@pytest.mark.parametrize("backend", FORMS)
def test_two_by_two_has_a_closed_form(backend):
    """After k steps the plan is the entropic one of epsilon beta / k."""
    half, swap = torch.tensor([[0.5, 0.5]]), torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
    for n_steps in (1, 3, 8):
        plan = proximal_point(swap, half, half, beta=2.0, max_iterations=n_steps, backend=backend).plan[0]
        assert (plan[0, 1] / plan[0, 0]).item() == pytest.approx(math.exp(-n_steps / 2.0), rel=1e-4)


def test_compiled_and_plain_forms_agree_with_float64_at_every_step(case):
    for n_steps in (1, 2, 6, 50):
        reference = proximal_point(*case.double(), max_iterations=n_steps)
        for backend in FORMS:
            answer = proximal_point(*case, max_iterations=n_steps, backend=backend)
            assert_close(answer.plan.double(), reference.plan, atol=1e-6, rtol=0)
            assert_close(answer.value.double(), reference.value, atol=1e-6, rtol=0)
            assert_close(answer.duality_gap.double(), reference.duality_gap, atol=5e-6, rtol=0)
            assert answer.n_iterations.eq(n_steps).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 16), (33, 40)])
def test_every_width_of_block_gives_the_same_as_the_plain_form(size):
    case = random_case(3, *size, seed=1)
    answer, plain = (proximal_point(*case, backend=backend) for backend in FORMS)
    assert_close(answer.plan, plain.plan, atol=2e-6, rtol=0)


def test_it_comes_closer_to_exact_than_a_blurred_plan(case):
    exact = torch.tensor([exact_value(*one) for one in zip(*case, strict=True)])
    sharp, blurred = proximal_point(*case), sinkhorn(*case, epsilon=0.1)
    assert ((sharp.value - exact).abs() / exact < 0.03).all()
    assert ((sharp.value - exact) < 0.3 * (blurred.value - exact)).all()
    assert (sharp.value - sharp.duality_gap <= exact + 1e-6).all()


def test_many_steps_reach_the_exact_cost():
    """POT 0.9.7's batched form of this method ends 9 times above it."""
    case = random_case(16, 10, 10, seed=4, keep=1.0)
    exact = torch.tensor([exact_value(*one) for one in zip(*case, strict=True)])
    answer = proximal_point(*case, beta=0.1, max_iterations=400)
    assert_close(answer.value, exact, rtol=2e-3, atol=0)


def test_padding_changes_nothing(case):
    bare = proximal_point(*case)
    padded = proximal_point(
        torch.nn.functional.pad(case.cost, (0, 3, 0, 2), value=float("nan")),
        torch.nn.functional.pad(case.source, (0, 2)),
        torch.nn.functional.pad(case.target, (0, 3)),
    )
    assert_close(padded.plan[:, :12, :9], bare.plan, atol=1e-7, rtol=0)
    assert padded.plan[:, 12:].eq(0).all()
    assert padded.plan[:, :, 9:].eq(0).all()


@pytest.mark.parametrize("beta", [0.0, -0.5, float("nan")])
def test_a_strength_that_cannot_be_is_refused(case, beta):
    with pytest.raises(ValueError, match=f"beta is {beta}: expected a finite number > 0"):
        proximal_point(*case, beta=beta)
