"""Prompts of a model folder: read by both routes, left out of the token matrix, and exported."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import tiny_models
from opticlir.encoder import (
    VocabularyConfig,
    cross_lingual_model,
    encode_documents,
    encode_queries,
    load_model,
    new_student,
    route_fingerprint,
    save_model,
    scored_tokens,
    transformer_of,
    vocabulary_for,
)
from opticlir.errors import ArtefactError

TEXTS = ["the water is clean", "boil the water before you drink"]
TOKENIZERS = {
    "wordpiece": tiny_models.wordpiece_tokenizer,
    "unigram": tiny_models.unigram_tokenizer,
    "byte-level": tiny_models.byte_level_tokenizer,
}
E5 = {"query": "query: ", "passage": "passage: "}
QWEN = {"query": "Instruct: find the clean water\nQuery:", "document": ""}


def saved(folder: Path, prompts, kind="wordpiece", default=None, **options) -> Path:
    tiny_models.save_encoder(folder, TOKENIZERS[kind](), **options)
    settings = {"prompts": prompts, "default_prompt_name": default}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


def states_after(folder, prompt, text, left_out):
    """Unit states of the tokens of a text that the encoder reads behind a prompt, by transformers alone."""
    transformer = transformer_of(load_plain(folder), "query")
    inputs = transformer.tokenizer(prompt + text, return_tensors="pt", return_offsets_mapping=True)
    places = inputs.pop("offset_mapping")[0].tolist()
    with torch.no_grad():
        states = transformer.model(**inputs).last_hidden_state[0]
    kept = [n for n, (start, end) in enumerate(places) if end > max(start, len(left_out.rstrip()))]
    return torch.nn.functional.normalize(states[kept], dim=1).numpy()


def load_plain(folder):
    """The encoder without its prompts."""
    settings = Path(folder) / "config_sentence_transformers.json"
    content = settings.read_text("utf-8")
    settings.unlink()
    try:
        return load_model(folder, device="cpu")
    finally:
        settings.write_text(content, "utf-8")


@pytest.mark.parametrize("rows", [None, 900])
@pytest.mark.parametrize("kind", TOKENIZERS)
@pytest.mark.parametrize("prompts", [E5, QWEN], ids=["e5", "qwen"])
def test_the_encoder_reads_its_prompt_and_the_matrix_has_the_text_alone(tmp_path, kind, prompts, rows):
    folder = saved(tmp_path / "model", prompts, kind, rows=rows)
    model = load_model(folder, device="cpu")
    for encode, names in ((encode_queries, ("query",)), (encode_documents, ("document", "passage"))):
        prompt = next(prompts[name] for name in names if name in prompts)
        for text, matrix in zip(TEXTS, encode(model, TEXTS), strict=True):
            in_matrix = "" if (kind, prompts) == ("unigram", QWEN) else prompt  # it is joined to the text
            expected = states_after(folder, prompt, text, left_out=in_matrix)
            np.testing.assert_allclose(matrix, expected, rtol=1e-3, atol=1e-5)


def test_the_prompt_changes_the_vectors_and_the_fingerprint(tmp_path):
    folder = saved(tmp_path / "model", E5)
    model, plain = load_model(folder), load_plain(folder)
    (with_prompt,), (without,) = encode_queries(model, TEXTS[:1]), encode_queries(plain, TEXTS[:1])
    assert with_prompt.shape == without.shape
    assert np.abs(with_prompt - without).max() > 1e-3
    for task in ("query", "document"):
        assert route_fingerprint(model, task) != route_fingerprint(plain, task)
    assert [token.text for token in next(scored_tokens(model, TEXTS[:1], "query"))] == TEXTS[0].split()


def test_a_text_has_as_much_room_as_without_a_prompt(tmp_path):
    long = "the water is clean " * 60
    folder = saved(tmp_path / "model", QWEN)
    assert len(encode_queries(load_model(folder), [long])[0]) == len(
        encode_queries(load_plain(folder), [long])[0]
    )


@pytest.mark.parametrize(
    ("prompts", "default", "expected"),
    [
        ({}, None, ("", "")),
        ({"query": "q: ", "corpus": "c: "}, None, ("q: ", "c: ")),
        ({"query": "q: "}, "query", ("q: ", "")),
        ({"any": "all: "}, "any", ("all: ", "all: ")),
        ({"any": "all: ", "document": ""}, "any", ("all: ", "")),
        ({"any": "all: "}, None, ("", "")),
        ({"passage": "p: "}, "passage", ("", "p: ")),
    ],
)
def test_each_route_takes_its_own_prompt_or_the_default_one(tmp_path, prompts, default, expected):
    from opticlir.encoder.prompts import saved_prompts

    folder = saved(tmp_path / "model", prompts, default=default)
    assert tuple(saved_prompts(folder)[task] for task in ("query", "document")) == expected


def test_prompts_that_are_no_texts_are_refused(tmp_path):
    with pytest.raises(ArtefactError, match=r"config_sentence_transformers.json: `prompts` is \['query: '\]"):
        load_model(saved(tmp_path / "model", ["query: "]))


@pytest.mark.parametrize(("kind", "extend"), [("wordpiece", False), ("unigram", True)])
def test_stock_sentence_transformers_reads_the_prompts_of_a_trained_model(
    tmp_path, kind, extend, checkpoints
):
    base = load_model(saved(tmp_path / "base", E5, kind), device="cpu")
    config = VocabularyConfig(n_pieces=200, min_piece_frequency=2)
    student = new_student(base, vocabulary_for(base, tiny_models.PAIRS, config) if extend else None)
    sides = {"plain": load_model(checkpoints["plain"], device="cpu"), "prompted": base}
    for name, teacher in sides.items():
        save_model(cross_lingual_model(student, teacher), tmp_path / name)
    questions = list(tiny_models.SWAHILI[:3])
    script = (
        "import sys, json; sys.modules['opticlir'] = None\n"
        "from sentence_transformers import MultiVectorEncoder\n"
        f"for folder in {[str(tmp_path / name) for name in sides]!r}:\n"
        "    model = MultiVectorEncoder(folder, device='cpu')\n"
        f"    sides = model.encode_query({questions!r}), model.encode_document({TEXTS!r})\n"
        "    print(json.dumps([[each.tolist() for each in side] for side in sides]))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    for line, teacher in zip(found.stdout.splitlines()[-2:], sides.values(), strict=True):
        queries, documents = json.loads(line)
        for stock, ours in zip(queries, encode_queries(student, questions), strict=True):
            np.testing.assert_allclose(stock, ours, rtol=1e-4, atol=1e-6)
        for stock, ours in zip(documents, encode_documents(teacher, TEXTS), strict=True):
            np.testing.assert_allclose(stock, ours, rtol=1e-4, atol=1e-6)
