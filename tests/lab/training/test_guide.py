"""The mathematics of a plan guided by word alignment: by hand, by slow twins, and by laws."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from opticlir.lab.training.guide import SMOOTHING, guiding_plan, lift_of
from opticlir.lab.training.guided import LabTransportConfig, guided_optical, guided_plan
from opticlir.lab.training.word_guide import Links
from opticlir.training.objectives import TokenBatch

HALF = torch.tensor([[0.5, 0.5]])
THIRDS = torch.full((1, 3), 1 / 3)
NEAR = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
CROSSED = torch.tensor([[[0.0, 0.6], [0.6, 0.0]]])
SOLVERS = ("proximal", "sinkhorn", "annealed", "exact", "unbalanced")


def problem_of(seed, m=4, n=5, dtype=torch.float32):
    """Cost, marginals with padding, and sparse links of two pairs."""
    generator = torch.Generator().manual_seed(seed)
    cost, links = (torch.rand(2, m, n, generator=generator, dtype=dtype) for _ in range(2))
    masses = [torch.rand(2, size, generator=generator, dtype=dtype) + 0.1 for size in (m, n)]
    masses[0][1, -1] = masses[1][0, -1] = 0
    links = torch.where(torch.rand(2, m, n, generator=generator) < 0.3, links, 0.0)
    return cost, *(mass / mass.sum(1, keepdim=True) for mass in masses), links


def test_lifts_of_two_words_by_hand():
    """Each word is linked to its own: .9 of it there, .1 anywhere, where chance is a half."""
    assert_close(lift_of(CROSSED, HALF), torch.tensor([[[0.1, 1.9], [1.9, 0.1]]]))


def test_lifts_of_a_word_in_two_pieces_and_of_one_without_a_link_by_hand():
    """The two pieces share the first word, p = .4 each; of the second nothing is known: 1 times chance."""
    links = torch.tensor([[[0.4, 0.4, 0.0], [0.0, 0.0, 0.0]]])
    assert_close(lift_of(links, THIRDS), torch.tensor([[[1.45, 1.45, 0.1], [1.0, 1.0, 1.0]]]))
    heavy = torch.tensor([[0.6, 0.2, 0.2]])  # the pieces share it by what they can take: .6 to .2
    expected = torch.tensor([[[0.9 / 0.8 + 0.1, 0.9 / 0.8 + 0.1, 0.1], [1.0, 1.0, 1.0]]])
    assert_close(lift_of(links, heavy), expected)


def test_likelier_translations_get_more():
    lift = lift_of(torch.tensor([[[0.6, 0.2, 0.0]]]), THIRDS)
    assert_close(lift, torch.tensor([[[0.9 * 2.25 + 0.1, 0.9 * 0.75 + 0.1, 0.1]]]))


def test_a_link_to_a_token_that_takes_no_part_is_none():
    lift = lift_of(torch.tensor([[[0.0, 0.9]]]), torch.tensor([[1.0, 0.0]]))
    assert_close(lift, torch.ones(1, 1, 2))


def test_the_plan_of_links_alone_by_hand():
    """Two pieces of one word and another word: a plan of 2 x 2 whose odds are those of the links."""
    links = torch.tensor([[[0.4, 0.4, 0.0], [0.0, 0.0, 0.7]]])
    plan = guiding_plan(lift_of(links, THIRDS), HALF, THIRDS)[0]
    odds = (2 * 1.45) * 2.8 / (0.1 * 2 * 0.1)
    # x on the pieces' side of the first row: x (x - 1/6) = odds (1/2 - x) (2/3 - x)
    a, b, c = odds - 1, -(odds * 7 / 6 - 1 / 6), odds / 3
    x = (-b - math.sqrt(b * b - 4 * a * c)) / (2 * a)
    expected = torch.tensor([[x / 2, x / 2, 0.5 - x], [1 / 3 - x / 2, 1 / 3 - x / 2, x - 1 / 6]])
    assert_close(plan, expected, atol=1e-4, rtol=0)  # the tolerance of the solver


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 6))
def test_a_coupling_of_links_is_one(seed, m, n):
    _, source, target, links = problem_of(seed, m + 1, n + 1)
    lift = lift_of(links, target)
    assert (lift >= SMOOTHING - 1e-6).all()
    coupling = source[:, :, None] * target[:, None, :] * lift
    assert_close(coupling.sum(2), source)
    plan = guiding_plan(lift, source, target)
    assert (plan >= 0).all()
    assert_close(plan.sum((1, 2)), torch.ones(2))
    assert_close(plan.sum(1), target)
    assert_close(plan.sum(2), source, atol=1e-2, rtol=0)  # it need not come to rest within its rounds


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(SOLVERS))
def test_a_guide_without_weight_or_at_the_end_is_none(seed, solver):
    *problem, links = problem_of(seed)
    plain = guided_plan(*problem, LabTransportConfig(solver=solver))
    for settings_, share_done in (
        ({"guide": "mixture", "guide_weight": 0.0}, 0.0),
        ({"guide": "mixture", "guide_weight": 0.7}, 1.0),
        ({"guide": "none", "guide_weight": 0.7}, 0.0),
        *([] if solver == "unbalanced" else [({"guide": "prior", "guide_weight": 0.0}, 0.0)]),
    ):
        config = LabTransportConfig(solver=solver, **settings_)
        assert torch.equal(guided_plan(*problem, config, links=links, share_done=share_done), plain)
        assert torch.equal(guided_plan(*problem, config), plain)


def test_a_mixture_falls_in_a_line():
    *problem, links = problem_of(3)
    config = LabTransportConfig(guide="mixture", guide_weight=0.8)
    plain = guided_plan(*problem, LabTransportConfig())
    alone = guiding_plan(lift_of(links, problem[2]), *problem[1:])
    for share_done, share in ((0.0, 0.8), (0.5, 0.4), (0.75, 0.2)):
        found = guided_plan(*problem, config, links=links, share_done=share_done)
        assert_close(found, (1 - share) * plain + share * alone)


def test_a_prior_of_the_weight_of_the_entropy_takes_its_place():
    """<P, C> + epsilon KL(P | Q), by Sinkhorn's scaling of Q exp(-C / epsilon) in plain words."""
    cost, source, target, links = problem_of(5, dtype=torch.float64)
    epsilon = 0.2
    config = LabTransportConfig(
        solver="sinkhorn", epsilon=epsilon, guide="prior", guide_weight=epsilon, max_iterations=2000
    )
    plan = source[:, :, None] * target[:, None, :] * lift_of(links, target) * torch.exp(-cost / epsilon)
    for _ in range(2000):
        plan = plan * (source / plan.sum(2).clamp_min(1e-300))[:, :, None]
        plan = plan * (target / plan.sum(1).clamp_min(1e-300))[:, None, :]
    for solver in ("sinkhorn", "annealed"):
        found = guided_plan(
            cost, source, target, LabTransportConfig(**vars(config) | {"solver": solver}), links=links
        )
        assert_close(found, plan, atol=1e-4, rtol=0)  # the tolerance of the solver


