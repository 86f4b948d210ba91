"""From texts to token matrices. The matrices are on the CPU, whatever the device of the model."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt
import torch
from sentence_transformers import MultiVectorEncoder

_CHUNK = 1024
"""Documents that are sorted by length together, so that batches have little padding."""
_QUERY_BATCH_SIZE, _DOCUMENT_BATCH_SIZE = 64, 32


def encode_queries(model: MultiVectorEncoder, texts: Sequence[str]) -> list[npt.NDArray[np.float32]]:
    """Encode queries by the query route.

    Args:
        model: any encoder, with routes or without.
        texts: the queries.

    Returns:
        One (tokens, dim) float32 matrix with unit rows per text.
    """
    return [
        _matrix(tokens)
        for tokens in model.encode_query(list(texts), batch_size=_QUERY_BATCH_SIZE, show_progress_bar=False)
    ]


def encode_documents(model: MultiVectorEncoder, texts: Iterable[str]) -> Iterator[npt.NDArray[np.float32]]:
    """Encode a stream of documents by the document route, in order. At most 1,024 are in memory at a time.

    Args:
        model: any encoder, with routes or without.
        texts: the documents.

    Yields:
        One (tokens, dim) float32 matrix with unit rows per text.
    """
    stream = iter(texts)
    while chunk := list(islice(stream, _CHUNK)):
        for tokens in model.encode_document(chunk, batch_size=_DOCUMENT_BATCH_SIZE, show_progress_bar=False):
            yield _matrix(tokens)


def _matrix(tokens: torch.Tensor) -> npt.NDArray[np.float32]:
    return tokens.float().cpu().numpy()
