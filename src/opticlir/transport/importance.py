"""How much a token says: weights for marginals.

All are weights for `marginals.weighted`; only their proportions within a text matter.
"""

import unicodedata
from collections.abc import Iterable, Mapping

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

_PIECE_MARKS = ("##", "\u2581", "\u0120")
"""How WordPiece, SentencePiece and byte-level pieces mark what they continue or begin."""


def inverse_document_frequency(
    documents: Iterable[Iterable[int]], vocabulary_size: int
) -> Float[Tensor, " vocabulary"]:
    """Weigh each token of a vocabulary by how few documents hold it.

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


def maxsim_spread(
    tokens: Float[Tensor, "batch tokens dim"],
    passages: Float[Tensor, "passages passage_tokens dim"],
    passage_mask: Bool[Tensor, "passages passage_tokens"],
) -> Float[Tensor, "batch tokens"]:
    """Weigh each token by how much its share of the MaxSim score differs from passage to passage.

    A token whose best match is as good in every passage adds the same to every score and moves no ranking.

    Args:
        tokens: (batch, tokens, dim) float tensor of unit rows, the teacher's.
        passages: (passages, passage_tokens, dim) float tensor of unit rows, a sample of the collection; a few
            hundred do.
        passage_mask: (passages, passage_tokens) bool tensor, True takes part.

    Returns:
        (batch, tokens) float32 tensor, >= 0: the standard deviation over passages of the greatest cosine.

    Raises:
        ValueError: fewer than two passages hold a token.

    Example:
        >>> tokens = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
        >>> passages = torch.tensor([[[1.0, 0.0]], [[0.6, 0.8]], [[0.6, -0.8]]])
        >>> spread = maxsim_spread(tokens, passages, torch.ones(3, 1, dtype=torch.bool))
        >>> bool(spread[0, 1] > spread[0, 0])
        True
    """
    has_token = passage_mask.any(dim=1)
    if int(has_token.sum()) < 2:
        raise ValueError(
            f"{int(has_token.sum())} of {len(passages)} passages hold a token: expected at least 2"
        )
    best = []
    for passage, mask in zip(passages[has_token].float(), passage_mask[has_token], strict=True):
        best.append((tokens.float() @ passage[mask].T).amax(dim=2))  # one at a time: memory stays small
    return torch.stack(best).std(dim=0)


def punctuation_ids(vocabulary: Mapping[str, int]) -> Int[Tensor, " ids"]:
    """Numbers of the pieces that are punctuation or symbols only, whatever the script.

    Args:
        vocabulary: token id by piece, as a tokenizer's `get_vocab` gives it.

    Returns:
        (ids,) int64 tensor, ascending.

    Example:
        >>> punctuation_ids({"house": 0, "##,": 1, "\u0964": 2, "\u2581": 3}).tolist()
        [1, 2]
    """
    found = [number for piece, number in vocabulary.items() if _is_punctuation(_bare(piece))]
    return torch.tensor(sorted(found), dtype=torch.int64)


def _bare(piece: str) -> str:
    for mark in _PIECE_MARKS:
        piece = piece.removeprefix(mark)
    return piece


def _is_punctuation(text: str) -> bool:
    return bool(text) and all(unicodedata.category(character)[0] in "PS" for character in text)
