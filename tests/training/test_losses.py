import math

import pytest
import torch
from scipy.optimize import linear_sum_assignment

from opticlir import transport
from opticlir.training.losses import (
    METHODS,
    DistillationLoss,
    TokenBatch,
    TransportConfig,
    contrastive,
    objectives,
    optical,
)

AXES = torch.eye(2)[None]
TURNED = torch.tensor([[[0.6, 0.8], [1.0, 0.0]]])  # costs to the axes: .4, 0 and .2, 1


def full(tokens):
    return torch.ones(tokens.shape[:2], dtype=torch.bool)


def batch_of(student, teacher):
    return TokenBatch(student, full(student), teacher, full(teacher))


def random_batch(seed, *, sizes=((5, 4), (2, 6), (1, 1)), dim=8, dtype=torch.float32):
    """Ragged pairs of unit rows, padded with rows that would be the best match of all."""
    generator = torch.Generator().manual_seed(seed)
    sides = []
    for side in (0, 1):
        lengths = torch.tensor([size[side] for size in sizes])
        tokens = torch.randn(len(sizes), int(lengths.max()), dim, generator=generator, dtype=dtype)
        tokens = torch.nn.functional.normalize(tokens, dim=2)
        mask = torch.arange(int(lengths.max())) < lengths[:, None]
        sides += [tokens, mask]
    return TokenBatch(*sides)


def padded(batch, extra, value):
    """The same batch with `extra` more columns of padding on each side."""

    def pad(tokens):
        return torch.nn.functional.pad(tokens, (0, 0, 0, extra), value=value)

    def pad_mask(mask):
        return torch.nn.functional.pad(mask, (0, extra))

    return TokenBatch(
        pad(batch.student), pad_mask(batch.student_mask), pad(batch.teacher), pad_mask(batch.teacher_mask)
    )


OBJECTIVES = {
    "proximal": lambda batch: optical(batch, TransportConfig()),
    "sinkhorn": lambda batch: optical(batch, TransportConfig(solver="sinkhorn")),
    "contrastive": lambda batch: contrastive(batch, 0.05),
}


def test_optical_worked_by_hand():
    """Of the two ways to pair, 0 and .2 are cheaper than .4 and 1; each token carries half of the mass."""
    assert optical(batch_of(AXES, TURNED), TransportConfig()).item() == pytest.approx(0.1, abs=1e-3)


def test_optical_with_sinkhorn_has_a_closed_form_on_two_by_two():
    """The plan is [[p, q], [q, p]] with p / q = exp(-(.4 + 1 - 0 - .2) / (2 epsilon)) and p + q = 1/2."""
    ratio = math.exp(-1.2 / (2 * 0.3))
    p = 0.5 * ratio / (1 + ratio)
    config = TransportConfig(solver="sinkhorn", epsilon=0.3, max_iterations=500)
    expected = p * (0.4 + 1.0) + (0.5 - p) * 0.2
    assert optical(batch_of(AXES, TURNED), config).item() == pytest.approx(expected, rel=1e-3)


def test_optical_is_the_mean_over_the_pairs():
    both = batch_of(torch.cat([AXES, AXES]), torch.cat([TURNED, AXES]))
    assert optical(both, TransportConfig()).item() == pytest.approx(0.1 / 2, abs=1e-3)


def test_optical_is_close_to_the_exact_transport_cost():
    for seed in range(10):
        batch = random_batch(seed, sizes=((7, 7),))
        cost = 1 - (batch.student[0] @ batch.teacher[0].T).numpy()
        exact = cost[linear_sum_assignment(cost)].mean()
        assert exact - 1e-4 <= optical(batch, TransportConfig()).item() <= exact + 0.02


def test_contrastive_worked_by_hand():
    """One token a side: scores 1 and .6 for the first query, 0 and .8 for the second."""
    student, teacher = torch.eye(2)[:, None], torch.tensor([[[1.0, 0.0]], [[0.6, 0.8]]])
    expected = (math.log(1 + math.exp((0.6 - 1) / 0.5)) + math.log(1 + math.exp((0 - 0.8) / 0.5))) / 2
    assert contrastive(batch_of(student, teacher), 0.5).item() == pytest.approx(expected, rel=1e-6)


