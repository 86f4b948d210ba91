"""Models of one vector per text: loaded, indexed, searched, trained and exported."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Transformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling

import tiny_models
from opticlir.encoder import encode_documents, encode_queries, fit_projection, load_model, new_student
from opticlir.errors import ArtefactError
from opticlir.search import Retriever
from opticlir.training import distil, make_config

TEXTS = list(tiny_models.ENGLISH[:8])


@pytest.fixture(params=["mean", "cls", "lasttoken"])
def folder(request, tmp_path):
    return embedding_model(tmp_path / "model", request.param)


def embedding_model(folder, pooling="mean", *, normalize=True, width=tiny_models.HIDDEN):
    plain = tiny_models.save_encoder(folder.with_name(f"{folder.name}-plain"))
    modules = [Transformer(str(plain)), Pooling(tiny_models.HIDDEN, pooling)]
    if width != tiny_models.HIDDEN:
        torch.manual_seed(0)
        modules.append(Dense(tiny_models.HIDDEN, width))
    prompts = {"query": "the water: ", "document": "a net: "}
    stock = SentenceTransformer(
        modules=[*modules, *([Normalize()] if normalize else [])], prompts=prompts, device="cpu"
    )
    stock.save_pretrained(str(folder), create_model_card=False)
    return folder


def test_a_text_is_the_pooled_vector_of_the_model_itself(folder):
    model, stock = (
        load_model(f"{folder}:pooled", device="cpu"),
        SentenceTransformer(str(folder), device="cpu"),
    )
    for ours, theirs in (
        (encode_queries(model, TEXTS), stock.encode_query(TEXTS)),
        (list(encode_documents(model, TEXTS)), stock.encode_document(TEXTS)),
    ):
        assert {matrix.shape for matrix in ours} == {(1, tiny_models.HIDDEN)}
        np.testing.assert_allclose(np.concatenate(ours), theirs, rtol=1e-4, atol=1e-6)


def test_a_pooled_vector_has_unit_length_whatever_the_model_does(tmp_path):
    model = load_model(f"{embedding_model(tmp_path / 'model', normalize=False)}:pooled", device="cpu")
    np.testing.assert_allclose(
        np.linalg.norm(np.concatenate(encode_queries(model, TEXTS)), axis=1), 1, rtol=1e-5
    )


def test_an_index_of_pooled_vectors_is_ranked_by_cosine_and_refuses_token_vectors(tmp_path):
    folder = embedding_model(tmp_path / "model")
    name = f"{folder}:pooled"
    built = Retriever.build(TEXTS, name, tmp_path / "index", device="cpu")
    assert built.counts["tokens"] == len(TEXTS)
    opened = Retriever.open(tmp_path / "index", name, device="cpu")
    hits = opened.search(TEXTS[2], k=3, ranking="dense")
    stock = SentenceTransformer(str(folder), device="cpu")
    cosine = stock.encode_document(TEXTS) @ stock.encode_query(TEXTS[2])
    assert [int(hit.doc_id) for hit in hits] == np.argsort(-cosine)[:3].tolist()
    assert all(hit.snippet for hit in hits)
    with pytest.raises(
        ArtefactError, match="one pooled vector per text: an explanation needs a vector per token"
    ):
        opened.explain(TEXTS[2], "2")
    with pytest.raises(ArtefactError, match=r"holds one pooled vector per document.*NAME:pooled"):
        Retriever.open(tmp_path / "index", folder, device="cpu")
    Retriever.build(TEXTS, folder, tmp_path / "tokens", device="cpu")
    with pytest.raises(ArtefactError, match=r"holds a vector per token.*without `:pooled`"):
        Retriever.open(tmp_path / "tokens", name, device="cpu")


def test_a_bare_encoder_does_not_say_how_it_pools(checkpoints):
    with pytest.raises(ArtefactError, match=r"no modules.json says how this model pools its tokens"):
        load_model(f"{checkpoints['plain']}:pooled")


def test_a_student_of_pooled_vectors_is_trained_and_opens_in_stock_sentence_transformers(tmp_path):
    from opticlir.training.config import TrainConfig
    from opticlir.training.distil import distil

    base = embedding_model(tmp_path / "base")
    name = f"{base}:pooled"
    config = TrainConfig(language="swa", teacher=name, steps=3, batch_size=8, device="cpu", held_out=0)
    distil(config, tiny_models.PAIRS, tmp_path / "out")
    questions = list(tiny_models.SWAHILI[:3])
    trained = load_model(tmp_path / "out", device="cpu")
    script = (
        "import sys, json; sys.modules['opticlir'] = None\n"
        "from sentence_transformers import SentenceTransformer\n"
        f"model = SentenceTransformer({str(tmp_path / 'out')!r}, device='cpu')\n"
        f"sides = model.encode_query({questions!r}), model.encode_document({TEXTS!r})\n"
        "print(json.dumps([side.tolist() for side in sides]))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    queries, documents = json.loads(found.stdout.splitlines()[-1])
    np.testing.assert_allclose(
        queries, np.concatenate(encode_queries(trained, questions)), rtol=1e-3, atol=1e-5
    )
    ours = np.concatenate(list(encode_documents(trained, TEXTS)))
    np.testing.assert_allclose(documents, ours, rtol=1e-3, atol=1e-5)
    untrained = load_model(name, device="cpu")
    np.testing.assert_allclose(
        ours, np.concatenate(list(encode_documents(untrained, TEXTS))), rtol=1e-4, atol=1e-6
    )
    with pytest.raises(ArtefactError, match="one of student and teacher gives pooled vectors"):
        distil(
            TrainConfig(language="swa", teacher=name, student=str(base), steps=1, device="cpu"),
            tiny_models.PAIRS, tmp_path / "mixed",
        )  # fmt: skip


@pytest.mark.parametrize("train", ["all", "embeddings"])
@pytest.mark.parametrize(("teacher_width", "student_width"), [(12, tiny_models.HIDDEN), (48, 12)])
def test_a_pooled_student_of_another_width_is_trained_and_opens_in_stock_sentence_transformers(
    tmp_path, train, teacher_width, student_width
):
    teacher = embedding_model(tmp_path / "teacher", width=teacher_width)
    student = embedding_model(tmp_path / "student", "cls", width=student_width)
    common = {
        "teacher": f"{teacher}:pooled",
        "student": f"{student}:pooled",
        "language": "swa",
        "device": "cpu",
    }
    for steps in (0, 3):
        config = make_config({**common, "steps": steps, "batch_size": 8, "train": train}, source="test")
        distil(config, tiny_models.PAIRS, tmp_path / str(steps))
    questions = list(tiny_models.SWAHILI[:3])
    start, trained = (
        np.concatenate(encode_queries(load_model(tmp_path / name, device="cpu"), questions)) for name in "03"
    )
    assert trained.shape == (3, teacher_width)
    assert not np.allclose(start, trained)
    stock = SentenceTransformer(str(tmp_path / "3"), device="cpu")
    np.testing.assert_allclose(trained, stock.encode_query(questions), rtol=1e-4, atol=1e-5)
    built = Retriever.build(TEXTS, f"{teacher}:pooled", tmp_path / "index", device="cpu")
    assert len(Retriever.open(tmp_path / "index", tmp_path / "3", device="cpu").search(questions[0])) == 8
    assert built.counts["tokens"] == len(TEXTS)


def test_the_projection_of_a_pooled_student_begins_near_its_teacher(tmp_path):
    """Of English sentences: nearer than an orthonormal map, which knows nothing of the teacher."""
    teacher = load_model(f"{embedding_model(tmp_path / 'teacher', width=12)}:pooled", device="cpu")
    student = load_model(f"{embedding_model(tmp_path / 'student', 'cls')}:pooled", device="cpu")
    english = list(tiny_models.ENGLISH)
    cosines = []
    for sentences in (english, []):
        weights = fit_projection(student, teacher, sentences, seed=0)
        projected = new_student(student, projection=weights).eval()
        own, wanted = (np.concatenate(encode_queries(model, english)) for model in (projected, teacher))
        cosines.append((own * wanted).sum(axis=1).mean())
    assert cosines[0] > 0.9 > cosines[1]


@pytest.mark.parametrize("normalize", [True, False])
def test_a_trained_pooled_student_searches_the_index_of_its_teacher(tmp_path, normalize):
    """Saved and opened again, it had one more `Normalize`, and the index refused it."""
    teacher = f"{embedding_model(tmp_path / 'teacher', normalize=normalize)}:pooled"
    Retriever.build(TEXTS, teacher, tmp_path / "index", device="cpu")
    config = make_config({"teacher": teacher, "language": "swa", "device": "cpu", "steps": 0}, source="test")
    distil(config, tiny_models.PAIRS, tmp_path / "out")
    opened = Retriever.open(tmp_path / "index", tmp_path / "out", device="cpu")
    assert len(opened.search(tiny_models.SWAHILI[0])) == len(TEXTS)
