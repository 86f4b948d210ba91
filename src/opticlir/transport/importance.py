"""Weights of tokens by their importance, for `marginals.weighted`. Only their proportions within a text matter."""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor


def inverse_document_frequency(
    documents: Iterable[Iterable[int]], vocabulary_size: int
) -> Float[Tensor, " vocabulary"]:
    """Weigh each token of a vocabulary: the fewer documents contain it, the higher its weight.

    Args:
        documents: token ids of each document of a corpus.
        vocabulary_size: one more than the largest token id.

    Returns:
        (vocabulary,) float32 tensor, `log(1 + (N - df + .5) / (df + .5))` as in BM25: > 0 for every token,
        largest for those in no document. Weights of texts are this tensor indexed by their token ids.

    Raises:
        ValueError: there is no document, or a token id is outside the vocabulary.

    Example:
        >>> weights = inverse_document_frequency([[0, 1], [0]], vocabulary_size=2)
        >>> bool(weights[1] > weights[0])
        True
    """
    counts = torch.zeros(vocabulary_size)
    n_documents = 0
    for document in documents:
        present = sorted(set(document))
        if present and not 0 <= present[0] <= present[-1] < vocabulary_size:
            raise ValueError(
                f"document {n_documents} holds token ids from {present[0]} to {present[-1]}: "
                f"expected 0 to {vocabulary_size - 1}"
            )
        counts[present] += 1
        n_documents += 1
    if n_documents == 0:
        raise ValueError("documents is empty: expected a corpus to count in")
    return torch.log1p((n_documents - counts + 0.5) / (counts + 0.5))