def test_contrastive_counts_per_query_token():
    """A query that says everything twice has the scores of the query that says it once."""
    student, teacher = torch.eye(2)[:, None], torch.tensor([[[1.0, 0.0]], [[0.6, 0.8]]])
    once, twice = (contrastive(batch_of(student.repeat(1, n, 1), teacher), 0.5).item() for n in (1, 2))
    assert twice == pytest.approx(once, rel=1e-6)


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("value", [0.0, 0.9, -3.0])
def test_padding_changes_nothing(name, value):
    for seed in range(5):
        batch = random_batch(seed)
        more = padded(batch, 3, value)
        assert OBJECTIVES[name](more).item() == pytest.approx(OBJECTIVES[name](batch).item(), abs=2e-6)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_no_gradient_goes_to_padding_or_to_the_teacher(name):
    batch = random_batch(0)
    student, teacher = batch.student.clone().requires_grad_(), batch.teacher.clone()
    OBJECTIVES[name](TokenBatch(student, batch.student_mask, teacher, batch.teacher_mask)).backward()
    assert student.grad[~batch.student_mask].eq(0).all()
    assert student.grad[batch.student_mask].ne(0).any()
    assert torch.isfinite(student.grad).all()


@pytest.mark.parametrize("solver", ["proximal", "sinkhorn"])
def test_the_gradient_of_optical_is_right_at_a_fixed_plan(monkeypatch, solver):
    batch = random_batch(1, dtype=torch.float64)
    name = {"proximal": "proximal_point", "sinkhorn": "sinkhorn"}[solver]
    solved = []
    solve = getattr(transport, name)

    def once(*arguments, **settings):
        if not solved:
            solved.append(solve(*arguments, **settings))
        return solved[0]

    monkeypatch.setattr(transport, name, once)

    def loss(student):
        return optical(
            TokenBatch(student, batch.student_mask, batch.teacher, batch.teacher_mask),
            TransportConfig(solver=solver),
        )

    assert torch.autograd.gradcheck(loss, (batch.student.requires_grad_(),))
    assert solved[0].plan.dtype == torch.float64
    assert not solved[0].plan.requires_grad


def test_the_gradient_of_optical_is_that_of_the_exact_cost():
    """The envelope theorem, against finite differences of the assignment problem."""
    batch = random_batch(3, sizes=((5, 5),), dtype=torch.float64)
    student = batch.student.clone().requires_grad_()
    config = TransportConfig(max_iterations=400)
    optical(TokenBatch(student, batch.student_mask, batch.teacher, batch.teacher_mask), config).backward()

    def exact(tokens):
        cost = 1 - (tokens @ batch.teacher[0].T).numpy()
        return cost[linear_sum_assignment(cost)].mean()

    for row, column in ((0, 0), (2, 3), (4, 7)):
        step = torch.zeros_like(batch.student[0])
        step[row, column] = 1e-5
        slope = (exact(batch.student[0] + step) - exact(batch.student[0] - step)) / 2e-5
        assert student.grad[0, row, column].item() == pytest.approx(slope, abs=5e-3)


def test_the_gradient_of_contrastive_is_right():
    batch = random_batch(2, dtype=torch.float64)

    def loss(student):
        return contrastive(TokenBatch(student, batch.student_mask, batch.teacher, batch.teacher_mask), 0.5)

    assert torch.autograd.gradcheck(loss, (batch.student.requires_grad_(),))


def test_a_side_without_tokens_costs_nothing_and_is_not_contrasted_away():
    empty = TokenBatch(AXES, torch.zeros(1, 2, dtype=torch.bool), TURNED, full(TURNED))
    assert optical(empty, TransportConfig()).item() == 0
    two = TokenBatch(
        torch.cat([AXES, AXES]), full(torch.cat([AXES, AXES])), torch.cat([TURNED, TURNED]),
        torch.tensor([[True, True], [False, False]]),
    )  # fmt: skip
    assert math.isfinite(contrastive(two, 0.05).item())


