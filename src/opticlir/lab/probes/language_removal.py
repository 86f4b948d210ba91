"""Removes language from the space of an encoder, by a projection after each route."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules import Dense, Normalize
from torch import nn

from opticlir.encoder import encode_documents, encode_queries, route_modules
from opticlir.encoder.crosslingual import cross_lingual_model
from opticlir.lab.probes.language_subspace import (
    language_components,
    language_subspace,
    removal,
    vector_moments,
)
from opticlir.progress import Progress, silent
from opticlir.records import SentencePair

REMOVALS = ("lir", "lsar")
"""Remove the principal components of each language (LIR), or the subspace in which their means differ (LSAR)."""

_TOKENS = "token_embeddings"
CHUNK = 1024


def remove_language(
    model: MultiVectorEncoder,
    pairs: Sequence[SentencePair],
    *,
    how: str,
    rank: int,
    progress: Progress = silent,
) -> MultiVectorEncoder:
    """Remove language from the vectors of an encoder by a linear map, without judgements and without training.

    The query route encodes the foreign sentences, the document route the English ones. `lir` removes the first
    components of each language from its own route. `lsar` removes the same subspace from both. Then the vectors are
    normalised again. As in the papers, questions and documents both change, so the model needs an index of its own.

    Args:
        model: any encoder. It does not change, and shares its weights with the result.
        pairs: sentences of both languages; their alignment and weights are not used.
        how: `lir` or `lsar`.
        rank: number of components of each language, or of directions of the subspace.
        progress: called after each chunk of sentences.

    Returns:
        A model of standard modules, which `save_model` can save.

    Raises:
        ValueError: `how` is unknown, there is no pair, or the method has no such rank.
    """
    if how not in REMOVALS:
        raise ValueError(f"how is {how!r}: expected {' or '.join(REMOVALS)}")

    def chunks(texts: list[str], n_before: int) -> Iterator[list[str]]:
        for start in range(0, len(texts), CHUNK):
            progress("reading sentences", n_before + start, 2 * len(pairs))
            yield texts[start : start + CHUNK]

    foreign = vector_moments(
        matrix
        for chunk in chunks([pair.foreign for pair in pairs], 0)
        for matrix in encode_queries(model, chunk)
    )
    english = vector_moments(
        matrix
        for chunk in chunks([pair.english for pair in pairs], len(pairs))
        for matrix in encode_documents(model, chunk)
    )
    progress("reading sentences", 2 * len(pairs), 2 * len(pairs))
    if how == "lir":
        return _projected(
            model, removal(language_components(foreign, rank)), removal(language_components(english, rank))
        )
    both = removal(language_subspace(np.stack([foreign.mean, english.mean], axis=1), rank))
    return _projected(model, both, both)


def _projected(
    model: MultiVectorEncoder, query: Float[np.ndarray, "dim dim"], document: Float[np.ndarray, "dim dim"]
) -> MultiVectorEncoder:
    """Append a matrix to each route. It is applied to every vector, which is then normalised."""
    student, teacher = (
        MultiVectorEncoder(
            modules=[*route_modules(model, task), *_projection(matrix)],
            device=str(model.device), prompts=dict(model.prompts),
        )
        for task, matrix in (("query", query), ("document", document))
    )  # fmt: skip
    return cross_lingual_model(student, teacher)


def _projection(matrix: Float[np.ndarray, "dim dim"]) -> list[nn.Module]:
    dim = len(matrix)
    return [
        Dense(dim, dim, bias=False, activation_function=nn.Identity(), module_input_name=_TOKENS,
              init_weight=torch.from_numpy(matrix).float()),
        Normalize(module_input_name=_TOKENS),
    ]  # fmt: skip