def test_the_odds_of_ipot_with_a_prior():
    """Scaling leaves odds: K steps have those of exp(-K C / beta) times those of Q to the power w K / beta."""
    cost = torch.tensor([[[0.1, 0.4], [0.3, 0.2]]], dtype=torch.float64)
    beta, weight, n_steps = 0.5, 0.2, 3
    config = LabTransportConfig(beta=beta, max_iterations=n_steps, guide="prior", guide_weight=weight)
    plan = guided_plan(cost, HALF.double(), HALF.double(), config, links=CROSSED.double())[0]

    def log_odds(matrix):
        return (matrix[0, 0] * matrix[1, 1] / (matrix[0, 1] * matrix[1, 0])).log().item()

    of_cost = (0.4 + 0.3 - 0.1 - 0.2) * n_steps / beta
    of_links = log_odds(lift_of(CROSSED.double(), HALF.double())[0]) * weight * n_steps / beta
    assert log_odds(plan) == pytest.approx(of_cost + of_links, abs=1e-5)


@pytest.mark.parametrize("solver", [solver for solver in SOLVERS if solver != "unbalanced"])
def test_heavy_links_turn_the_plan_and_the_loss_is_of_the_plain_cost(solver):
    """Each token lies on one of the other side, and is linked to the other: the plan goes there, at a cost of 1."""
    everything = torch.ones(1, 2).bool()
    batch = TokenBatch(
        torch.eye(2)[None], everything, torch.eye(2)[None], everything, (Links(probabilities=CROSSED),)
    )
    guided = LabTransportConfig(solver=solver, guide="prior", guide_weight=1.0)
    assert guided_optical(batch, LabTransportConfig(solver=solver)).item() == pytest.approx(0.0, abs=1e-3)
    assert guided_optical(batch, guided).item() == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("guide", ["prior", "mixture"])
def test_the_guided_plan_is_detached(guide):
    everything = torch.ones(1, 2).bool()
    student = torch.nn.functional.normalize(torch.tensor([[[1.0, 0.2], [0.3, 1.0]]]), dim=2).requires_grad_()
    config = LabTransportConfig(guide=guide, guide_weight=0.5)
    batch = TokenBatch(
        student,
        everything,
        torch.eye(2)[None],
        everything,
        (Links(probabilities=CROSSED),),
        share_of_stage=0.2,
    )
    guided_optical(batch, config).backward()
    cost = 1 - student.detach()
    plan = guided_plan(cost, HALF, HALF, config, links=CROSSED, share_done=0.2)
    # the cost falls with the cosine, which here is the student's coordinate
    direct = student.detach().clone().requires_grad_()
    (plan * (1 - torch.nn.functional.normalize(direct, dim=2))).sum().backward()
    along = (student.grad * student.detach()).sum(2, keepdim=True)
    assert_close(student.grad - along * student.detach(), direct.grad, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"guide": "table"}, r"transport guide is 'table': expected 'none' or 'prior' or 'mixture'"),
        ({"guide_weight": -0.1}, r"guide_weight is -0\.1: expected a finite number, 0 or more"),
        ({"guide_weight": math.nan}, r"guide_weight is nan: expected a finite number"),
        ({"guide_weight": math.inf}, r"guide_weight is inf: expected a finite number"),
        ({"guide": "mixture", "guide_weight": 1.5}, r"guide_weight is 1\.5: expected a share .* at most 1"),
        (
            {"guide": "prior", "solver": "unbalanced"},
            r"guide is 'prior' and solver is 'unbalanced'.*'mixture'",
        ),
    ],
)
def test_what_no_guide_is(wrong, message):
    with pytest.raises(ValueError, match=message):
        LabTransportConfig(**wrong)