def test_every_method_is_made_of_objectives_that_exist():
    known = objectives(TransportConfig(), 0.05)
    for method, parts in METHODS.items():
        assert parts, method
        for name, weight in parts.items():
            assert name in known
            assert weight > 0
    batch = random_batch(0)
    assert known["optical"](batch).item() == pytest.approx(OBJECTIVES["proximal"](batch).item())
    assert known["contrastive"](batch).item() == pytest.approx(OBJECTIVES["contrastive"](batch).item())
    other = objectives(TransportConfig(solver="sinkhorn"), 1.0)
    assert other["optical"](batch).item() == pytest.approx(OBJECTIVES["sinkhorn"](batch).item())
    assert other["contrastive"](batch).item() != pytest.approx(OBJECTIVES["contrastive"](batch).item())


# the module that the trainer calls


class Echo(torch.nn.Module):
    """A model that gives its one weight times what it is given."""

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(()))

    def forward(self, inputs, task):
        assert task == "query"
        return {"token_embeddings": self.scale * inputs["states"], "attention_mask": inputs["mask"]}


def inputs_of(batch):
    return {
        "states": batch.student, "mask": batch.student_mask.long(), "teacher_tokens": batch.teacher,
        "teacher_mask": batch.teacher_mask, "pairs": torch.tensor([7, 8, 9]),
    }  # fmt: skip


def test_the_loss_gives_each_part_by_name_and_weight():
    batch = random_batch(0)
    parts = {"first": (OBJECTIVES["proximal"], 2.0), "second": (OBJECTIVES["contrastive"], 0.5)}
    losses = DistillationLoss(Echo(), parts)([inputs_of(batch)], None)
    assert losses["first"].item() == pytest.approx(2 * OBJECTIVES["proximal"](batch).item())
    assert losses["second"].item() == pytest.approx(0.5 * OBJECTIVES["contrastive"](batch).item())
    sum(losses.values()).backward()


def test_the_loss_holds_the_student_and_nothing_else():
    """What hangs on the loss is saved and wrapped with it: the teacher must not."""
    loss = DistillationLoss(Echo(), {"optical": (OBJECTIVES["proximal"], 1.0)})
    assert [name for name, _ in loss.named_children()] == ["model"]
    assert list(loss.state_dict()) == ["model.scale"]


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_loss_that_is_not_finite_names_its_part_and_pairs(name, value):
    batch = random_batch(0)
    batch.student[1, 0, 3] = value
    loss = DistillationLoss(Echo(), {name: (OBJECTIVES[name], 1.0)})
    with pytest.raises(FloatingPointError, match=rf"the {name} loss is \S+ on pairs \[7, 8, 9\]"):
        loss([inputs_of(batch)])


def test_half_precision_states_are_weighed_in_float32():
    batch = random_batch(0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses = DistillationLoss(Echo(), {"optical": (OBJECTIVES["proximal"], 1.0)})([inputs_of(batch)])
    assert losses["optical"].dtype == torch.float32
    assert losses["optical"].item() == pytest.approx(OBJECTIVES["proximal"](batch).item(), abs=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"solver": "exact"}, "transport solver is 'exact': expected 'proximal' or 'sinkhorn'"),
        ({"beta": 0.0}, "beta is 0.0: expected a finite number above 0"),
        ({"epsilon": -1.0}, "epsilon is -1.0: expected a finite number above 0"),
        ({"epsilon": math.nan}, "epsilon is nan: expected a finite number above 0"),
        ({"max_iterations": 0}, "max_iterations is 0: expected at least 1"),
    ],
)
def test_settings_no_solver_can_work_with_are_refused_before_anything_is_loaded(settings, message):
    with pytest.raises(ValueError, match=message):
        TransportConfig(**settings)

