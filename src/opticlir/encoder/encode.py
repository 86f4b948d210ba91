"""From texts to token matrices. The matrices are on the CPU, whatever the device of the model.

Texts of equal length are encoded together. Without padding the vectors of a text have the same bits whatever else
is encoded with it, so that an index can grow in steps.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from sentence_transformers import MultiVectorEncoder

from opticlir.encoder.lengths import token_counts, tokens_read

_CHUNK_TEXTS, _CHUNK_TOKENS = 1024, 2**17
"""Documents that are sorted by length together; their vectors are in memory, 200 MB of 384 numbers in float32."""
_AHEAD = 64
_QUERY_BATCH_SIZE, _DOCUMENT_BATCH_SIZE = 64, 32


def encode_queries(
    model: MultiVectorEncoder, texts: Sequence[str], *, padded: bool = False
) -> list[npt.NDArray[np.float32]]:
    """Encode queries by the query route.

    Args:
        model: any encoder, with routes or without.
        texts: the queries.
        padded: encode texts of different lengths together. It is faster for many texts on a GPU, and the last bits
            of a vector depend on the other texts.

    Returns:
        One (tokens, dim) float32 matrix with unit rows per text.
    """
    texts = list(texts)
    if padded:
        return _matrices(model.encode_query, texts, _QUERY_BATCH_SIZE)
    return _by_length(model.encode_query, texts, _lengths(model, texts, "query"), _QUERY_BATCH_SIZE)


def encode_documents(model: MultiVectorEncoder, texts: Iterable[str]) -> Iterator[npt.NDArray[np.float32]]:
    """Encode a stream of documents by the document route, in order; a few hundred are in memory at a time.

    Args:
        model: any encoder, with routes or without.
        texts: the documents.

    Yields:
        One (tokens, dim) float32 matrix with unit rows per text.
    """
    for chunk, lengths in _chunks(model, iter(texts)):
        yield from _by_length(model.encode_document, chunk, lengths, _DOCUMENT_BATCH_SIZE)


def _chunks(
    model: MultiVectorEncoder, stream: Iterator[str]
) -> Iterator[tuple[list[str], npt.NDArray[np.int64]]]:
    """Texts and their lengths, not too many and not too long together."""
    chunk: list[str] = []
    lengths = np.empty(0, np.int64)
    while part := list(islice(stream, _AHEAD)):
        chunk += part
        lengths = np.concatenate([lengths, _lengths(model, part, "document")])
        if len(chunk) >= _CHUNK_TEXTS or lengths.sum() >= _CHUNK_TOKENS:
            yield chunk, lengths
            chunk, lengths = [], np.empty(0, np.int64)
    if chunk:
        yield chunk, lengths


def _lengths(
    model: MultiVectorEncoder, texts: Sequence[str], task: Literal["query", "document"]
) -> npt.NDArray[np.int64]:
    return np.minimum(token_counts(model, texts, task), tokens_read(model, task))


def _by_length(
    encode: Callable[..., Any], texts: Sequence[str], lengths: npt.NDArray[np.int64], batch_size: int
) -> list[npt.NDArray[np.float32]]:
    """Matrices of texts, each encoded with others of its length only."""
    found: dict[int, npt.NDArray[np.float32]] = {}
    for length in np.unique(lengths):
        places = np.flatnonzero(lengths == length).tolist()
        matrices = _matrices(encode, [texts[place] for place in places], batch_size)
        found.update(zip(places, matrices, strict=True))
    return [found[place] for place in range(len(texts))]


def _matrices(encode: Callable[..., Any], texts: list[str], batch_size: int) -> list[npt.NDArray[np.float32]]:
    encoded: list[torch.Tensor] = encode(texts, batch_size=batch_size, show_progress_bar=False)
    return [tokens.float().cpu().numpy() for tokens in encoded]
