"""The number format of the weights: chosen once, for every kind of model and every command."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import tiny_models
from opticlir.encoder import (
    cross_lingual_model,
    document_fingerprint,
    encode_documents,
    encode_queries,
    load_language_pack,
    load_model,
    new_student,
    save_language_pack,
    save_model,
)
from opticlir.errors import ArtefactError
from without_opticlir import stock_vectors

TEXTS = ["the water is clean.", "boil the water before you drink!"]
KINDS = ["plain", "stanford", "pylate", "native", "crosslingual"]


def formats(model):
    return {weight.dtype for weight in model.parameters()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["float32", "bfloat16", "float16"])
def test_all_weights_of_a_model_have_the_format_that_is_asked_for(checkpoints, kind, name):
    model = load_model(checkpoints[kind], weights_dtype=name)
    assert formats(model) == {getattr(torch, name)}
    whole = load_model(checkpoints[kind])
    assert formats(whole) == {torch.float32}
    for found, expected in zip(encode_queries(model, TEXTS), encode_queries(whole, TEXTS), strict=True):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=0.05)
    assert next(encode_documents(model, TEXTS)).dtype == np.float32
    assert (document_fingerprint(model) == document_fingerprint(whole)) == (name == "float32")


def halved(folder):
    """A copy in bfloat16, as most large models are published."""
    for path in folder.rglob("*.safetensors"):
        save_file(
            {name: value.bfloat16() for name, value in load_file(path).items()},
            path,
            metadata={"format": "pt"},
        )
    config = folder / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"dtype": "bfloat16"}))
    return folder


@pytest.mark.parametrize("kind", ["plain", "pylate", "native", "stanford"])
def test_auto_is_the_format_of_the_files(checkpoints, tmp_path, kind):
    folder = halved(tiny_models.copy_folder(checkpoints[kind], tmp_path / "model"))
    assert formats(load_model(folder)) == {torch.bfloat16}
    assert formats(load_model(folder, weights_dtype="float32")) == {torch.float32}


def test_an_unknown_format_is_refused(checkpoints):
    with pytest.raises(
        ValueError, match="unknown weights_dtype 'int4': expected auto, float32, bfloat16, float16"
    ):
        load_model(checkpoints["plain"], weights_dtype="int4")


def test_a_saved_model_of_short_weights_gives_the_same_vectors_here_and_in_stock_software(
    checkpoints, tmp_path
):
    """With a projection on each side: stock software reads those in float32."""
    weights = np.random.default_rng(0).standard_normal((16, 32)).astype(np.float32)
    folders, expected = [], []
    for mine, theirs in (("bfloat16", "float32"), ("float32", "bfloat16"), ("bfloat16", "bfloat16")):
        teacher = load_model(checkpoints["native"], weights_dtype=theirs)
        base = load_model(checkpoints["plain"])
        student = new_student(base, projection=weights, dtype=getattr(torch, mine))
        joined = cross_lingual_model(student, teacher)
        assert formats(student) == {getattr(torch, mine)}  # what was joined stays as it was
        folders.append(tmp_path / f"{mine}-{theirs}")
        save_model(joined, folders[-1])
        expected.append([*encode_queries(joined, TEXTS), *encode_documents(joined, TEXTS)])
    for folder, own, stock in zip(folders, expected, stock_vectors(folders, TEXTS, TEXTS), strict=True):
        model = load_model(folder)
        again = [*encode_queries(model, TEXTS), *encode_documents(model, TEXTS)]
        for one, other, third in zip(own, again, stock, strict=True):
            np.testing.assert_array_equal(one, other)
            np.testing.assert_allclose(one, third, atol=2e-2)  # it pads; short formats round


def test_a_language_pack_remembers_the_format_of_its_english_encoder(checkpoints, tmp_path):
    english = load_model(checkpoints["plain"], weights_dtype="bfloat16")
    student = new_student(english)
    with torch.no_grad():
        student[0].model.get_input_embeddings().weight.mul_(1.25)
    save_language_pack(
        student,
        english,
        tmp_path / "pack",
        language="swa",
        encoder=checkpoints["plain"],
        weights_dtype="bfloat16",
    )
    model = load_language_pack(tmp_path / "pack")
    for one, other in zip(encode_queries(model, TEXTS), encode_queries(student, TEXTS), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-3)
    assert document_fingerprint(model) == document_fingerprint(english)
    assert formats(load_model(tmp_path / "pack", weights_dtype="float32")) == {torch.float32}
    path = tmp_path / "pack" / "language_pack.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"weights_dtype": "int4"}))
    with pytest.raises(ArtefactError, match="damaged"):
        load_language_pack(tmp_path / "pack")
