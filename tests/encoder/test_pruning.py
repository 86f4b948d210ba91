import numpy as np
import pytest
import torch

import tiny_models
from opticlir.encoder import (
    VocabularyConfig,
    encode_queries,
    load_model,
    new_student,
    pruned_vocabulary,
    transformer_of,
    vocabulary_for,
)

TEXTS = list(tiny_models.SWAHILI[:8])


@pytest.fixture
def student(checkpoints):
    teacher = load_model(checkpoints["plain"])
    config = VocabularyConfig(n_pieces=200, min_piece_frequency=2)
    return new_student(teacher, vocabulary_for(teacher, tiny_models.PAIRS, config))


def used_by(student, texts):
    rows = transformer_of(student, "query").tokenizer(texts)["input_ids"]
    return np.concatenate([np.array([0]), *map(np.array, rows)])


def table_of(student):
    return transformer_of(student, "query").model.get_input_embeddings().weight


def learn(student, texts, steps=3):
    """A few steps of AdamW towards vectors of nobody's."""
    torch.manual_seed(0)
    optimiser = torch.optim.AdamW(student.parameters(), lr=1e-2, weight_decay=0.0)
    for _ in range(steps):
        features = student.preprocess(texts, prompt=None, task="query")
        tokens = student(features, task="query")["token_embeddings"]
        (tokens * torch.linspace(-1, 1, tokens.shape[-1])).sum().backward()
        optimiser.step()
        optimiser.zero_grad()


def test_what_the_encoder_says_stays(student):
    expected = encode_queries(student, TEXTS)
    full = table_of(student)
    with pruned_vocabulary(student, used_by(student, TEXTS)):
        assert len(table_of(student)) == len(set(used_by(student, TEXTS).tolist())) < len(full)
        found = encode_queries(student, TEXTS)
    assert table_of(student) is full
    for left, right in zip(found, expected, strict=True):
        np.testing.assert_array_equal(left, right)


def test_what_is_learned_is_what_the_whole_table_would_learn(student, checkpoints):
    used = used_by(student, TEXTS)
    start = {name: weight.clone() for name, weight in student.state_dict().items()}
    learn(student.eval(), TEXTS)
    whole = {name: weight.clone() for name, weight in student.state_dict().items()}
    student.load_state_dict(start)
    with pruned_vocabulary(student, used):
        learn(student, TEXTS)
    assert not torch.equal(
        table_of(student), start[next(name for name in start if "word_embeddings" in name)]
    )
    for name, weight in student.state_dict().items():
        assert torch.equal(weight, whole[name]), name


def test_a_frozen_table_stays_frozen(student):
    student.requires_grad_(False)
    with pruned_vocabulary(student, used_by(student, TEXTS)):
        assert not table_of(student).requires_grad


def test_a_token_that_was_left_out_is_an_error_not_a_guess(student):
    with pruned_vocabulary(student, used_by(student, TEXTS[:1])), pytest.raises(IndexError):
        encode_queries(student, ["the doctor asks about pain"])
    assert len(encode_queries(student, ["the doctor asks about pain"])) == 1
