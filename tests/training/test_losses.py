import math

import pytest
import torch
from scipy.optimize import linear_sum_assignment

from opticlir import transport
from opticlir.training.bitext_batch import BitextBatch
from opticlir.training.losses import DistillationLoss, Moment
from opticlir.training.objectives import Objective, TokenBatch, TransportConfig, contrastive, optical

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


def default_optical(batch):
    return optical(batch, TransportConfig())


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


def test_optical_is_close_to_the_exact_transport_cost():
    for seed in range(10):
        batch = random_batch(seed, sizes=((7, 7),))
        cost = 1 - (batch.student[0] @ batch.teacher[0].T).numpy()
        exact = cost[linear_sum_assignment(cost)].mean()
        assert exact - 1e-4 <= optical(batch, TransportConfig()).item() <= exact + 0.02


SOLVERS = {"proximal": "proximal_point", "sinkhorn": "sinkhorn"}


@pytest.mark.parametrize("solver", SOLVERS)
def test_no_gradient_goes_to_padding(solver):
    batch = random_batch(0)
    student = batch.student.clone().requires_grad_()
    optical(
        TokenBatch(student, batch.student_mask, batch.teacher, batch.teacher_mask),
        TransportConfig(solver=solver),
    ).backward()
    assert student.grad[~batch.student_mask].eq(0).all()
    assert student.grad[batch.student_mask].ne(0).any(dim=1).all()


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_gradient_of_optical_is_right_at_a_fixed_plan(monkeypatch, solver):
    batch = random_batch(1, dtype=torch.float64)
    solve, solved = getattr(transport, SOLVERS[solver]), []

    def once(*arguments, **settings):
        if not solved:
            solved.append(solve(*arguments, **settings))
        return solved[0]

    monkeypatch.setattr(transport, SOLVERS[solver], once)

    def loss(student):
        tokens = TokenBatch(student, batch.student_mask, batch.teacher, batch.teacher_mask)
        return optical(tokens, TransportConfig(solver=solver))

    assert torch.autograd.gradcheck(loss, (batch.student.requires_grad_(),))
    assert solved[0].plan.dtype == torch.float64
    assert not solved[0].plan.requires_grad


def test_the_gradient_of_optical_is_that_of_the_exact_cost():
    """The envelope theorem, against finite differences of the assignment problem."""
    batch = random_batch(3, sizes=((5, 5),), dtype=torch.float64)
    student = batch.student.clone().requires_grad_()
    tokens = TokenBatch(student, batch.student_mask, batch.teacher, batch.teacher_mask)
    optical(tokens, TransportConfig(max_iterations=400)).backward()

    def exact(rows):
        cost = 1 - (rows @ batch.teacher[0].T).numpy()
        return cost[linear_sum_assignment(cost)].mean()

    for row, column in ((0, 0), (2, 3), (4, 7)):
        step = torch.zeros_like(batch.student[0])
        step[row, column] = 1e-5
        slope = (exact(batch.student[0] + step) - exact(batch.student[0] - step)) / 2e-5
        assert student.grad[0, row, column].item() == pytest.approx(slope, abs=5e-3)


def test_contrastive_counts_per_query_token():
    """A query that says everything twice has the scores of the query that says it once."""
    student, teacher = torch.eye(2)[:, None], torch.tensor([[[1.0, 0.0]], [[0.6, 0.8]]])
    once, twice = (contrastive(batch_of(student.repeat(1, n, 1), teacher), 0.5).item() for n in (1, 2))
    assert twice == pytest.approx(once, rel=1e-6)


# the module that the trainer calls


class Echo(torch.nn.Module):
    """A model that gives its one weight times what it is given."""

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(()))

    def forward(self, inputs, task):
        assert task == "query"
        return {"token_embeddings": self.scale * inputs["states"], "attention_mask": inputs["attention_mask"]}


def inputs_of(batch):
    return BitextBatch(
        pairs=torch.tensor([7, 8, 9]),
        foreign={"states": batch.student, "attention_mask": batch.student_mask.long()},
        teacher_tokens=batch.teacher,
        teacher_mask=batch.teacher_mask,
    )


MOMENT = Moment({"optical": (Objective(default_optical), 1.0)})


def test_the_loss_holds_the_student_and_nothing_else():
    """What hangs on the loss is saved and wrapped with it: the teacher must not."""
    loss = DistillationLoss(Echo())
    assert [name for name, _ in loss.named_children()] == ["model"]
    assert list(loss.state_dict()) == ["model.scale"]


def test_half_precision_states_are_weighed_in_float32():
    batch = random_batch(0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses = DistillationLoss(Echo())(inputs_of(batch), MOMENT)
    assert losses["optical"].dtype == torch.float32
    assert losses["optical"].item() == pytest.approx(default_optical(batch).item(), abs=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"solver": "emd"}, "transport solver is 'emd': expected 'proximal' or 'sinkhorn'"),
        ({"beta": 0.0}, "beta is 0.0: expected a finite number above 0"),
        ({"epsilon": -1.0}, "epsilon is -1.0: expected a finite number above 0"),
        ({"epsilon": math.nan}, "epsilon is nan: expected a finite number above 0"),
        ({"max_iterations": 0}, "max_iterations is 0: expected at least 1"),
    ],
)
def test_settings_no_solver_can_work_with_are_refused_before_anything_is_loaded(settings, message):
    with pytest.raises(ValueError, match=message):
        TransportConfig(**settings)
