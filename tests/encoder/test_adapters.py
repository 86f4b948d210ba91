"""Adapters add nothing as they are drawn, are merged without a trace, and fit into a language pack."""

import json
import sys

import numpy as np
import pytest
import torch

import tiny_models
from opticlir.encoder import (
    Adapter,
    AdapterConfig,
    add_adapter,
    apply_adapter,
    encode_queries,
    load_language_pack,
    merge_adapter,
    new_student,
    save_language_pack,
    transformer_of,
    vocabulary_for,
)
from opticlir.encoder.vocabulary import VocabularyConfig
from opticlir.errors import ArtefactError, SettingsError, SetupError

pytest.importorskip("peft")
QUERIES = ["maji ni safi", "mtoto ana homa"]


@pytest.fixture
def student(teacher):
    return new_student(teacher, vocabulary_for(teacher, tiny_models.PAIRS, VocabularyConfig())).eval()


def learned(student):
    """Let the adapters say something, as training would."""
    with torch.no_grad():
        for name, weight in student.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.1, generator=torch.Generator().manual_seed(len(name)))


def assert_same_vectors(found, expected, tolerance):
    for one, other in zip(encode_queries(found, QUERIES), encode_queries(expected, QUERIES), strict=True):
        np.testing.assert_allclose(one, other, atol=tolerance)


def test_as_they_are_drawn_they_add_nothing_and_alone_are_trained(student):
    before = encode_queries(student, QUERIES)
    add_adapter(student, AdapterConfig())
    for one, other in zip(encode_queries(student, QUERIES), before, strict=True):
        np.testing.assert_array_equal(one, other)
    moving = [name for name, weight in student.named_parameters() if weight.requires_grad]
    assert len(moving) == 2 * 2 * 6  # two matrices, two layers, six linear maps each; none in the pooler
    assert all("lora_" in name for name in moving)


def test_rank_alpha_and_targets_by_hand(student):
    add_adapter(student, AdapterConfig(rank=2, alpha=6.0, targets=("query", "value")))
    encoder = transformer_of(student, "query").model
    layer = encoder.encoder.layer[0].attention.self.query
    before, down, up = layer.base_layer.weight.detach().clone(), layer.lora_A.default, layer.lora_B.default
    assert down.weight.shape == (2, 32)
    learned(student)
    expected = before + 3 * up.weight.detach() @ down.weight.detach()
    adapter = merge_adapter(student)
    assert sorted(adapter.factors) == [
        f"encoder.layer.{layer}.attention.self.{side}" for layer in (0, 1) for side in ("query", "value")
    ]
    torch.testing.assert_close(encoder.encoder.layer[0].attention.self.query.weight, expected)


def test_merged_they_leave_stock_modules_with_the_same_vectors(student, teacher):
    names = [name for name, _ in student.named_parameters()]
    add_adapter(student, AdapterConfig())
    learned(student)
    before = encode_queries(student, QUERIES)
    adapter = merge_adapter(student)
    assert [name for name, _ in student.named_parameters()] == names
    assert not hasattr(transformer_of(student, "query").model, "peft_config")
    for one, other in zip(encode_queries(student, QUERIES), before, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    again = new_student(teacher, vocabulary_for(teacher, tiny_models.PAIRS, VocabularyConfig())).eval()
    apply_adapter(again, adapter)
    assert_same_vectors(again, student, 1e-5)


def test_a_student_without_adapters_has_none_to_merge(student):
    assert merge_adapter(student) is None


def test_a_pack_gives_the_student_back_and_leaves_the_encoder_alone(student, teacher, tmp_path):
    untouched = {name: value.clone() for name, value in teacher.state_dict().items()}
    add_adapter(student, AdapterConfig())
    learned(student)
    adapter = merge_adapter(student)
    save_language_pack(student, teacher, tmp_path / "pack", language="swa", encoder="minilm", adapter=adapter)
    assert_same_vectors(load_language_pack(tmp_path / "pack", teacher), student, 5e-3)  # float16
    for name, value in teacher.state_dict().items():
        assert torch.equal(value, untouched[name])
    manifest = json.loads((tmp_path / "pack" / "language_pack.json").read_text())
    assert manifest["format_version"] == 2


def test_without_its_adapter_the_student_makes_no_pack(student, teacher, tmp_path):
    add_adapter(student, AdapterConfig())
    learned(student)
    merge_adapter(student)
    with pytest.raises(ArtefactError, match="--train adapters"):
        save_language_pack(student, teacher, tmp_path / "pack", language="swa", encoder="minilm")


def test_a_damaged_adapter_is_named(student, teacher, tmp_path):
    add_adapter(student, AdapterConfig())
    adapter = merge_adapter(student)
    save_language_pack(student, teacher, tmp_path / "pack", language="swa", encoder="minilm", adapter=adapter)
    path = tmp_path / "pack" / "adapter.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ArtefactError, match=r"adapter\.safetensors is not what was saved"):
        load_language_pack(tmp_path / "pack", teacher)


@pytest.mark.parametrize(
    ("layer", "rows"), [("encoder.layer.9.output.dense", 32), ("encoder.layer.0.output.dense", 7)]
)
def test_an_adapter_of_another_encoder_is_refused(student, layer, rows):
    adapter = Adapter({layer: (np.zeros((1, 64), dtype=np.float32), np.zeros((rows, 1), dtype=np.float32))})
    with pytest.raises(ArtefactError, match=f"the adapter of '{layer}' does not fit this encoder"):
        apply_adapter(student, adapter)


def test_an_unknown_target_is_named_with_those_there_are(student):
    with pytest.raises(
        SettingsError, match=r"targets names 'q_proj', but the linear layers .* dense, key, query, value"
    ):
        add_adapter(student, AdapterConfig(targets=("query", "q_proj")))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rank": 0}, "rank is 0: expected at least 1"),
        ({"alpha": 0.0}, "alpha is 0.0: expected a finite number above 0"),
        ({"dropout": 1.0}, "dropout is 1.0: expected a share"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        AdapterConfig(**settings)


def test_without_peft_it_says_what_to_install(student, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(SetupError, match=r"adapters need peft: pip install 'opticlir\[adapters\]'"):
        add_adapter(student, AdapterConfig())
