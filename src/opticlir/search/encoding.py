"""Documents as entries of an index: cut into passages, encoded in batches, and put together again."""

from collections.abc import Iterable, Iterator
from itertools import chain, groupby, islice, tee
from typing import NamedTuple

import numpy as np
from sentence_transformers import MultiVectorEncoder

from opticlir.encoder import Window, Windows, encode_documents, is_pooled, mean_token
from opticlir.errors import DataError
from opticlir.progress import Progress, silent
from opticlir.records import Document
from opticlir.search.index import Entry, Vectors
from opticlir.search.passages import Passage

_CENTRED = 1024
"""Documents from which the mean token of an index is computed."""


class _Cut(NamedTuple):
    """One window of a document."""

    number: int
    document: Document
    window: Window


def encoded(
    documents: Iterable[Document],
    model: MultiVectorEncoder,
    windows: Windows,
    *,
    progress: Progress = silent,
    total: int = 0,
) -> Iterator[Entry]:
    """Encode documents. The encoder reads a few hundred passages ahead; a long document never fills the memory.

    Args:
        documents: taken one at a time.
        model: its document route encodes them.
        windows: cuts the long ones; of the same model.
        progress: called after each document with text, and at the end.
        total: number of documents, if it is known.

    Yields:
        Each document with its passages. Read the passages before you take the next document.
    """
    cuts, ahead = tee(
        _Cut(number, document, window)
        for number, document in enumerate(documents, start=1)
        for window in windows.cut(document.content, head=len(document.content) - len(document.text))
    )
    matrices = encode_documents(model, (cut.window.of(cut.document.content) for cut in ahead))
    pairs = zip(cuts, matrices, strict=True)
    for number, group in groupby(pairs, key=lambda pair: pair[0].number):
        first = next(group)
        passages = (Passage(cut.window, tokens) for cut, tokens in chain([first], group))
        yield first[0].document, passages
        progress("encoding documents", number, total)
    if total:
        progress("encoding documents", total, total)


def vectors_of(model: MultiVectorEncoder) -> Vectors:
    """Return what the model makes of a text: a vector per token, or one pooled vector."""
    return "pooled" if is_pooled(model) else "tokens"


def with_mean(
    documents: Iterator[Document], model: MultiVectorEncoder
) -> tuple[Iterator[Document], np.ndarray]:
    """Return the documents again, and the (dim,) mean token of the first 1,024 of them.

    Raises:
        DataError: these have no text.
    """
    first = list(islice(documents, _CENTRED))
    texts = [document.content for document in first if document.content.strip()]
    if not texts:
        raise DataError("the first documents have no text, so their vectors have no mean: do not centre")
    return chain(first, documents), mean_token(encode_documents(model, texts))
