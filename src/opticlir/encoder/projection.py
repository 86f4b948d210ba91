"""The projection that brings a student of another model to its teacher's vectors: one linear layer for each vector.

It begins as the linear map that brings the student's vectors of English tokens nearest to the teacher's of the same
letters (ridge regression). Of models of pooled vectors, these are the vectors of the same sentences. Directions that
English does not show begin as an orthonormal map. So before the first step a multilingual student already points where
its teacher does.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Integer
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules import Dense, Normalize
from torch import nn

from opticlir.encoder.encode import encode_queries
from opticlir.encoder.pooled import OneRow, is_pooled
from opticlir.encoder.scored_tokens import scored_spans

SAMPLED_SENTENCES = 1_000
"""English sentences are enough for some 20,000 tokens, many more than a vector has numbers."""

_RIDGE = 0.01
"""Strength of the ridge, as a share of the mean eigenvalue of the student's vectors."""
_ALIKE = 0.3
"""Mean cosine of tokens with the same letters, from which two models count as one vector space.
MiniLM and its first 2, 4 and 5 of 6 layers have .42, .53 and .58; MiniLM and multilingual E5 have .00."""
_CHUNK = 256


def fit_projection(
    student: MultiVectorEncoder, teacher: MultiVectorEncoder, english: Sequence[str], *, seed: int
) -> Float[np.ndarray, "teacher_dim student_dim"] | None:
    """Fit the projection of a student to the vectors of its teacher.

    Args:
        student: its query route reads the sentences.
        teacher: likewise.
        english: English sentences; `SAMPLED_SENTENCES` are enough. Without any, the map is orthonormal.
        seed: of the orthonormal map.

    Returns:
        (teacher_dim, student_dim) float32 weights of a linear layer; None if the student needs no projection, since
        its vectors point where the teacher's do.
    """
    sizes = _width(student), _width(teacher)
    squares, products, n_tokens = np.zeros((sizes[0], sizes[0])), np.zeros(sizes), 0
    for own, wanted in _counterparts(student, teacher, english):
        squares += own.T @ own
        products += own.T @ wanted
        n_tokens += len(own)
    if sizes[0] == sizes[1] and n_tokens and np.trace(products) / n_tokens >= _ALIKE:
        return None
    ridge = _RIDGE * np.trace(squares) / sizes[0] or 1.0
    start = _orthonormal(*sizes, seed=seed)
    fitted = np.linalg.solve(squares + ridge * np.eye(sizes[0]), products + ridge * start)
    return fitted.T.astype(np.float32)


def with_projection(
    modules: Sequence[nn.Module], weights: Float[np.ndarray, "teacher_dim student_dim"]
) -> list[nn.Module]:
    """Return the modules of a route with a projection before their vectors get unit length.

    The layer has no bias. So it does not matter that it was fitted to vectors of unit length.

    Args:
        modules: of one route.
        weights: of the linear layer.
    """
    out_features, in_features = weights.shape
    last = [module for module in modules if isinstance(module, OneRow)]
    vectors = "sentence_embedding" if last else "token_embeddings"
    some = next(parameter for module in modules for parameter in module.parameters())
    projection = Dense(
        in_features, out_features, bias=False, activation_function=nn.Identity(),
        init_weight=torch.from_numpy(weights), module_input_name=vectors,
    ).to(some)  # fmt: skip
    normalize = Normalize(module_input_name=vectors)
    before = [module for module in modules if not isinstance(module, OneRow)]
    if isinstance(before[-1], Normalize):
        before.pop()
    return [*before, projection, normalize, *last]


def _counterparts(
    student: MultiVectorEncoder, teacher: MultiVectorEncoder, english: Sequence[str]
) -> Iterator[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]:
    """Vectors of the student and of the teacher that belong together, a few sentences at a time."""
    for start in range(0, len(english), _CHUNK):
        texts = english[start : start + _CHUNK]
        read = [encode_queries(model, texts) for model in (student, teacher)]
        if is_pooled(teacher):
            own, wanted = (np.concatenate(matrices).astype(np.float64) for matrices in read)
            yield own, wanted
        else:
            spans = [scored_spans(model, texts, "query") for model in (student, teacher)]
            for tokens in zip(*read, *spans, strict=True):
                yield _same_letters(*tokens)


def _same_letters(
    own: Float[np.ndarray, "m student_dim"],
    wanted: Float[np.ndarray, "n teacher_dim"],
    own_spans: Integer[np.ndarray, "m 2"],
    wanted_spans: Integer[np.ndarray, "n 2"],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Means of the student's tokens that share letters with a token of the teacher, and these tokens."""
    shares = _overlaps(wanted_spans, own_spans)
    is_met = shares.sum(axis=1) > 0
    shares = shares[is_met] / shares[is_met].sum(axis=1, keepdims=True)
    return shares @ own, wanted[is_met].astype(np.float64)


def _overlaps(
    wanted: Integer[np.ndarray, "n 2"], own: Integer[np.ndarray, "m 2"]
) -> Float[np.ndarray, "n m"]:
    """Number of letters that two tokens share; tokens without a place in the text share none."""
    ends = np.minimum(wanted[:, None, 1], own[None, :, 1])
    begins = np.maximum(wanted[:, None, 0], own[None, :, 0])
    return np.maximum(ends - begins, 0).astype(np.float64)


def _orthonormal(rows: int, columns: int, *, seed: int) -> Float[np.ndarray, "rows columns"]:
    drawn = np.random.default_rng(seed).standard_normal((max(rows, columns), min(rows, columns)))
    directions, _ = np.linalg.qr(drawn)
    return directions if rows >= columns else directions.T


def _width(model: MultiVectorEncoder) -> int:
    dim = model.get_embedding_dimension()
    if dim is None:
        raise ValueError("the model does not say how wide its vectors are")
    return dim
