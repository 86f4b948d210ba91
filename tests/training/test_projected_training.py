"""A student of another width than its teacher: what trains, what is saved, and killed runs."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import tiny_models
from killed_training import PowerCut, power_cut_before
from opticlir import Retriever
from opticlir.encoder import encode_queries, load_model
from opticlir.lab.training import distil, make_config
from opticlir.storage import sha256_file
from opticlir.training.events import StageStarted

PAIRS = tiny_models.PAIRS


@pytest.fixture
def config_of(checkpoints):
    def make(**settings):
        return make_config(
            {
                "language": "swa", "teacher": str(checkpoints["stanford"]), "student": str(checkpoints["other"]),
                "batch_size": 4, "epochs": 2, "checkpoint_steps": 3, "precision": "float32",
                "words": {"n_pieces": 200, "min_piece_frequency": 2}, **settings,
            },
            source="test",
        )  # fmt: skip

    return make


def learned(out):
    return {str(path.relative_to(out)): sha256_file(path) for path in out.glob("query_*/*.safetensors")}


def projection(out):
    return load_file(next(out.glob("query_*_Dense")) / "model.safetensors")["linear.weight"]


@pytest.mark.parametrize("train", ["all", "embeddings", "adapters"])
def test_a_killed_run_with_a_projection_ends_in_the_same_bits(config_of, tmp_path, train):
    if train == "adapters":
        pytest.importorskip("peft")
    config = config_of(train=train)
    distil(config, PAIRS, tmp_path / "whole")
    with pytest.raises(PowerCut), power_cut_before(5):
        distil(config, PAIRS, tmp_path / "killed")
    assert not (tmp_path / "killed" / "modules.json").exists()
    distil(config, PAIRS, tmp_path / "killed")
    assert learned(tmp_path / "killed") == learned(tmp_path / "whole")
    assert any("Dense" in name for name in learned(tmp_path / "whole"))


@pytest.mark.parametrize("train", ["all", "embeddings"])
def test_the_projection_is_trained_with_any_part_of_the_student(config_of, tmp_path, train):
    stages = []
    for epochs in (0, 1):
        distil(
            config_of(train=train, epochs=epochs), PAIRS, tmp_path / str(epochs),
            on_event=lambda event: stages.append(event.name) if isinstance(event, StageStarted) else None,
        )  # fmt: skip
    before, after = projection(tmp_path / "0"), projection(tmp_path / "1")
    assert before.shape == (16, 32)
    assert not torch.equal(before, after)
    assert stages.count("fitting the projection") == 2


def test_a_student_of_another_model_gets_a_projection_though_the_widths_are_equal(
    config_of, checkpoints, tmp_path
):
    plain, other = str(checkpoints["plain"]), str(checkpoints["other"])
    distil(config_of(teacher=plain, student=other, epochs=0), PAIRS, tmp_path / "other")
    assert projection(tmp_path / "other").shape == (32, 32)
    distil(config_of(teacher=plain, student=plain, epochs=0), PAIRS, tmp_path / "same")
    assert not list((tmp_path / "same").glob("query_*_Dense"))


def test_the_same_seed_gives_the_same_projection_and_another_seed_another(config_of, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        distil(config_of(epochs=0, seed=seed), PAIRS, tmp_path / name)
    assert torch.equal(projection(tmp_path / "a"), projection(tmp_path / "b"))
    assert not torch.equal(projection(tmp_path / "a"), projection(tmp_path / "c"))


@pytest.mark.parametrize(
    ("teacher", "student"), [("plain", "native"), ("native", "plain"), ("pylate", "other")]
)
def test_training_brings_a_projected_student_nearer_to_its_teacher(
    config_of, checkpoints, tmp_path, teacher, student
):
    config = config_of(
        teacher=str(checkpoints[teacher]), student=str(checkpoints[student]), epochs=8, learning_rate=1e-2,
        embedding_learning_rate=1e-2, checkpoint_steps=100, method="optical",
    )  # fmt: skip
    distil(config, PAIRS, tmp_path)
    losses = [json.loads(line)["loss"] for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert np.mean(losses[-3:]) < 0.8 * losses[0]


def test_a_projected_student_searches_the_index_of_its_teacher(config_of, checkpoints, tmp_path):
    distil(config_of(epochs=1), PAIRS, tmp_path / "model")
    documents = [(f"d{number}", text) for number, text in enumerate(tiny_models.ENGLISH)]
    Retriever.build(documents, checkpoints["stanford"], tmp_path / "index")
    found = Retriever.open(tmp_path / "index", tmp_path / "model").search("maji ni safi", 5)
    assert len(found) == 5


@pytest.mark.parametrize("weights_dtype", ["bfloat16", "float16"])
def test_teacher_and_student_train_with_short_weights(config_of, tmp_path, weights_dtype):
    config = config_of(epochs=1, weights_dtype=weights_dtype)
    assert distil(config, PAIRS, tmp_path).is_finished
    model = load_model(tmp_path)
    for matrix in encode_queries(model, list(tiny_models.SWAHILI[:2])):
        assert np.isfinite(matrix).all()
