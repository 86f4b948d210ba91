"""The part of a vector space that distinguishes languages, found without training: LIR and LSAR.

Reference: Yang, Yang, Cer and Darve, A simple and effective method to eliminate the self language bias in
multilingual representations, EMNLP 2021 (LIR). Xie, Zhao, Yu and Li, Discovering low-rank subspaces for
language-agnostic multilingual representations, EMNLP 2022 (LSAR).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True, kw_only=True)
class VectorMoments:
    """Moments of the vectors of a language. Their size does not depend on the number of vectors."""

    n_vectors: int
    mean: Float[np.ndarray, " dim"]
    """In float64."""
    second: Float[np.ndarray, "dim dim"]
    """Mean of x x^T, not centred."""


def vector_moments(matrices: Iterable[Float[np.ndarray, "_ dim"]]) -> VectorMoments:
    """Compute the moments of the vectors of a language, one text at a time.

    Args:
        matrices: (tokens, dim) float vectors of each text.

    Raises:
        ValueError: there is no vector.
    """
    n_vectors, total, squares = 0, np.zeros(0), np.zeros((0, 0))
    for matrix in matrices:
        vectors = matrix.astype(np.float64)
        if n_vectors == 0:
            dim = vectors.shape[1]
            total, squares = np.zeros(dim), np.zeros((dim, dim))
        n_vectors += len(vectors)
        total += vectors.sum(axis=0)
        squares += vectors.T @ vectors
    if n_vectors == 0:
        raise ValueError("there is no vector to learn the language from")
    return VectorMoments(n_vectors=n_vectors, mean=total / n_vectors, second=squares / n_vectors)


def language_components(moments: VectorMoments, rank: int) -> Float[np.ndarray, "dim rank"]:
    """Return the first principal components of the vectors of one language, which LIR removes.

    They are the first right singular vectors of the matrix whose rows are the vectors, not centred. If the vectors of a
    language are on one side of the space, the first component is close to their mean.

    Args:
        moments: moments of the vectors of the language.
        rank: number of components.

    Returns:
        (dim, rank) float64, orthonormal columns, the strongest first.

    Raises:
        ValueError: `rank` is not between 1 and one less than the dimensions.

    Reference:
        Yang et al. 2021, section 2.
    """
    dim = len(moments.mean)
    if not 1 <= rank < dim:
        raise ValueError(f"rank is {rank}: expected 1 to {dim - 1} in a space of {dim} dimensions")
    _, components = np.linalg.eigh(moments.second)  # the weakest first
    return np.ascontiguousarray(components[:, ::-1][:, :rank])


def language_subspace(means: Float[np.ndarray, "dim languages"], rank: int) -> Float[np.ndarray, "dim rank"]:
    """Return the subspace in which the means of languages differ, which LSAR removes from all languages.

    The paper splits the means into a common vector and M_s, orthogonal to it, by two decompositions (Algorithm 1). The
    second one only changes the common vector. M_s spans the same subspace after the first, so one is enough here.

    Args:
        means: (dim, languages) float64, the mean vector of each language.
        rank: number of directions.

    Returns:
        (dim, rank) float64, orthonormal columns, the strongest first.

    Raises:
        ValueError: `rank` is not between 1 and one less than the languages, or the means differ in fewer
            directions.

    Reference:
        Xie et al. 2022, equation 2 and Algorithm 1.
    """
    n_languages = means.shape[1]
    if not 1 <= rank < n_languages:
        raise ValueError(f"rank is {rank}: expected 1 to {n_languages - 1} with {n_languages} languages")
    directions, strengths, _ = np.linalg.svd(means - means.mean(axis=1, keepdims=True), full_matrices=False)
    if strengths[rank - 1] <= np.finfo(np.float64).eps * len(means) * np.abs(means).max():
        raise ValueError(f"the means of the {n_languages} languages differ in fewer than {rank} directions")
    return np.ascontiguousarray(directions[:, :rank])


def removal(components: Float[np.ndarray, "dim rank"]) -> Float[np.ndarray, "dim dim"]:
    """Return the orthogonal projection that removes components from a vector: I - C C^T, symmetric.

    Example:
        >>> removal(np.array([[1.0], [0.0]])) @ np.array([3.0, 4.0])
        array([0., 4.])
    """
    return np.eye(len(components)) - components @ components.T
