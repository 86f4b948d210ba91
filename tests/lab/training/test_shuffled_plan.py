"""Plans that ignore the tokens: the same masses, another alignment."""

import pytest
import torch
from torch.testing import assert_close

from opticlir.errors import DataError
from opticlir.lab.training.config import make_config
from opticlir.lab.training.extension import LabExtension
from opticlir.lab.training.shuffled_plan import SHUFFLES, shuffled_plan
from opticlir.training.objectives import PlanCounter, TokenBatch, TransportConfig, transport_plan
from opticlir.transport import cosine_cost, uniform

HOWS = SHUFFLES[1:]


def batch_of(n_student=6, n_teacher=8, share_done=0.25):
    generator = torch.Generator().manual_seed(0)
    sides = [
        torch.nn.functional.normalize(torch.randn(3, n, 5, generator=generator), dim=2)
        for n in (n_student, n_teacher)
    ]
    masks = [torch.arange(n)[None] < torch.tensor([[n], [n - 2], [3]]) for n in (n_student, n_teacher)]
    return TokenBatch(sides[0], masks[0], sides[1], masks[1], share_done=share_done)


@pytest.mark.parametrize("how", HOWS)
def test_every_token_keeps_its_mass(how):
    batch = batch_of()
    cost = cosine_cost(batch.student, batch.teacher)
    plan = shuffled_plan(batch, cost, TransportConfig(solver="exact"), how)
    assert_close(plan.sum(dim=2), uniform(batch.student_mask), atol=1e-5, rtol=0)
    assert_close(plan.sum(dim=1), uniform(batch.teacher_mask), atol=1e-5, rtol=0)


def test_columns_are_those_of_the_plan_in_another_order():
    batch = batch_of()
    cost = cosine_cost(batch.student, batch.teacher)
    config = TransportConfig(solver="exact")
    plan = transport_plan(cost, uniform(batch.student_mask), uniform(batch.teacher_mask), config)
    found = shuffled_plan(batch, cost, config, "columns")
    assert not torch.equal(found, plan)
    assert_close(found.sort(dim=2).values, plan.sort(dim=2).values)
    assert torch.equal(found, shuffled_plan(batch, cost, config, "columns")), (
        "a resumed training draws the same"
    )
    later = shuffled_plan(batch_of(share_done=0.5), cost, config, "columns")
    assert not torch.equal(found, later)


def test_sentences_of_one_length_are_aligned_in_order():
    batch = batch_of(4, 4)
    plan = shuffled_plan(batch, cosine_cost(batch.student, batch.teacher), TransportConfig(), "position")
    assert_close(plan[0], torch.eye(4) / 4)
    assert_close(plan[2], torch.diag(torch.tensor([1.0, 1.0, 1.0, 0.0])) / 3)


@pytest.mark.parametrize("how", HOWS)
def test_the_objective_uses_it(how):
    batch = batch_of()
    config = make_config(
        {"language": "swa", "method": "optical", "transport": {"shuffle": how}}, source="test"
    )
    cost = cosine_cost(batch.student, batch.teacher)
    expected = (shuffled_plan(batch, cost, config.transport, how) * cost).sum(dim=(1, 2)).mean()
    assert LabExtension(config).objectives(config, PlanCounter())["optical"](batch).item() == pytest.approx(
        expected.item()
    )
    plain = make_config({"language": "swa", "method": "optical"}, source="test")
    assert LabExtension(plain).objectives(plain, PlanCounter())["optical"](batch).item() < expected.item()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"method": "optical", "transport": {"shuffle": "rows"}},
            "transport shuffle is 'rows': expected 'none' or",
        ),
        (
            {"method": "optical", "transport": {"shuffle": "uniform", "guide": "prior"}},
            "expected guide 'none'",
        ),
        (
            {"method": "optical", "transport": {"shuffle": "uniform", "solver": "unbalanced"}},
            "take another solver",
        ),
        ({"method": "mse", "transport": {"shuffle": "uniform"}}, "which only optical uses"),
    ],
)
def test_what_does_not_fit_is_refused(settings, said):
    with pytest.raises(DataError, match=said):
        make_config({"language": "swa", **settings}, source="test")
