"""A language pack gives back the student it was made of, and refuses what it was not made for."""

import numpy as np
import pytest
import torch

import tiny_models
from opticlir.encoder import (
    encode_queries,
    load_language_pack,
    load_model,
    new_student,
    save_language_pack,
    transformer_of,
    vocabulary_for,
)
from opticlir.encoder.vocabulary import VocabularyConfig
from opticlir.errors import ArtefactError
from opticlir.records import SentencePair

PAIRS = [SentencePair("the cow drinks water", "ga mulo tiri sefa"), SentencePair("the goat", "ga beko")] * 3


@pytest.fixture
def teacher(tmp_path):
    tiny_models.save_encoder(tmp_path / "teacher")
    return load_model(tmp_path / "teacher")


@pytest.fixture
def student(teacher):
    return new_student(teacher, vocabulary_for(teacher, PAIRS, VocabularyConfig()))


def test_a_pack_gives_the_student_back(teacher, student, tmp_path):
    save_language_pack(student, teacher, tmp_path / "pack", language="qin", encoder=tmp_path / "teacher")
    loaded = load_language_pack(tmp_path / "pack", teacher)
    (before,), (after,) = encode_queries(student, ["ga mulo sefa"]), encode_queries(loaded, ["ga mulo sefa"])
    np.testing.assert_allclose(after, before, atol=2e-3)  # its rows are float16


def test_only_rows_that_are_not_the_teachers_are_kept(teacher, student, tmp_path):
    table = transformer_of(student, "query").model.get_input_embeddings().weight.data
    known = len(transformer_of(teacher, "query").tokenizer)
    table[:known] = transformer_of(teacher, "query").model.get_input_embeddings().weight.data[:known]
    save_language_pack(student, teacher, tmp_path / "pack", language="qin", encoder=tmp_path / "teacher")
    size = (tmp_path / "pack" / "embeddings.safetensors").stat().st_size
    assert size < (len(table) - known) * (2 * table.shape[1] + 8) + 1000


def test_a_student_with_a_changed_encoder_makes_no_pack(teacher, student, tmp_path):
    with torch.no_grad():
        next(p for n, p in student.named_parameters() if "attention" in n).add_(1.0)
    with pytest.raises(ArtefactError, match="--train embeddings"):
        save_language_pack(student, teacher, tmp_path / "pack", language="qin", encoder=tmp_path / "teacher")
    assert not (tmp_path / "pack").exists()


def test_another_teacher_is_refused(teacher, student, tmp_path):
    save_language_pack(student, teacher, tmp_path / "pack", language="qin", encoder=tmp_path / "teacher")
    tiny_models.save_encoder(tmp_path / "other", seed=1)
    with pytest.raises(ArtefactError, match="another English encoder"):
        load_language_pack(tmp_path / "pack", tmp_path / "other")


@pytest.mark.parametrize("name", ["embeddings.safetensors", "tokenizer.json"])
def test_a_damaged_file_is_named(teacher, student, tmp_path, name):
    save_language_pack(student, teacher, tmp_path / "pack", language="qin", encoder=tmp_path / "teacher")
    path = tmp_path / "pack" / name
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ArtefactError, match=name):
        load_language_pack(tmp_path / "pack", teacher)
