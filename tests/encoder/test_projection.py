"""The projection of a student to its teacher's width."""

import numpy as np
import pytest
import torch
from sentence_transformers.base.modules import Dense

import tiny_models
from opticlir.encoder import encode_queries, fit_projection, load_model, new_student
from tiny_architectures import save_architecture

ENGLISH = list(tiny_models.ENGLISH)


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    return load_model(save_architecture(tmp_path_factory.mktemp("wide") / "model", "xlmr", width=48))


@pytest.mark.parametrize("kind", ["plain", "stanford", "pylate", "native"])
def test_the_student_has_the_width_of_any_teacher(checkpoints, wide, kind):
    teacher = load_model(checkpoints[kind])
    for base, other in ((wide, teacher), (teacher, wide)):
        weights = fit_projection(base, other, ENGLISH, seed=0)
        assert weights.dtype == np.float32
        assert weights.shape == (other.get_embedding_dimension(), base.get_embedding_dimension())
        student = new_student(base, projection=weights)
        assert student.get_embedding_dimension() == other.get_embedding_dimension()
        for matrix in encode_queries(student, ENGLISH[:3]):
            np.testing.assert_allclose(np.linalg.norm(matrix, axis=1), 1, rtol=1e-5)
        assert all(parameter.requires_grad for parameter in student.parameters())
        assert base.get_embedding_dimension() == weights.shape[1]  # the base is as it was


def test_a_projection_that_exists_is_found_again(checkpoints):
    """The teacher is the student with a linear layer: after the fit both point the same way."""
    base = load_model(checkpoints["plain"])
    hidden = np.random.default_rng(5).standard_normal((12, 32)).astype(np.float32)
    teacher = new_student(base, projection=hidden)
    student = new_student(base, projection=fit_projection(base, teacher, ENGLISH, seed=0))
    unfitted = new_student(base, projection=fit_projection(base, teacher, [], seed=0))

    def cosine(model):
        pairs = zip(encode_queries(model, ENGLISH), encode_queries(teacher, ENGLISH), strict=True)
        return np.mean(np.concatenate([(one * other).sum(axis=1) for one, other in pairs]))

    assert cosine(student) > 0.95
    assert abs(cosine(unfitted)) < 0.5


def test_a_model_that_is_cut_from_its_teacher_needs_no_projection_and_a_stranger_of_its_width_does(
    checkpoints, tmp_path
):
    teacher = load_model(checkpoints["plain"])
    near = new_student(teacher)
    with torch.no_grad():
        for parameter in near.parameters():
            parameter.add_(0.01 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0)))
    assert fit_projection(near, teacher, ENGLISH, seed=0) is None
    stranger = load_model(tiny_models.save_encoder(tmp_path / "stranger", seed=9))
    assert fit_projection(stranger, teacher, ENGLISH, seed=0).shape == (
        tiny_models.HIDDEN,
        tiny_models.HIDDEN,
    )


def test_tokens_of_different_tokenizers_are_joined_by_their_letters(checkpoints, wide):
    teacher = load_model(checkpoints["plain"])
    student = new_student(wide, projection=fit_projection(wide, teacher, ENGLISH, seed=0))
    unfitted = new_student(wide, projection=fit_projection(wide, teacher, [], seed=0))

    def nearness(model):
        found = zip(encode_queries(model, ENGLISH), encode_queries(teacher, ENGLISH), strict=True)
        return np.mean([(one @ other.T).max(axis=0).mean() for one, other in found])

    assert nearness(student) > nearness(unfitted) + 0.1


def test_without_any_sentence_the_map_is_orthonormal_and_follows_from_the_seed(checkpoints, wide):
    teacher = load_model(checkpoints["native"])
    first, again, other = (fit_projection(wide, teacher, [], seed=seed) for seed in (1, 1, 2))
    np.testing.assert_allclose(first @ first.T, np.eye(16), atol=1e-6)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


def test_it_stands_before_the_vectors_get_unit_length_and_has_the_format_of_the_student(checkpoints):
    base = load_model(checkpoints["native"], weights_dtype="bfloat16")
    student = new_student(base, projection=np.ones((5, 16), dtype=np.float32))
    kinds = [type(module).__name__ for module in student]
    assert kinds == ["Transformer", "Dense", "MultiVectorMask", "Dense", "Normalize"]
    assert student[3].linear.weight.dtype == torch.bfloat16
    assert isinstance(student[3], Dense)
