"""From texts to token matrices. The matrices are always on the CPU, whatever the device of the model."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt
import torch
from sentence_transformers import MultiVectorEncoder

_CHUNK = 1024
"""Documents that are sorted by length together, so that batches hold little padding."""


def encode_queries(
    model: MultiVectorEncoder, texts: Sequence[str], *, batch_size: int = 64
) -> list[npt.NDArray[np.float32]]:
    """Encode queries by the query route.

    Args:
        model: any encoder, with routes or without.
        texts: the queries.
        batch_size: queries that are encoded at once.

    Returns:
        One (tokens, dim) float32 matrix with unit rows per text.
    """
    return [
        _matrix(tokens)
        for tokens in model.encode_query(list(texts), batch_size=batch_size, show_progress_bar=False)
    ]


def encode_documents(
    model: MultiVectorEncoder, texts: Iterable[str], *, batch_size: int = 32
) -> Iterator[npt.NDArray[np.float32]]:
    """Encode a stream of documents by the document route, in order. At most 1,024 are in memory at a time.

    Args:
        model: any encoder, with routes or without.
        texts: the documents.
        batch_size: documents that are encoded at once.

    Yields:
        One (tokens, dim) float32 matrix with unit rows per text.
    """
    stream = iter(texts)
    while chunk := list(islice(stream, _CHUNK)):
        for tokens in model.encode_document(chunk, batch_size=batch_size, show_progress_bar=False):
            yield _matrix(tokens)


def _matrix(tokens: torch.Tensor) -> npt.NDArray[np.float32]:
    return tokens.float().cpu().numpy()
