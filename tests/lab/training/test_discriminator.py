"""The language discriminator: its mathematics, what it does to a student, and through whole runs."""

import json
import math

import pytest
import torch
from safetensors.torch import load_file
from torch.testing import assert_close

import tiny_models
from opticlir.errors import DataError
from opticlir.lab.training import LabTrainConfig, distil, make_config
from opticlir.lab.training.discriminator import (
    DiscriminatorConfig,
    LanguageDiscriminator,
    ramped,
    reversed_gradient,
)
from opticlir.lab.training.english_side import EnglishSide
from opticlir.training.objectives import TokenBatch
from opticlir.training.run_folder import RunFolder
from short_runs import PAIRS, config_of, killed, weights

FOREIGN_MASK = torch.tensor([[True, True, True], [True, False, False]])
ENGLISH_MASK = torch.tensor([[True, False], [True, True]])


def sides(seed=0):
    """Foreign and English tokens, padding included, float64."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(2, n, 4, generator=generator, dtype=torch.float64) for n in (3, 2)]


def batch_of(foreign, english):
    side = EnglishSide(english, ENGLISH_MASK, torch.ones(2).bool())
    return TokenBatch(foreign, FOREIGN_MASK, foreign, FOREIGN_MASK, share_done=0.3), side


def judge(**settings):
    config = DiscriminatorConfig(**{"weight": 0.7, "hidden": 5, **settings})
    return LanguageDiscriminator(config, 4, seed=3).double()


def slow_verdict(discriminator, level, foreign, english):
    """Cross-entropy and accuracy vector by vector, by the words of the paper."""
    losses, right = ([], []), ([], [])
    for label, (tokens, mask) in enumerate(((english, ENGLISH_MASK), (foreign, FOREIGN_MASK))):
        for sentence, takes_part in zip(tokens, mask, strict=True):
            vectors = list(sentence[takes_part])
            for vector in vectors if level == "token" else [sum(vectors) / len(vectors)]:
                (first, second) = (discriminator.layers[0], discriminator.layers[2])
                hidden = (first.weight @ (vector * 2.0) + first.bias).clamp(min=0)  # 2 is the root of 4
                is_foreign = 1 / (1 + torch.exp(-(second.weight[0] @ hidden + second.bias[0])))
                losses[label].append(-torch.log(is_foreign if label else 1 - is_foreign))
                right[label].append((is_foreign.item() > 0.5) == bool(label))
    loss = sum(sum(part) / len(part) for part in losses) / 2
    return loss, sum(sum(part) / len(part) for part in right) / 2


@pytest.mark.parametrize("level", ["token", "pooled"])
def test_the_verdict_is_its_slow_twin_and_the_student_gets_the_gradient_turned_round(level):
    discriminator = judge(level=level)
    foreign, english = (tokens.requires_grad_() for tokens in sides())
    verdict = discriminator.judge(*batch_of(foreign, english))
    loss, accuracy = slow_verdict(discriminator, level, foreign, english)
    assert_close(verdict.loss, loss)
    assert verdict.accuracy.item() == pytest.approx(accuracy)
    own = list(discriminator.parameters())
    found = torch.autograd.grad(verdict.loss, [foreign, english, *own])
    straight = torch.autograd.grad(loss, [foreign, english, *own])
    strength = 0.7 * (2 / (1 + math.exp(-10 * 0.3)) - 1)
    assert_close(found[:2], tuple(-strength * gradient for gradient in straight[:2]))
    assert_close(found[2:], straight[2:])
    assert found[0][~FOREIGN_MASK].eq(0).all()


def test_the_ramp_is_that_of_the_paper():
    for ramp, share in ((10.0, 0.0), (10.0, 0.37), (2.5, 1.0)):
        assert ramped(ramp, share) == pytest.approx(2 / (1 + math.exp(-ramp * share)) - 1)


def test_reversal_changes_nothing_on_the_way_forward():
    vectors = torch.randn(3, 2, requires_grad=True)
    turned = reversed_gradient(vectors, 2.0)
    assert torch.equal(turned, vectors)
    (gradient,) = torch.autograd.grad((turned**2).sum(), vectors)
    assert_close(gradient, -4 * vectors)


def test_its_first_weights_follow_from_the_seed_and_draw_from_nothing_else():
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    first, second, other = (
        LanguageDiscriminator(DiscriminatorConfig(weight=1.0), 4, seed=seed) for seed in (1, 1, 2)
    )
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first.layers[0].weight, second.layers[0].weight)
    assert not torch.equal(first.layers[0].weight, other.layers[0].weight)


def accuracy_after(weight):
    """Of a student whose two languages differ in one number, which it can shift; and by how much it did."""
    generator = torch.Generator().manual_seed(0)
    offset, moved = torch.zeros(8), torch.nn.Parameter(torch.zeros(8))
    offset[0] = 1.5
    discriminator = LanguageDiscriminator(DiscriminatorConfig(weight=weight, hidden=16), 8, seed=0)
    optimizer = torch.optim.Adam([moved, *discriminator.parameters()], lr=0.01)
    mask, is_same = torch.ones(40, 3).bool(), torch.ones(40).bool()
    accuracies = []
    for step in range(300):
        foreign, english = (torch.randn(40, 3, 8, generator=generator) for _ in range(2))
        batch = TokenBatch(foreign + offset + moved, mask, foreign, mask, share_done=step / 300)
        verdict = discriminator.judge(batch, EnglishSide(english, mask, is_same))
        optimizer.zero_grad()
        verdict.loss.backward()
        optimizer.step()
        accuracies.append(verdict.accuracy.item())
    return sum(accuracies[-50:]) / 50, moved[0].item()


def test_the_heavier_it_weighs_the_less_it_can_tell():
    """By the best rule .77 (a normal deviate below .75) can be told apart where nothing is hidden."""
    seen, still = accuracy_after(0.0)
    hidden, moved = accuracy_after(1.0)
    assert still == 0
    assert seen > 0.72
    assert hidden < 0.6
    assert moved == pytest.approx(-1.5, abs=0.7)


# through whole runs


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return str(tiny_models.save_encoder(tmp_path_factory.mktemp("teacher"), positions=64))


@pytest.mark.parametrize(
    "settings",
    [
        {"discriminator": {"weight": 1}, "dropout": 0.1},
        {"discriminator": {"weight": 1, "level": "pooled"}, "perturbation": {"kind": "freelb", "steps": 2}},
    ],
    ids=["token", "pooled-and-perturbed"],
)
def test_a_run_killed_at_any_step_ends_in_the_same_bits(settings, plain, tmp_path):
    """What the discriminator has learned is in the checkpoints, and in no model."""
    config = config_of(plain, **settings)
    distil(config, PAIRS, tmp_path / "unbroken")
    killed(config, tmp_path / "broken")
    first, last = (
        load_file(tmp_path / "broken" / "run" / "checkpoints" / name / "discriminator.safetensors")
        for name in ("checkpoint-2", "checkpoint-4")
    )
    assert all(not torch.equal(first[name], last[name]) for name in first)
    distil(config, PAIRS, tmp_path / "broken")
    assert weights(tmp_path / "broken") == weights(tmp_path / "unbroken")
    assert not list((tmp_path / "unbroken").rglob("discriminator*"))
    (line,) = [line for line in RunFolder(tmp_path / "unbroken").read_log() if line["step"] == 5]
    assert line["discriminator"] > 0
    assert 0 <= line["discriminator_accuracy"] <= 1


def test_without_its_weights_a_resumed_run_would_end_elsewhere(plain, tmp_path, monkeypatch):
    """The test above would see it if the checkpoints did not hold the discriminator."""
    config = config_of(plain, discriminator={"weight": 1})
    distil(config, PAIRS, tmp_path / "unbroken")
    killed(config, tmp_path / "broken")
    monkeypatch.setattr(LanguageDiscriminator, "load_state_dict", lambda *_, **__: ([], []))
    distil(config, PAIRS, tmp_path / "broken")
    assert weights(tmp_path / "broken") != weights(tmp_path / "unbroken")


def test_a_budget_in_minutes_learns_nothing_while_it_is_planned(plain, tmp_path):
    config = config_of(plain, discriminator={"weight": 1}, minutes=1e-4, epochs=None)
    distil(config, PAIRS, tmp_path / "planned")
    steps = json.loads((tmp_path / "planned" / "run" / "plan.json").read_text())["steps"]
    given = config_of(plain, discriminator={"weight": 1}, steps=steps, epochs=None)
    distil(given, PAIRS, tmp_path / "given")
    assert weights(tmp_path / "planned") == weights(tmp_path / "given")


def test_bfloat16_trains_with_it_too(plain, tmp_path):
    config = config_of(plain, discriminator={"weight": 1}, precision="bfloat16", train="embeddings")
    assert distil(config, PAIRS, tmp_path).is_finished


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"level": "word"}, "discriminator level is 'word': expected 'token' or 'pooled'"),
        ({"weight": -1}, "weight is -1.0: expected a finite number, 0 or more"),
        ({"weight": math.inf}, "weight is inf: expected a finite number, 0 or more"),
        ({"ramp": 0}, "ramp is 0.0: expected a finite number above 0"),
        ({"hidden": 0}, "hidden is 0: expected at least 1"),
        ({"lambda": 1}, "unknown key 'lambda'"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(settings, message):
    with pytest.raises(DataError, match=rf"x\.toml: \[discriminator\]: {message}"):
        make_config({"language": "swa", "discriminator": settings}, source="x.toml")


def test_the_english_side_is_read_where_it_is_judged():
    assert not LabTrainConfig(language="swa").reads_english
    assert LabTrainConfig(language="swa", discriminator=DiscriminatorConfig(weight=0.1)).reads_english
    assert LabTrainConfig(language="swa", method="optical+retention").reads_english
