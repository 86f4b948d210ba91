import copy
import json
import math
import shutil

import huggingface_hub
import numpy as np
import pytest
import torch

import tiny_models
from opticlir.encoder import (
    VocabularyConfig,
    cross_lingual_model,
    document_fingerprint,
    encode_documents,
    encode_queries,
    load_model,
    new_student,
    route_fingerprint,
    save_model,
    transformer_of,
    vocabulary_for,
)
from opticlir.errors import ArtefactError, SetupError

TEXTS = ["the water is clean.", "boil the water before you drink!"]
KINDS = ["plain", "other", "stanford", "pylate", "native"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_checkpoint_is_a_teacher(checkpoints, kind):
    model = load_model(checkpoints[kind])
    dim = 32 if kind in ("plain", "other") else 16
    for matrices in (encode_queries(model, TEXTS), list(encode_documents(model, TEXTS))):
        for matrix in matrices:
            assert matrix.dtype == np.float32
            assert matrix.shape[1] == dim
            np.testing.assert_allclose(np.linalg.norm(matrix, axis=1), 1, rtol=1e-5)
    assert not model.training


@pytest.mark.parametrize("kind", [*KINDS, "crosslingual"])
def test_a_model_is_on_the_device_that_is_chosen(checkpoints, kind, monkeypatch):
    """`meta` is a second device that every machine has."""
    asked = []
    monkeypatch.setattr("opticlir.encoder.load.choose_device", lambda name: asked.append(name) or "meta")
    for device in ({}, {"device": "cuda"}):
        model = load_model(checkpoints[kind], **device)
        assert {parameter.device.type for parameter in model.parameters()} == {"meta"}
        assert model.device.type == "meta"
    assert asked == ["auto", "cuda"]


def test_the_device_is_no_part_of_what_names_a_model(checkpoints):
    model = load_model(checkpoints["plain"], device="cpu")
    assert route_fingerprint(model, "query") == route_fingerprint(load_model(checkpoints["plain"]), "query")
    with pytest.raises(ValueError, match="unknown device 'gpu'"):
        load_model(checkpoints["plain"], device="gpu")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_checkpoint_is_a_student(checkpoints, kind):
    base = load_model(checkpoints[kind])
    vocabulary = vocabulary_for(
        base, tiny_models.PAIRS, VocabularyConfig(n_pieces=200, min_piece_frequency=2)
    )
    student = new_student(base, vocabulary)
    assert all(parameter.requires_grad for parameter in student.parameters())
    tokenizer = transformer_of(student, "query").tokenizer
    assert tokenizer.backend_tokenizer.token_to_id("chandarua") >= len(
        transformer_of(base, "query").tokenizer
    )
    before = transformer_of(base, "query").tokenizer
    assert tokenizer.cls_token_id == before.cls_token_id
    assert tokenizer.mask_token_id == before.mask_token_id
    expanded = kind in ("stanford", "pylate")  # to 12 tokens, by [MASK]
    # the native one scores its specials too
    others = len(tokenizer.tokenize("search: ")) + 2 if kind == "native" else 0
    for text, matrix in zip(tiny_models.SWAHILI, encode_queries(student, tiny_models.SWAHILI), strict=True):
        assert len(matrix) == (12 if expanded else len(text.split()) + others)
    # the base is a copy's original, not the copy
    assert transformer_of(base, "query").tokenizer.backend_tokenizer.token_to_id("chandarua") is None


def test_a_plain_encoder_gives_the_states_of_its_last_layer_without_specials_at_unit_length(checkpoints):
    model = load_model(checkpoints["plain"])
    transformer = transformer_of(model, "document")
    inputs = transformer.tokenizer(TEXTS[0], return_tensors="pt")
    with torch.no_grad():
        states = transformer.model(**inputs).last_hidden_state[0, 1:-1]
    expected = torch.nn.functional.normalize(states, dim=1).numpy()
    np.testing.assert_allclose(encode_queries(model, [TEXTS[0]])[0], expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(next(encode_documents(model, [TEXTS[0]])), expected, rtol=1e-4, atol=1e-6)


def test_a_plain_encoder_can_be_cut_to_its_first_layers(checkpoints, tmp_path):
    whole, cut = load_model(checkpoints["plain"]), load_model(f"{checkpoints['plain']}:1")
    transformer = transformer_of(whole, "document")
    inputs = transformer.tokenizer(TEXTS[0], return_tensors="pt")
    with torch.no_grad():
        states = transformer.model(**inputs, output_hidden_states=True).hidden_states[1][0, 1:-1]
    expected = torch.nn.functional.normalize(states, dim=1).numpy()
    np.testing.assert_allclose(next(encode_documents(cut, [TEXTS[0]])), expected, rtol=1e-4, atol=1e-6)
    assert document_fingerprint(cut) != document_fingerprint(whole)
    student = new_student(cut, vocabulary_for(cut, tiny_models.PAIRS, VocabularyConfig(n_pieces=100)))
    save_model(cross_lingual_model(student, cut), tmp_path / "model")
    again = load_model(tmp_path / "model")
    assert transformer_of(again, "query").model.config.num_hidden_layers == 1
    np.testing.assert_array_equal(encode_queries(again, TEXTS)[0], encode_queries(student, TEXTS)[0])


@pytest.mark.parametrize(
    ("kind", "layers", "reason"),
    [
        ("plain", 3, "it has 2 layers, so it cannot be cut to 3"),
        ("plain", 0, "it has 2 layers, so it cannot be cut to 0"),
        (
            "native",
            1,
            "a late-interaction checkpoint cannot be cut to its first layers; only a plain encoder can",
        ),
    ],
)
def test_layers_that_cannot_be_taken_are_refused(checkpoints, kind, layers, reason):
    with pytest.raises(ArtefactError, match=reason):
        load_model(f"{checkpoints[kind]}:{layers}")


def test_a_folder_whose_name_ends_like_layers_is_a_folder(checkpoints, tmp_path):
    folder = tmp_path / "model:1"
    shutil.copytree(checkpoints["plain"], folder)
    assert document_fingerprint(load_model(folder)) == document_fingerprint(load_model(checkpoints["plain"]))


def test_long_texts_are_cut_to_what_the_encoder_can_read(checkpoints, tmp_path):
    long = "the water is clean " * 300
    model = load_model(checkpoints["plain"])
    assert len(encode_queries(model, [long])[0]) == 64 - 2
    assert len(next(encode_documents(model, [long]))) == 512 - 2
    short_sighted = load_model(tiny_models.save_encoder(tmp_path / "model", positions=48))
    assert len(encode_queries(short_sighted, [long])[0]) == 48 - 2
    assert len(next(encode_documents(short_sighted, [long]))) == 48 - 2


def test_stanford_and_pylate_markers_stand_in_front_and_punctuation_is_no_document_token(checkpoints):
    for kind, marker in (("stanford", "[unused1]"), ("pylate", "[D] ")):
        model = load_model(checkpoints[kind])
        assert model.prompts["document"].startswith(marker.strip())
        tokenizer = transformer_of(model, "document").tokenizer
        inputs = model.preprocess([TEXTS[0]], prompt=model.prompts["document"], task="document")
        assert inputs["input_ids"][0, 1] == tokenizer.convert_tokens_to_ids(marker)
        (matrix,) = encode_documents(model, [TEXTS[0]])
        n_words_and_specials = 4 + 3
        assert len(matrix) == n_words_and_specials
        assert len(encode_queries(model, ["water"])[0]) == 12


def test_documents_come_in_order_from_a_stream(checkpoints):
    model = load_model(checkpoints["plain"])
    texts = [text for _ in range(60) for text in tiny_models.ENGLISH]  # more than one chunk
    stream = encode_documents(model, (text for text in texts))
    for text, matrix in zip(texts, stream, strict=True):
        assert len(matrix) == len(text.split())
    assert list(encode_documents(model, [])) == []
    assert encode_queries(model, []) == []


def test_text_without_a_token_gives_an_empty_matrix(checkpoints):
    model = load_model(checkpoints["plain"])
    assert encode_queries(model, ["", "water"])[0].shape == (0, 32)
    assert next(encode_documents(model, ["\u200d"])).shape == (0, 32)


# fingerprints


@pytest.mark.parametrize("kind", KINDS)
def test_a_fingerprint_follows_from_the_folder_and_not_from_what_was_encoded(checkpoints, kind):
    first, second = load_model(checkpoints[kind]), load_model(checkpoints[kind])
    before = {task: route_fingerprint(first, task) for task in ("query", "document")}
    encode_queries(first, TEXTS)  # the tokenizer keeps padding and truncation from call to call
    list(encode_documents(first, TEXTS))
    torch.manual_seed(12345)  # what a folder has no weights for is drawn
    for model in (first, second, load_model(checkpoints[kind])):
        assert {task: route_fingerprint(model, task) for task in before} == before


def _first_weight(model):
    next(model.parameters()).data[0, 0] += 1e-3


def _last_weight(model):
    list(model.parameters())[-1].data.view(-1)[-1] += 1e-3


def _tokenizer(model):
    transformer_of(model, "document").tokenizer.add_tokens(["chandarua"])


def _normalizer(model):
    transformer_of(model, "document").tokenizer.backend_tokenizer.normalizer.lowercase = False


def _prompt(model):
    model.prompts["document"] = "passage: "


def _length(model):
    transformer_of(model, "document").document_length = 17


def _skiplist(model):
    model[2].skiplist_words = [".", ","]
    model[2].resolve_with_tokenizer(model.tokenizer)


def _skiplist_tasks(model):
    model[2].skiplist_tasks = []


def _kept_tokens(model):
    model[2].keep_only_token_ids = [1, 2, 3]


def _activation(model):
    model[1].activation_function = torch.nn.Tanh()


def _heads(model):
    transformer_of(model, "document").model.config.num_attention_heads = 4


def _layer_norm(model):
    transformer_of(model, "document").model.config.layer_norm_eps = 1e-3


def _precision(model):
    model.half()


def _module(model):
    model.append(torch.nn.Identity())


@pytest.mark.parametrize(
    "change",
    [_first_weight, _last_weight, _tokenizer, _normalizer, _prompt, _length, _skiplist, _skiplist_tasks,
     _kept_tokens, _activation, _heads, _layer_norm, _precision, _module],
)  # fmt: skip
def test_whatever_changes_the_vectors_changes_the_fingerprint(checkpoints, change):
    model = load_model(checkpoints["native"])
    before = document_fingerprint(model)
    change(model)
    assert document_fingerprint(model) != before


def test_what_serves_the_queries_alone_leaves_the_fingerprint_of_the_documents(checkpoints):
    model = load_model(checkpoints["native"])
    before, queries_before = document_fingerprint(model), route_fingerprint(model, "query")
    model.prompts["query"] = "question: "
    transformer_of(model, "query").query_length = 9
    assert document_fingerprint(model) == before
    assert route_fingerprint(model, "query") != queries_before


def test_a_copy_has_the_fingerprint_of_the_original(teacher):
    assert document_fingerprint(copy.deepcopy(teacher)) == document_fingerprint(teacher)


# where models come from


def test_the_embedded_encoder_needs_nothing_but_its_package():
    model = load_model("minilm")
    queries = encode_queries(model, ["how do I make water safe to drink?", "child with a fever"])
    documents = list(encode_documents(model, ["Boil water before drinking it.", "Cool a feverish child."]))
    assert queries[0].shape[1] == 384
    scores = np.array([[(query @ document.T).max(1).sum() for document in documents] for query in queries])
    assert scores.argmax(axis=1).tolist() == [0, 1]


@pytest.mark.parametrize("name", ["someone/no-such-model", "no-such-model", "not a name", "a/b/c/d"])
def test_a_name_that_cannot_be_fetched_says_what_to_do(name):
    with pytest.raises(
        SetupError,
        match=f"'{name}' is neither a folder here nor a model that could be fetched .* give a folder",
    ):
        load_model(name)


@pytest.mark.parametrize("make", [lambda path: path, str])
def test_a_missing_folder_is_named(tmp_path, make):
    with pytest.raises(ArtefactError, match="nowhere: no such model folder"):
        load_model(make(tmp_path / "nowhere"))


def test_a_folder_may_be_given_from_the_home_folder(checkpoints, monkeypatch):
    monkeypatch.setenv("HOME", str(checkpoints["plain"].parent))
    assert document_fingerprint(load_model("~/plain")) == document_fingerprint(
        load_model(checkpoints["plain"])
    )


def _in_hub_cache(cache, folder, name="someone/tiny"):
    """The folder as the hub's client keeps it: links into a store of blobs."""
    root = cache / f"models--{name.replace('/', '--')}"
    snapshot = root / "snapshots" / ("ab" * 20)
    (root / "refs").mkdir(parents=True)
    (root / "blobs").mkdir()
    (root / "refs" / "main").write_text(snapshot.name)
    for number, file in enumerate(sorted(path for path in folder.rglob("*") if path.is_file())):
        blob = root / "blobs" / f"{number:064x}"
        blob.write_bytes(file.read_bytes())
        link = snapshot / file.relative_to(folder)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blob)
    return snapshot


def test_a_model_from_the_hub_is_read_from_the_cache_of_its_client(checkpoints, tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    _in_hub_cache(tmp_path, checkpoints["pylate"])
    model = load_model("someone/tiny")
    assert document_fingerprint(model) == document_fingerprint(load_model(checkpoints["pylate"]))


def test_a_link_out_of_the_cache_of_a_hub_model_is_refused(checkpoints, tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    snapshot = _in_hub_cache(tmp_path / "cache", checkpoints["plain"])
    (tmp_path / "secret.json").write_text("{}")
    (snapshot / "extra.json").symlink_to(tmp_path / "secret.json")
    with pytest.raises(ArtefactError, match="a link that leads out of the model folder"):
        load_model("someone/tiny")


# damage that only shows when weights are read


def test_weights_that_are_no_numbers_load_and_are_refused_where_vectors_are_kept(checkpoints, tmp_path):
    """A NaN in a weight is no damage a loader sees; the teacher cache and the index refuse the vectors."""
    from safetensors.torch import load_file, save_file

    folder = tiny_models.copy_folder(checkpoints["plain"], tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    weights["encoder.layer.1.output.dense.weight"][0, 0] = math.nan
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    model = load_model(folder)
    assert np.isnan(encode_queries(model, ["water"])[0]).any()


def test_settings_that_do_not_fit_the_weights_are_refused(checkpoints, tmp_path):
    for number, (key, value) in enumerate({"vocab_size": 10**12, "hidden_size": 64, "num_attention_heads": 0,
                                           "max_position_embeddings": 10**12}.items()):  # fmt: skip
        folder = tiny_models.copy_folder(checkpoints["plain"], tmp_path / str(number))
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | {key: value}))
        with pytest.raises(ArtefactError, match="this model cannot be loaded"):
            load_model(folder)
