"""Optimisations change how fast a student learns, and not what."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import tiny_models
from opticlir.encoder import load_model
from opticlir.errors import DataError
from opticlir.lab.training import distil, make_config
from opticlir.training.batches import LengthBuckets
from opticlir.training.optimisations import Optimisations, flushed_denormals, used_tokens
from opticlir.training.run_folder import RunFolder

PAIRS = tiny_models.PAIRS * 3
SETTINGS = {
    "language": "swa", "batch_size": 4, "steps": 12, "checkpoint_steps": 5, "precision": "float32", "held_out": 1,
    "words": {"n_pieces": 200, "min_piece_frequency": 2},
}  # fmt: skip


@pytest.fixture
def trained(checkpoints, tmp_path):
    """The query weights of a short run with some settings."""

    def train(**settings):
        out = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        config = make_config({"teacher": str(checkpoints["plain"]), **SETTINGS, **settings}, source="test")
        distil(config, PAIRS, out)
        return load_file(out / "query_0_Transformer" / "model.safetensors"), out

    return train


@pytest.mark.parametrize("method", ["optical", "optical+0.3*score_kl"])
@pytest.mark.parametrize(
    "switched",
    [{"optimisations": {"prune_vocabulary": False}}, {"teacher_vectors": "none"},
     {"levers": {"plain_attention": False, "fused_adamw": True}}],
    ids=str,
)  # fmt: skip
def test_an_optimisation_changes_no_weight_by_more_than_rounding(trained, method, switched):
    (one, _), (other, _) = trained(method=method), trained(method=method, **switched)
    assert {name: weight.shape for name, weight in one.items()} == {
        name: weight.shape for name, weight in other.items()
    }
    # the teacher's vectors are rounded to float16 in the cache; the keys' bias has no gradient but rounding
    tolerance = 2e-3 if "teacher_vectors" in switched else 2e-5
    for name, weight in one.items():
        if not name.endswith("key.bias"):
            torch.testing.assert_close(other[name], weight, atol=tolerance, rtol=0, msg=name)


def test_checkpoints_hold_the_embeddings_that_are_used(trained, monkeypatch):
    seen = []
    seal = RunFolder.complete_checkpoint

    def sealing(self, checkpoint):
        weights = load_file(checkpoint / "model.safetensors")
        seen.append(next(len(weight) for name, weight in weights.items() if "word_embeddings" in name))
        return seal(self, checkpoint)

    monkeypatch.setattr(RunFolder, "complete_checkpoint", sealing)
    weights, out = trained()
    table = next(weight for name, weight in weights.items() if "word_embeddings" in name)
    tokenizer = load_model(out)[0].sub_modules["query"][0].tokenizer
    assert len(table) == len(tokenizer)
    assert set(seen) == {len(set(np.concatenate(
        [tokenizer.all_special_ids, *(tokenizer(pair.foreign)["input_ids"] for pair in PAIRS)]
    ).tolist()))}  # fmt: skip


def test_a_student_with_other_words_in_its_sentences_keeps_its_whole_vocabulary(trained):
    weights, _ = trained(code_switching={"source": "plan", "rate": 0.5})
    assert all(torch.isfinite(weight).all() for weight in weights.values())


def test_both_sides_are_counted_where_both_are_read(checkpoints):
    from opticlir.data import PairTable

    student = load_model(checkpoints["plain"])
    table = PairTable(tiny_models.PAIRS)
    foreign, both = (set(used_tokens(student, table, both_sides=sides).tolist()) for sides in (False, True))
    assert foreign < both


def test_random_batches_are_those_of_no_length():
    lengths = np.random.default_rng(0).integers(1, 60, size=400)

    def spread(n_runs):
        batches = LengthBuckets(lengths, np.ones(400), batch_size=8, seed=0, n_runs=n_runs)
        return np.mean([np.ptp(lengths[batch]) for batch in batches])

    assert spread(n_runs=1) < 12 < 40 < spread(n_runs=0)


def test_denormals_are_flushed_inside_only_and_the_callers_choice_comes_back():
    tiny = torch.tensor(1e-40)
    with flushed_denormals():
        assert (tiny * 1).item() == 0
    assert (tiny * 1).item() > 0
    torch.set_flush_denormal(True)
    try:
        with flushed_denormals():
            pass
        assert (tiny * 1).item() == 0
    finally:
        torch.set_flush_denormal(False)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"lenght_runs": 0},
            r"test: \[optimisations\]: unknown key 'lenght_runs'; did you mean 'length_runs'",
        ),
        ({"length_runs": -1}, r"test: \[optimisations\]: length_runs is -1: expected 0 or more"),
        ({"fused_adamw": False}, r"test: \[optimisations\]: fused_adamw is always on now"),
    ],
)
def test_a_wrong_optimisation_is_refused(settings, message):
    for name in ("optimisations", "levers"):
        with pytest.raises(DataError, match=message):
            make_config({"language": "swa", name: settings}, source="test")


def test_levers_are_the_old_name_of_optimisations():
    old = {"length_runs": 1, "flush_denormals": True}
    assert make_config({"language": "swa", "levers": old}, source="test").optimisations == Optimisations(
        length_runs=1
    )
