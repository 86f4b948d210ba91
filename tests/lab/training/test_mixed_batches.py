"""Monolingual batches among cross-lingual ones: which they are, what is in them, and what they teach."""

import numpy as np
import pytest
import torch

import tiny_models
from opticlir.encoder import load_model
from opticlir.errors import DataError
from opticlir.lab.training import distil, make_config
from opticlir.lab.training.english_side import EnglishInputsOfBatch
from opticlir.lab.training.mixed_batches import MixedBuckets
from opticlir.lab.training.token_weights import SideWeights
from opticlir.training.batches import LengthBuckets
from opticlir.training.run_folder import RunFolder
from short_runs import PAIRS, config_of, killed, training_data_of, weights


def buckets(share, *, n_pairs=400, seed=0, n_processes=1, kind=MixedBuckets):
    settings = {"batch_size": 4, "seed": seed, "n_processes": n_processes}
    if kind is MixedBuckets:
        settings |= {"monolingual": share, "english_lengths": np.arange(n_pairs)}
    return kind(np.arange(n_pairs), np.ones(n_pairs), **settings)


def epoch_of(batches, epoch):
    batches.set_epoch(epoch)
    return list(batches)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_a_share_of_the_batches_is_monolingual_and_the_pairs_are_those_of_all(share):
    mixed, plain = buckets(share), buckets(share, kind=LengthBuckets)
    n_monolingual = 0
    for epoch in range(10):
        for found, expected in zip(epoch_of(mixed, epoch), epoch_of(plain, epoch), strict=True):
            assert [row % 400 for row in found] == expected
            assert len({row >= 400 for row in found}) == 1
            n_monolingual += found[0] >= 400
    # 1,000 draws: three standard errors are .047
    assert n_monolingual / 1000 == pytest.approx(share, abs=0.047 if 0 < share < 1 else 0)


def test_which_follows_from_seed_and_epoch_alone():
    first, second = buckets(0.5), buckets(0.5)
    late = epoch_of(first, 3)
    epoch_of(second, 0)
    assert epoch_of(second, 3) == late
    assert epoch_of(second, 4) != late

    def flags(batches):
        return [batch[0] >= 400 for batch in batches]

    assert flags(epoch_of(first, 4)) != flags(late)
    assert flags(epoch_of(buckets(0.5, seed=1), 3)) != flags(late)


def test_processes_read_the_same_language():
    shares = epoch_of(buckets(0.5, n_processes=2), 0)
    for first, second in zip(shares[::2], shares[1::2], strict=True):
        assert {row >= 400 for row in [*first, *second]} in ({True}, {False})


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return str(tiny_models.save_encoder(tmp_path_factory.mktemp("teacher"), positions=64))


@pytest.mark.parametrize("marginals", ["word", "idf"])
def test_a_monolingual_batch_holds_the_english_side_for_both(marginals, plain, tmp_path):
    teacher = load_model(plain)
    config = config_of(plain, monolingual=0.5, method="optical+retention", transport={"marginals": marginals})
    data = training_data_of(config, teacher, tmp_path)
    assert len(data.rows) == 16
    across, alone = (data.collator([data.rows[row] for row in rows]) for rows in ((1, 3), (9, 11)))
    assert torch.equal(across.pairs, alone.pairs)
    assert torch.equal(across.teacher_tokens, alone.teacher_tokens)
    (english,) = (each for each in across.attached if isinstance(each, EnglishInputsOfBatch))
    assert torch.equal(alone.foreign["input_ids"], english.inputs["input_ids"])
    assert not alone.has(EnglishInputsOfBatch)
    (weights_alone,) = (each for each in alone.attached if isinstance(each, SideWeights))
    # the student is the teacher here and reads the same words: each weighs by the side it is on
    for row in range(2):
        own = weights_alone.student[row][alone.foreign["attention_mask"][row].bool()][1:-1]  # [CLS], [SEP]
        given = weights_alone.teacher[row][alone.teacher_mask[row]]
        assert own.shape == given.shape
        assert (own > 0).all()
        if marginals == "word":
            torch.testing.assert_close(own / own.sum(), given / given.sum())


def test_minutes_are_planned_with_batches_of_both_kinds(plain, tmp_path):
    config = config_of(plain, monolingual=0.5, epochs=None, minutes=1e-4)
    assert distil(config, PAIRS, tmp_path).steps >= 1


def test_a_student_that_starts_as_its_teacher_has_nothing_to_learn_in_english_alone(plain, tmp_path):
    """But for the float16 of the stored vectors, and for what transport by IPOT leaves of a cost of 0."""
    for name, share in (("alone", 1.0), ("across", 0.0)):
        distil(config_of(plain, monolingual=share, method="greedy"), PAIRS, tmp_path / name)
    alone, across = (
        [line["greedy"] for line in RunFolder(tmp_path / name).read_log() if "greedy" in line]
        for name in ("alone", "across")
    )
    assert alone[0] < 1e-3
    assert across[0] > 10 * alone[0]


@pytest.mark.parametrize(
    "settings",
    [
        {"method": "optical+0.5*retention", "transport": {"marginals": "idf"}, "dropout": 0.1},
        {"discriminator": {"weight": 1}, "perturbation": {"kind": "pgd", "steps": 2}},
    ],
    ids=["retention", "adversaries"],
)
def test_a_mixed_run_that_is_killed_ends_in_the_same_bits(settings, plain, tmp_path):
    config = config_of(plain, monolingual=0.5, **settings)
    distil(config, PAIRS, tmp_path / "unbroken")
    killed(config, tmp_path / "broken")
    distil(config, PAIRS, tmp_path / "broken")
    assert weights(tmp_path / "broken") == weights(tmp_path / "unbroken")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"monolingual": 1.5}, "monolingual is 1.5: expected a number from 0 to 1"),
        ({"monolingual": -0.1}, "monolingual is -0.1: expected a number from 0 to 1"),
        ({"monolingual": True}, "monolingual is True, expected float"),
        (
            {"monolingual": 1, "discriminator": {"weight": 1}},
            "monolingual is 1: no batch has two languages for the discriminator",
        ),
        (
            {"monolingual": 0.5, "method": "retention"},
            "monolingual is 0.5, but retention has nothing to learn from a batch in English alone",
        ),
        (
            {"monolingual": 0.5, "stages": [{"method": "mse", "share": 0.5}, {"method": "retention", "share": 0.5}]},
            "but retention has nothing to learn",
        ),
    ],
)  # fmt: skip
def test_a_share_that_leaves_nothing_to_learn_is_refused(settings, message):
    with pytest.raises(DataError, match=message):
        make_config({"language": "swa", **settings}, source="x.toml")
