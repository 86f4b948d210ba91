"""An encoder whose space is rid of language: a stock projection behind each of its routes."""

from collections.abc import Callable, Iterator, Sequence

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
from opticlir.records import SentencePair

REMOVALS = ("lir", "lsar")
"""By the components of each language, or by the subspace in which their means differ."""

_TOKENS = "token_embeddings"
_CHUNK = 1024


def remove_language(
    model: MultiVectorEncoder,
    pairs: Sequence[SentencePair],
    *,
    how: str,
    rank: int,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> MultiVectorEncoder:
    """Take language out of what an encoder says, by a linear map that is learned from no judgement and no step.

    The foreign sentences go through the query route and the English ones through the document route, as
    questions and documents will. `lir` takes the first components of each out of its own route, `lsar` the
    same subspace out of both. What is left is brought to unit length again. Both papers change questions and
    documents alike, so that the model does too: an index of the encoder as it was is none of this one.

    Args:
        model: any; it is not changed, and shares its weights with what is returned.
        pairs: sentences of both languages; that they translate each other is not used, nor their weight.
        how: `lir` or `lsar`.
        rank: how many components of each language, or directions of the subspace.
        progress: called with the number of sentences read and of all.

    Returns:
        A model of stock modules, for `save_model` too.

    Raises:
        ValueError: `how` is unknown, there is no pair, or the rank is not one that the method has.
    """
    if how not in REMOVALS:
        raise ValueError(f"how is {how!r}: expected {' or '.join(REMOVALS)}")

    def told(texts: list[str], n_before: int) -> Iterator[list[str]]:
        for start in range(0, len(texts), _CHUNK):
            progress(n_before + start, 2 * len(pairs))
            yield texts[start : start + _CHUNK]

    foreign = vector_moments(
        matrix
        for chunk in told([pair.foreign for pair in pairs], 0)
        for matrix in encode_queries(model, chunk)
    )
    english = vector_moments(
        matrix
        for chunk in told([pair.english for pair in pairs], len(pairs))
        for matrix in encode_documents(model, chunk)
    )
    progress(2 * len(pairs), 2 * len(pairs))
    if how == "lir":
        return _projected(
            model, removal(language_components(foreign, rank)), removal(language_components(english, rank))
        )
    both = removal(language_subspace(np.stack([foreign.mean, english.mean], axis=1), rank))
    return _projected(model, both, both)


def _projected(
    model: MultiVectorEncoder, query: Float[np.ndarray, "dim dim"], document: Float[np.ndarray, "dim dim"]
) -> MultiVectorEncoder:
    """The model with a matrix behind each route, applied to every vector before it is normalised again."""
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
