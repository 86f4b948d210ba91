"""Layers are those of the encoder, and the last one is what search uses."""

import numpy as np
import pytest
import torch

import tiny_models
from opticlir.encoder import encode_documents, encode_queries, layer_vectors, load_model, transformer_of
from opticlir.errors import ArtefactError
from opticlir.lab.probes.geometry import sentence_vectors


@pytest.mark.parametrize("task", ["query", "document"])
def test_the_last_layer_of_a_plain_encoder_is_its_vector(teacher, task):
    texts = [*tiny_models.ENGLISH, "water"]  # of many lengths, and padded
    found = layer_vectors(teacher, texts, task)
    assert found.shape == (3, len(texts), tiny_models.HIDDEN), "embeddings and two layers"
    matrices = encode_queries(teacher, texts) if task == "query" else encode_documents(teacher, texts)
    np.testing.assert_allclose(found[-1], sentence_vectors(matrices), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=2), 1)


def test_the_first_layer_by_hand(teacher):
    """The embeddings of [CLS] water [SEP] with their positions, markers left out of the mean."""
    transformer = transformer_of(teacher, "query")
    features = transformer.tokenizer("water", return_tensors="pt")
    with torch.inference_mode():
        entering = transformer.model.embeddings(features["input_ids"])[0, 1].double().numpy()
    (found,) = layer_vectors(teacher, ["water"], "query")[0]
    np.testing.assert_allclose(found, entering / np.linalg.norm(entering), atol=1e-5)


@pytest.mark.parametrize("kind", ["stanford", "pylate", "native", "crosslingual"])
def test_any_encoder_tells_its_layers_and_is_left_as_it_was(checkpoints, kind, monkeypatch):
    model = load_model(checkpoints[kind])
    before = [tokens.tolist() for tokens in encode_queries(model, ["the water"])]
    found = layer_vectors(model, ["the water", "maji"], "query")
    assert found.shape[1:] == (2, tiny_models.HIDDEN)
    assert not transformer_of(model, "query").model.config.output_hidden_states
    assert [tokens.tolist() for tokens in encode_queries(model, ["the water"])] == before


def test_a_text_without_a_direction_is_refused(teacher):
    with pytest.raises(ArtefactError, match="text 1 has no direction in layer 0: it has no token"):
        layer_vectors(teacher, ["water", " "], "query")
