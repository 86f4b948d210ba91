"""A model whose weights are not in its files is refused: a loader would draw them at random without a word."""

import json
import logging

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import tiny_models
from opticlir.encoder import encode_queries, load_language_pack, load_model, save_language_pack
from opticlir.encoder import weights as weights_module
from opticlir.encoder.crosslingual import new_student
from opticlir.errors import ArtefactError
from opticlir.translation.neural import Seq2Seq
from tiny_architectures import save_architecture


def changed(path, change):
    """Rewrite a weight file by a function of its tensors."""
    save_file(change(load_file(path)), path, metadata={"format": "pt"})


DEFECTS = {
    "an unrelated tensor alone": (
        lambda tensors: {f"something.{number}": torch.zeros(3) for number in range(9)},
        r"have no \S*[a-z]\.\S+, .* more",
    ),
    "renamed tensors": (
        lambda tensors: {name.replace("layer", "block"): value for name, value in tensors.items()}, r"layer\.0\.",
    ),
    "half of the layers": (
        lambda tensors: {name: value for name, value in tensors.items() if "layer.1." not in name}, r"layer\.1\.",
    ),
    "no word embeddings": (
        lambda tensors: {name: value for name, value in tensors.items() if "word_embeddings" not in name},
        r"word_embeddings\.weight;",
    ),
    "one bias less": (
        lambda tensors: {name: value for name, value in tensors.items() if "layer.1.output.dense.bias" not in name},
        r"encoder\.layer\.1\.output\.dense\.bias;",
    ),
}  # fmt: skip
PLACES = {
    "plain": ".", "other": ".", "pylate": ".", "native": ".", "crosslingual": "query_0_Transformer",
    "crosslingual teacher": "document_0_Transformer",
}  # fmt: skip


@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize("defect", DEFECTS)
def test_a_weight_that_is_not_in_the_file_is_named(checkpoints, tmp_path, kind, defect):
    folder = tiny_models.copy_folder(checkpoints[kind.split()[0]], tmp_path / "model")
    (folder / "opticlir.json").unlink(missing_ok=True)
    change, named = DEFECTS[defect]
    changed(folder / PLACES[kind] / "model.safetensors", change)
    with pytest.raises(ArtefactError, match=named) as raised:
        load_model(folder)
    assert str(folder / PLACES[kind]) in str(raised.value)


@pytest.mark.parametrize(
    "kind", ["stanford", "labse", "embeddinggemma", "pylate_before_5", "distilbert", "modernbert", "qwen3"]
)
def test_a_lost_layer_of_any_architecture_is_named(tmp_path, kind):
    folder = save_architecture(tmp_path / "model", kind)
    load_model(folder)
    layer = {"modernbert": "layers.1.", "qwen3": "layers.1."}.get(kind, "layer.1.")
    changed(
        folder / "model.safetensors",
        lambda tensors: {name: value for name, value in tensors.items() if layer not in name},
    )
    with pytest.raises(ArtefactError, match=rf"the weights have no \S*{layer}"):
        load_model(folder)


def test_a_layer_more_in_the_config_than_in_the_file_is_named(checkpoints, tmp_path):
    folder = tiny_models.copy_folder(checkpoints["plain"], tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(
        ArtefactError, match=r"the weights have no encoder\.layer\.2\.attention.*correct its config"
    ):
        load_model(folder)
    load_model(f"{folder}:2")


def test_the_encoder_of_a_language_pack_is_checked_too(tmp_path):
    folder = tiny_models.save_encoder(tmp_path / "english")
    english = load_model(folder)
    save_language_pack(new_student(english), english, tmp_path / "pack", language="qin", encoder=folder)
    load_language_pack(tmp_path / "pack")
    changed(folder / "model.safetensors", DEFECTS["half of the layers"][0])
    with pytest.raises(ArtefactError, match=r"layer\.1\."):
        load_language_pack(tmp_path / "pack")


def test_a_translator_with_missing_weights_is_refused(tmp_path):
    from transformers import MarianConfig, MarianMTModel

    config = MarianConfig(
        vocab_size=30, d_model=8, encoder_layers=1, decoder_layers=2, encoder_attention_heads=1,
        decoder_attention_heads=1, encoder_ffn_dim=8, decoder_ffn_dim=8, pad_token_id=0, decoder_start_token_id=0,
        eos_token_id=1, forced_eos_token_id=1,
    )  # fmt: skip
    MarianMTModel(config).save_pretrained(tmp_path)
    changed(
        tmp_path / "model.safetensors",
        lambda tensors: {name: value for name, value in tensors.items() if "decoder.layers.1." not in name},
    )
    with pytest.raises(ArtefactError, match=r"the weights have no model\.decoder\.layers\.1\."):
        Seq2Seq(tmp_path)


def test_a_projection_that_is_lost_is_not_replaced_by_a_random_one(checkpoints, tmp_path):
    folder = tiny_models.copy_folder(checkpoints["pylate"], tmp_path / "model")
    path = folder / "modules.json"
    path.write_text(json.dumps(json.loads(path.read_text())[:1]))
    settings = folder / "config_sentence_transformers.json"
    kept = {name: value for name, value in json.loads(settings.read_text()).items() if name != "model_type"}
    settings.write_text(json.dumps(kept))
    with pytest.raises(ArtefactError, match="has lost its projection"):
        load_model(folder)


def test_a_stanford_checkpoint_that_does_not_say_so_is_refused(checkpoints, tmp_path):
    folder = tiny_models.copy_folder(checkpoints["stanford"], tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"architectures": ["BertModel"]}))
    for _ in range(2):
        with pytest.raises(ArtefactError, match='add "architectures": \\["HF_ColBERT"\\]'):
            load_model(folder)
        (folder / "artifact.metadata").unlink(missing_ok=True)


def test_a_pooler_may_be_missing_and_unused_tensors_are_said_once(checkpoints, tmp_path, caplog):
    folder = tiny_models.copy_folder(checkpoints["plain"], tmp_path / "model")
    assert not any("pooler" in name for name in load_file(folder / "model.safetensors"))
    expected = encode_queries(load_model(folder), ["water"])
    changed(
        folder / "model.safetensors",
        lambda tensors: tensors | {"cls.bias": torch.ones(2), "more": torch.ones(1)},
    )
    weights_module._say_unused.cache_clear()
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(encode_queries(load_model(folder), ["water"]), expected)
        load_model(folder)
        load_model(f"{folder}:1")  # the layers that are cut off are no surprise
    assert [message for message in caplog.messages if "not used" in message] == [
        f"{folder}: these tensors of its files are not used: cls.bias, more"
    ]


def test_what_a_projection_reads_is_not_unused(checkpoints, caplog):
    weights_module._say_unused.cache_clear()
    with caplog.at_level(logging.WARNING):
        for kind in ("stanford", "pylate", "native", "crosslingual"):
            load_model(checkpoints[kind])
    assert not [message for message in caplog.messages if "not used" in message]


def test_a_folder_without_checksums_is_said_once_and_a_sealed_one_is_not(checkpoints, tmp_path, caplog):
    folder = tiny_models.copy_folder(checkpoints["plain"], tmp_path / "model")
    with caplog.at_level(logging.WARNING):
        load_model(folder)
        load_model(folder)
        load_model(checkpoints["crosslingual"])
    assert caplog.messages == [
        f"{folder}: no checksums (opticlir.json), so damage to its files goes unnoticed"
    ]
