"""Perturbed training against slow twins of the published algorithms, and through whole runs."""

import math

import pytest
import torch
from torch.testing import assert_close

import tiny_models
from opticlir.encoder import load_model, transformer_of
from opticlir.errors import DataError
from opticlir.lab.training import LabTrainConfig, distil, make_config
from opticlir.lab.training.perturbation import (
    KINDS,
    Perturbation,
    PerturbationConfig,
    climbed,
    token_distance,
)
from opticlir.training.bitext_batch import BitextBatch
from opticlir.training.losses import DistillationLoss, Moment
from opticlir.training.objectives import Objective, TokenBatch, TransportConfig, objectives
from opticlir.training.run_folder import RunFolder
from short_runs import PAIRS, config_of, killed, training_data_of, weights

IDS = torch.tensor([[1, 2, 3], [4, 5, 0]])
MASK = torch.tensor([[True, True, True], [True, True, False]])
TEACHER = torch.nn.functional.normalize(
    torch.randn(2, 2, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1)), dim=2
)


class Student(torch.nn.Module):
    """Word embeddings and one bent layer, in float64."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.table = torch.nn.Embedding(6, 3, dtype=torch.float64)
        self.layer = torch.nn.Linear(3, 4, dtype=torch.float64)
        for matrix in self.parameters():
            matrix.data = torch.randn(matrix.shape, generator=generator, dtype=torch.float64)

    def read(self, condition):
        with condition:
            tokens = torch.tanh(self.layer(self.table(IDS)))
        # each token looks at its neighbours, so that padding would show in its sentence
        tokens = tokens + 0.1 * tokens.sum(dim=1, keepdim=True)
        return TokenBatch(torch.nn.functional.normalize(tokens, dim=2), MASK, TEACHER, MASK[:, :2])

    def loss_at(self, shift):
        """The loss with `shift` added by hand, and the tokens."""
        tokens = torch.tanh(self.layer(self.table(IDS) + shift))
        tokens = torch.nn.functional.normalize(tokens + 0.1 * tokens.sum(dim=1, keepdim=True), dim=2)
        return total(TokenBatch(tokens, MASK, TEACHER, MASK[:, :2])), tokens


def weigh(batch):
    """Not convex, and of two parts: how far all tokens are from the first English one, and their sum."""
    far = (1 - (batch.student * batch.teacher[:, :1]).sum(dim=2)).masked_fill(~batch.student_mask, 0.0)
    return {"far": far.sum(dim=1).square().mean(), "odd": 0.5 * batch.student.sum().sin()}


def total(batch):
    return sum(weigh(batch).values())


def gradients(student, loss):
    return torch.autograd.grad(loss, list(student.parameters()))


def uphill(student, shift, function):
    """The gradient in the shift by central differences, 0 at padding."""
    slope, width = torch.zeros_like(shift), 1e-5
    for place in MASK.nonzero().tolist():
        for number in range(3):
            step = torch.zeros_like(shift)
            step[(*place, number)] = width
            slope[(*place, number)] = (function(shift + step) - function(shift - step)) / (2 * width)
    return slope


def slow_climb(shift, slope, step_size, radius):
    """One step, sentence by sentence, in plain words."""
    reached = torch.zeros_like(shift)
    for row in range(len(shift)):
        length = math.sqrt(sum(number**2 for number in slope[row].flatten().tolist()))
        moved = shift[row] + step_size * slope[row] / length
        away = math.sqrt(sum(number**2 for number in moved.flatten().tolist()))
        reached[row] = moved if away <= radius else moved * radius / away
    return reached


def perturbed(student, **settings):
    perturbation = Perturbation(PerturbationConfig(**settings), student.table)
    return perturbation(student.read, weigh, MASK)


@pytest.mark.parametrize(("kind", "steps"), [("fgm", 1), ("pgd", 1), ("pgd", 4)])
def test_an_attack_is_its_slow_twin(kind, steps):
    student, step_size = Student(), 0.3 if kind == "pgd" else 0.7
    shift = torch.zeros(2, 3, 3, dtype=torch.float64)
    for _ in range(steps):
        slope = uphill(student, shift, lambda at: student.loss_at(at)[0].item())
        shift = slow_climb(shift, slope, step_size, 0.7)
    clean, worst = student.loss_at(torch.zeros_like(shift))[0], student.loss_at(shift)[0]
    assert worst > clean + 0.1
    found = perturbed(student, kind=kind, radius=0.7, step_size=0.3, steps=steps, weight=2.0)
    assert set(found.losses) == {"far", "odd", "perturbed"}
    assert_close(found.losses["perturbed"], 2 * worst, rtol=1e-6, atol=1e-6)
    # of weights the gradient at a fixed shift: central differences found it to about 1e-9
    assert_close(
        gradients(student, sum(found.losses.values())), gradients(student, clean + 2 * worst),
        rtol=1e-5, atol=1e-6,
    )  # fmt: skip


def start_of(seed, radius):
    """What FreeLB and SMART begin with, drawn as they draw."""
    torch.manual_seed(seed)
    shift = torch.empty(2, 3, 3, dtype=torch.float64).uniform_(-radius, radius)
    n_numbers = torch.tensor([9.0, 6.0], dtype=torch.float64)[:, None, None]
    return (shift / n_numbers.sqrt()) * MASK[:, :, None]


def test_freelb_averages_the_gradients_of_its_ascents():
    student, shift = Student(), start_of(3, 0.7)
    assert shift.norm(dim=(1, 2)).max() < 0.7
    expected, last = [torch.zeros_like(weights) for weights in student.parameters()], None
    for _ in range(3):
        last = student.loss_at(shift)[0]
        found = gradients(student, last)
        expected = [mean + gradient / 3 for mean, gradient in zip(expected, found, strict=True)]
        slope = uphill(student, shift, lambda at: student.loss_at(at)[0].item())
        shift = slow_climb(shift, slope, 0.3, 0.7)
    torch.manual_seed(3)
    found = perturbed(student, kind="freelb", radius=0.7, step_size=0.3, steps=3)
    assert_close(gradients(student, sum(found.losses.values())), tuple(expected), rtol=1e-5, atol=1e-6)
    assert found.losses.keys() == {"far", "odd"}
    assert_close(found.notes["perturbed"], last.detach(), rtol=1e-6, atol=1e-6)


def test_smart_adds_how_far_the_tokens_can_be_moved():
    student, shift = Student(), start_of(3, 0.7)
    clean, still = student.loss_at(torch.zeros_like(shift))

    def distance(at):
        return token_distance(student.loss_at(at)[1], still, MASK)

    begun = distance(shift)
    for _ in range(3):
        slope = uphill(student, shift, lambda at: distance(at).item())
        shift = slow_climb(shift, slope, 0.3, 0.7)
    assert distance(shift) > 2 * begun
    torch.manual_seed(3)
    found = perturbed(student, kind="smart", radius=0.7, step_size=0.3, steps=3, weight=5.0)
    assert_close(found.losses["smoothness"], 5 * distance(shift), rtol=1e-6, atol=1e-6)
    assert_close(
        gradients(student, sum(found.losses.values())), gradients(student, clean + 5 * distance(shift)),
        rtol=1e-5, atol=1e-6,
    )  # fmt: skip


def test_a_step_keeps_to_the_ball_and_off_the_padding():
    generator = torch.Generator().manual_seed(0)
    shift, slope = (torch.randn(2, 3, 3, generator=generator) for _ in range(2))
    shift = shift * MASK[:, :, None]
    for step_size, radius in ((0.1, 100.0), (0.5, 1.0), (1e6, 2.0)):
        found = climbed(shift, slope, MASK, step_size=step_size, radius=radius)
        assert found[1, 2].eq(0).all()
        assert found.norm(dim=(1, 2)).max() <= radius * (1 + 1e-6)
    free = climbed(shift, slope, MASK, step_size=0.1, radius=100.0) - shift
    assert_close(free.norm(dim=(1, 2)), torch.full((2,), 0.1))
    assert (
        climbed(torch.zeros_like(shift), torch.zeros_like(shift), MASK, step_size=1.0, radius=1.0).eq(0).all()
    )


def test_token_distance_is_one_minus_the_cosine_of_real_tokens():
    left, right = torch.randn(2, 2, 3, 4, generator=torch.Generator().manual_seed(0)).unbind()
    cosine = torch.nn.functional.cosine_similarity(left, right, dim=2)
    expected = ((1 - cosine[0].mean()) + (1 - cosine[1, :2].mean())) / 2
    assert_close(token_distance(left, right, MASK), expected)


# a real encoder


@pytest.mark.parametrize("method", ["optical", "greedy", "contrastive", "score_kl"])
def test_the_gradient_hurts_more_than_chance(teacher, method):
    """One step of the gradient raises the loss of every method above that of a random shift as long."""
    table = transformer_of(teacher, "query").model.get_input_embeddings()
    objective = objectives(TransportConfig(), 0.1)[method]
    inputs = dict(teacher.preprocess(list(tiny_models.SWAHILI[:4]), task="query"))
    with torch.no_grad():
        english = teacher(dict(teacher.preprocess(list(tiny_models.ENGLISH[:4]), task="query")), task="query")
    sides = english["token_embeddings"], english["attention_mask"].bool()

    def read(condition):
        with condition:
            found = teacher(dict(inputs), task="query")
        return TokenBatch(found["token_embeddings"], found["attention_mask"].bool(), *sides)

    def weigh(batch):
        return {method: objective(batch)}

    mask = inputs["attention_mask"].bool()
    fgm = Perturbation(PerturbationConfig(kind="fgm", radius=0.5), table)(read, weigh, mask).losses
    torch.manual_seed(0)
    random = Perturbation(PerturbationConfig(kind="freelb", radius=0.5, steps=1), table)
    assert fgm["perturbed"] > fgm[method] * 1.01
    for _ in range(5):
        assert random(read, weigh, mask).losses[method] < fgm["perturbed"]
    assert not table._forward_hooks


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return str(tiny_models.save_encoder(tmp_path_factory.mktemp("teacher"), positions=64))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "none"])
def test_a_perturbed_run_trains_logs_its_part_and_ends_in_the_same_bits(kind, plain, tmp_path):
    config = config_of(
        plain, perturbation={"kind": kind, "steps": 2}, method="optical+retention", dropout=0.1
    )
    distil(config, PAIRS, tmp_path / "unbroken")
    killed(config, tmp_path / "broken")
    distil(config, PAIRS, tmp_path / "broken")
    assert weights(tmp_path / "broken") == weights(tmp_path / "unbroken")
    distil(config_of(plain, method="optical+retention", dropout=0.1), PAIRS, tmp_path / "clean")
    assert weights(tmp_path / "clean") != weights(tmp_path / "unbroken")
    (line,) = [line for line in RunFolder(tmp_path / "unbroken").read_log() if line["step"] == 5]
    assert line["smoothness" if kind == "smart" else "perturbed"] > 0


def test_the_batches_are_those_of_a_student_that_is_not_perturbed(plain, tmp_path):
    model = load_model(plain)

    def batches(**settings):
        return list(training_data_of(config_of(plain, batch_size=4, **settings), model, tmp_path).sampler)

    usual = batches()
    assert usual != batches(optimisations={"length_runs": 1}), "or the test could not fail"
    assert usual == batches(perturbation={"kind": "fgm"})


@pytest.mark.parametrize("kind", ["pgd", "freelb", "smart"])
def test_perturbed_runs_in_bfloat16_and_with_embeddings_alone(kind, plain, tmp_path):
    settings = {"perturbation": {"kind": kind, "steps": 2}, "train": "embeddings", "precision": "bfloat16"}
    assert distil(config_of(plain, **settings), PAIRS, tmp_path).is_finished
    (line,) = [line for line in RunFolder(tmp_path).read_log() if line["step"] == 5]
    assert math.isfinite(line["loss"])


def test_a_perturbed_loss_that_is_not_finite_names_its_pairs():
    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.table = torch.nn.Embedding(6, 4)

        def forward(self, inputs, task):
            return {"token_embeddings": self.table(inputs["input_ids"]).log(), "attention_mask": MASK.long()}

    model = Model()
    torch.nn.init.uniform_(model.table.weight, 0.1, 0.2)
    far = Objective(lambda batch: batch.student.square().sum(dim=2).mean())
    perturbation = Perturbation(PerturbationConfig(kind="fgm", radius=5.0), model.table)
    loss = DistillationLoss(model, adversary=perturbation)
    batch = BitextBatch(
        pairs=torch.tensor([7, 9]), foreign={"input_ids": IDS, "attention_mask": MASK},
        teacher_tokens=TEACHER.float(), teacher_mask=MASK[:, :2],
    )  # fmt: skip
    with pytest.raises(FloatingPointError, match=r"the perturbed loss is nan on pairs \[7, 9\]"):
        loss(batch, Moment({"far": (far, 1.0)}))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "vat"}, "perturbation kind is 'vat': expected 'none' or 'fgm' or 'pgd' or 'freelb' or 'smart'"),
        ({"radius": 0}, "radius is 0.0: expected a finite number above 0"),
        ({"step_size": math.nan}, "step_size is nan: expected a finite number above 0"),
        ({"weight": -1}, "weight is -1.0: expected a finite number above 0"),
        ({"steps": 0}, "steps is 0: expected at least 1"),
        ({"radios": 1}, "unknown key 'radios'; did you mean 'radius'"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_refused_by_name(settings, message):
    with pytest.raises(DataError, match=rf"x\.toml: \[perturbation\]: {message}"):
        make_config({"language": "swa", "perturbation": settings}, source="x.toml")


def test_nothing_is_perturbed_unless_it_is_asked_for():
    assert LabTrainConfig(language="swa").perturbation.kind == "none"
