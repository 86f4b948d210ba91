"""`train = "adapters"`: what moves, what is saved, and that a killed run ends in the same bits."""

import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import tiny_models
from killed_training import PowerCut, power_cut_before
from opticlir.encoder import encode_queries, load_language_pack, load_model
from opticlir.errors import DataError, SetupError
from opticlir.lab.training import distil, make_config
from opticlir.storage import sha256_file

pytest.importorskip("peft")
PAIRS = tiny_models.PAIRS


@pytest.fixture
def config_of(checkpoints):
    def make(**settings):
        return make_config(
            {
                "language": "swa", "teacher": str(checkpoints["plain"]), "train": "adapters", "batch_size": 4,
                "epochs": 2, "checkpoint_steps": 3, "precision": "float32", "learning_rate": 1e-2,
                "words": {"n_pieces": 200, "min_piece_frequency": 2},
                "adapters": {"rank": 2, "dropout": 0.1}, **settings,
            },
            source="test",
        )  # fmt: skip

    return make


def weights(out):
    return sha256_file(out / "query_0_Transformer" / "model.safetensors")


def test_the_model_is_one_of_stock_modules_and_the_pack_gives_the_same_vectors(
    config_of, teacher, tmp_path, checkpoints
):
    distil(config_of(), PAIRS, tmp_path)
    trained = load_file(tmp_path / "query_0_Transformer" / "model.safetensors")
    before = load_file(checkpoints["plain"] / "model.safetensors")
    assert not [name for name in trained if "lora" in name or "base_layer" in name]
    moved = {name for name in before if not torch.equal(trained[name][: len(before[name])], before[name])}
    assert "embeddings.word_embeddings.weight" in moved
    assert len(moved) == 1 + 2 * 6  # the linear maps of two layers; no bias, no norm
    found = encode_queries(load_model(tmp_path), list(tiny_models.SWAHILI))
    pack = load_language_pack(tmp_path / "run" / "language-pack", teacher)
    for one, other in zip(encode_queries(pack, list(tiny_models.SWAHILI)), found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-2)


def test_plain_sentence_transformers_opens_it(config_of, tmp_path):
    distil(config_of(epochs=1), PAIRS, tmp_path)
    script = textwrap.dedent(f"""
        import sys
        sys.modules["opticlir"] = sys.modules["peft"] = None  # neither can be imported
        from sentence_transformers import MultiVectorEncoder
        model = MultiVectorEncoder({str(tmp_path)!r}, device="cpu")
        print(len(model.encode_query(["maji ni safi"])[0]))
    """)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "3", done.stderr


def test_a_second_language_does_not_touch_the_first(config_of, teacher, tmp_path):
    """One English encoder in memory, two packs: each gives what it gives by itself."""
    backwards = [type(pair)(pair.english, pair.foreign[::-1]) for pair in PAIRS]
    distil(config_of(), PAIRS, tmp_path / "swa")
    distil(config_of(language="hau"), backwards, tmp_path / "hau")
    alone = load_language_pack(tmp_path / "swa" / "run" / "language-pack", teacher)
    expected = encode_queries(alone, ["maji ni safi"])
    load_language_pack(tmp_path / "hau" / "run" / "language-pack", teacher)
    again = load_language_pack(tmp_path / "swa" / "run" / "language-pack", teacher)
    np.testing.assert_array_equal(encode_queries(again, ["maji ni safi"])[0], expected[0])
    np.testing.assert_array_equal(encode_queries(alone, ["maji ni safi"])[0], expected[0])


def test_a_run_that_dies_at_every_step_in_turn_ends_in_the_same_bits(config_of, memory_path):
    distil(config_of(), PAIRS, memory_path / "unbroken")
    for step in range(10):
        with power_cut_before(step), pytest.raises(PowerCut):
            distil(config_of(), PAIRS, memory_path / "broken")
    distil(config_of(), PAIRS, memory_path / "broken")
    assert weights(memory_path / "broken") == weights(memory_path / "unbroken")
    packs = [memory_path / name / "run" / "language-pack" for name in ("broken", "unbroken")]
    first, second = (json.loads((pack / "language_pack.json").read_text())["files"] for pack in packs)
    assert first == second


@pytest.mark.parametrize("moment", ["save_model", "save_language_pack", "model_card"])
def test_a_run_that_dies_while_it_saves_only_has_to_save(config_of, memory_path, monkeypatch, moment):
    distil(config_of(), PAIRS, memory_path / "unbroken")

    def cut(*_, **__):
        raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["opticlir.training.distil"], moment, cut)
        with pytest.raises(PowerCut):
            distil(config_of(), PAIRS, memory_path / "broken")
    distil(config_of(), PAIRS, memory_path / "broken")
    assert weights(memory_path / "broken") == weights(memory_path / "unbroken")


def test_another_student_gains_adapters_too(config_of, checkpoints, tmp_path):
    config = config_of(student=str(checkpoints["other"]), vocabulary="keep", epochs=1)
    assert distil(config, PAIRS, tmp_path).is_finished
    assert not (tmp_path / "run" / "language-pack").exists()  # what is not the teacher is no few megabytes


def test_settings_are_read_and_their_mistakes_named(config_of):
    config = config_of(adapters={"rank": 4, "alpha": 8, "targets": ["query", "value"]})
    assert (config.adapters.alpha, config.adapters.targets) == (8.0, ("query", "value"))
    for settings, message in (
        ({"ranks": 4}, r"\[adapters\]: unknown key 'ranks'; did you mean 'rank'"),
        ({"targets": "query"}, r"\[adapters\]: targets is 'query'"),
        ({"targets": ["query", 3]}, r"\[adapters\]: targets is \['query', 3\]"),
        ({"rank": 0}, r"\[adapters\]: rank is 0: expected at least 1"),
    ):
        with pytest.raises(DataError, match=message):
            config_of(adapters=settings)


def test_without_peft_nothing_is_begun(config_of, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(SetupError, match="adapters need peft"):
        distil(config_of(), PAIRS, tmp_path / "out")
    assert not (tmp_path / "out").exists()
