"""Late-interaction models of every format, and encoders with heads, give the vectors that stock software gives."""

import json

import numpy as np
import pytest
from sentence_transformers import MultiVectorEncoder, SentenceTransformer

import tiny_models
from opticlir.encoder import encode_documents, encode_queries, load_model, transformer_of
from opticlir.errors import ArtefactError
from tiny_architectures import save_architecture

TEXTS = ["the water is clean.", "boil the water before you drink!"]


@pytest.mark.parametrize("kind", ["stanford", "pylate", "pylate_before_5", "labse", "embeddinggemma"])
def test_a_model_with_a_projection_gives_the_vectors_of_sentence_transformers(tmp_path, kind):
    folder = save_architecture(tmp_path / "model", kind, width=12)
    model, stock = load_model(folder), MultiVectorEncoder(str(folder), device="cpu")
    assert model.prompts == stock.prompts
    for found, expected in (
        (encode_queries(model, TEXTS), stock.encode_query(TEXTS)),
        (list(encode_documents(model, TEXTS)), stock.encode_document(TEXTS)),
    ):
        for one, other in zip(found, expected, strict=True):
            assert one.shape[1] == 12
            np.testing.assert_allclose(one, other.numpy(), atol=2e-6)  # it pads; the last bits differ


def test_a_pylate_model_from_before_sentence_transformers_5_keeps_markers_and_projection(
    checkpoints, tmp_path
):
    old = load_model(save_architecture(tmp_path / "old", "pylate_before_5"))
    new = load_model(checkpoints["pylate"])
    assert old.prompts["query"] == "[Q] "
    assert len(transformer_of(old, "query").tokenizer.tokenize("[Q] water")) == 2
    np.testing.assert_array_equal(encode_queries(old, TEXTS), encode_queries(new, TEXTS))


@pytest.mark.parametrize("model_type", ["SentenceTransformer", None])
def test_an_embedding_model_without_a_head_gives_its_own_states(checkpoints, tmp_path, model_type):
    SentenceTransformer(str(checkpoints["plain"]), device="cpu").save_pretrained(
        str(tmp_path / "model"), create_model_card=False
    )
    path = tmp_path / "model" / "config_sentence_transformers.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model_type": model_type}))
    found, expected = load_model(tmp_path / "model"), load_model(checkpoints["plain"])
    for one, other in zip(encode_queries(found, TEXTS), encode_queries(expected, TEXTS), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_module_that_cannot_be_applied_to_tokens_is_named(tmp_path):
    folder = save_architecture(tmp_path / "model", "labse")
    path = folder / "modules.json"
    modules = [entry for entry in json.loads(path.read_text()) if "Dense" not in entry["type"]]
    layer_norm = {"idx": 9, "name": "9", "path": "9_LayerNorm"}
    layer_norm["type"] = "sentence_transformers.sentence_transformer.modules.layer_norm.LayerNorm"
    path.write_text(json.dumps([*modules, layer_norm]))
    with pytest.raises(ArtefactError, match=r"modules\.json: LayerNorm cannot be applied to token vectors"):
        load_model(folder)


def test_a_plain_encoder_is_no_model_of_two_transformers(checkpoints, tmp_path):
    folder = tiny_models.copy_folder(checkpoints["plain"], tmp_path / "model")
    entry = {"path": "", "type": "sentence_transformers.models.Transformer"}
    (folder / "modules.json").write_text(json.dumps([{"name": name, **entry} for name in "01"]))
    with pytest.raises(ArtefactError, match="2 transformers cannot be applied"):
        load_model(folder)
