"""An index without the mean document token, and one index for students of different encoders."""

import numpy as np
import pytest

import tiny_models
from opticlir.encoder import (
    VocabularyConfig,
    cross_lingual_model,
    encode_documents,
    encode_queries,
    load_model,
    new_student,
    save_model,
    vocabulary_for,
)
from opticlir.errors import DataError
from opticlir.search import Retriever

TEXTS = list(tiny_models.ENGLISH)
QUESTIONS = ["clean water", "a fever of the child"]


def without(mean, matrix):
    shifted = matrix.astype(np.float64) - mean
    return shifted / np.linalg.norm(shifted, axis=1, keepdims=True)


def test_the_mean_token_is_taken_out_of_documents_and_questions(tmp_path, teacher):
    Retriever.build(TEXTS, teacher, tmp_path / "index", store="float32", centre=True)
    retriever = Retriever.open(tmp_path / "index", teacher)
    documents = list(encode_documents(teacher, TEXTS))
    mean = np.concatenate(documents).mean(axis=0, dtype=np.float64)
    np.testing.assert_allclose(retriever.index.mean, mean, rtol=1e-5)
    for row, document in enumerate(documents):
        np.testing.assert_allclose(
            retriever.index.document_tokens(row), without(mean, document), rtol=1e-3, atol=1e-5
        )
    for question, tokens in zip(QUESTIONS, encode_queries(teacher, QUESTIONS), strict=True):
        expected = [(without(mean, tokens) @ without(mean, each).T).max(axis=1).sum() for each in documents]
        found = retriever.rank([question], k=len(TEXTS), ranking="dense")["0"]
        assert [found[str(row)] for row in range(len(TEXTS))] == pytest.approx(expected, rel=1e-3)


def test_documents_that_are_added_and_deleted_leave_the_mean_as_it_is(tmp_path, teacher):
    whole = Retriever.build(TEXTS[:10], teacher, tmp_path / "index", centre=True)
    mean = whole.index.mean
    whole.add(TEXTS[10:])
    whole.delete(["0"])
    opened = Retriever.open(tmp_path / "index", teacher)
    np.testing.assert_array_equal(opened.index.mean, mean)
    (document,) = encode_documents(teacher, [TEXTS[12]])
    stored = opened.index.document_tokens(opened.index.row("12")).astype(np.float32)
    np.testing.assert_allclose(stored, without(mean, document), atol=2e-3)
    assert len(opened.search("clean water")) == 10
    assert opened.explain("clean water", "12")


def test_documents_without_text_have_no_mean(tmp_path, teacher):
    with pytest.raises(DataError, match="the first documents have no text, so their vectors have no mean"):
        Retriever.build(["", " "], teacher, tmp_path / "index", centre=True)


def test_students_of_different_encoders_search_one_index(tmp_path, checkpoints, teacher):
    """One starts from the English encoder, one from another encoder with another tokenizer; both know the teacher."""
    Retriever.build(TEXTS, teacher, tmp_path / "index")
    found = {}
    for kind in ("plain", "other"):
        base = load_model(checkpoints[kind])
        config = VocabularyConfig(n_pieces=200, min_piece_frequency=2)
        student = new_student(base, vocabulary_for(base, tiny_models.PAIRS, config))
        save_model(cross_lingual_model(student, teacher), tmp_path / kind)
        retriever = Retriever.open(tmp_path / "index", tmp_path / kind)
        found[kind] = retriever.rank(list(tiny_models.SWAHILI[:3]), k=5, ranking="dense")
        retriever.add([f"the {kind} clinic opens"])  # its document route is the teacher's
        assert retriever.explain(tiny_models.SWAHILI[0], "0")
    assert len(Retriever.open(tmp_path / "index", teacher)) == len(TEXTS) + 2
    assert found["plain"] != found["other"]
