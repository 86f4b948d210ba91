"""The passage of a document to show under its title: the window that answers the question best."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Integer
from sentence_transformers import MultiVectorEncoder

from opticlir.encoder import Window, is_pooled, scored_spans
from opticlir.records import Document
from opticlir.search.passages import Passage

SNIPPET = 240
"""Characters of a snippet."""

_SENTENCE_START = re.compile(r"(?<=[.!?؟。।])\s+(?=\S)")


def snippet(
    text: str,
    spans: Integer[np.ndarray, "t 2"] | None = None,
    similarity: Float[np.ndarray, "m t"] | None = None,
    *,
    width: int = SNIPPET,
) -> str:
    """Cut the best window of about `width` characters out of a text; a shorter text is returned whole.

    Windows begin where sentences begin, and in long sentences at some words. The best window has the highest MaxSim
    with the question, over the tokens inside it. Without similarities it is the first.

    Args:
        text: the body of a document.
        spans: letters of `text` that each of the document's tokens covers; negative outside of the text.
        similarity: (m, t) of the question's tokens with these t tokens.
        width: characters of a window.

    Example:
        >>> text = "Rain fell. Boil the water."
        >>> spans = np.array([(0, 4), (5, 9), (11, 15), (20, 25)])
        >>> snippet(text, spans, np.array([[0.1, 0.0, 0.4, 0.9]]), width=15)
        '…Boil the water.'
    """
    if len(text) <= width:
        return text
    begin = 0
    if spans is not None and similarity is not None and similarity.size:
        begin = _best_start(text, spans, similarity, width)
    end = begin + width
    if end < len(text):
        space = text.rfind(" ", begin + width // 2, end + 1)
        end = space if space > 0 else end
    return f"{'…' if begin else ''}{text[begin:end].rstrip()}{'…' if end < len(text) else ''}"


def snippets(
    model: MultiVectorEncoder,
    documents: Sequence[Document],
    passages: Sequence[Passage],
    query_tokens: Float[np.ndarray, "m d"],
) -> list[str]:
    """Cut one snippet per document out of its passage. Only long texts are tokenised.

    Args:
        model: encoded the passages.
        documents: that were found.
        passages: for each document, the one that gives it its score.
        query_tokens: of the question, in the space of the passages' vectors. Without tokens, or with pooled vectors,
            a snippet is the beginning of a text.
    """
    found = [snippet(document.text) for document in documents]
    long = [place for place, document in enumerate(documents) if len(document.text) > SNIPPET]
    if not len(query_tokens) or not long or is_pooled(model):
        return found
    contents = [passages[place].window.of(documents[place].content) for place in long]
    for place, spans in zip(long, scored_spans(model, contents, "document"), strict=True):
        document, passage = documents[place], passages[place]
        before = len(document.content) - len(document.text)
        similarity = query_tokens @ passage.tokens.T.astype(np.float32)
        found[place] = snippet(document.text, _in_document(spans, passage.window) - before, similarity)
    return found


def _in_document(spans: Integer[np.ndarray, "t 2"], window: Window) -> Integer[np.ndarray, "t 2"]:
    """Places in the document of the tokens of a window; those without letters stay negative."""
    last = spans - [0, 1]  # letters, both within the span
    return np.where(last < window.head, last, last - window.head + window.start) + np.array([0, 1])


def _best_start(text: str, spans: np.ndarray, similarity: Float[np.ndarray, "m t"], width: int) -> int:
    starts = list(_starts(text, width))
    scores = []
    for start in starts:
        is_within = (spans[:, 0] >= start) & (spans[:, 1] <= start + width)
        scores.append(similarity[:, is_within].max(axis=1).sum() if is_within.any() else -np.inf)
    return starts[int(np.argmax(scores))]


def _starts(text: str, width: int) -> Iterator[int]:
    """Yield where windows begin: at each sentence, and in longer sentences at a word every half window."""
    sentences = [0, *(found.end() for found in _SENTENCE_START.finditer(text)), len(text)]
    for start, end in pairwise(sentences):
        yield start
        for place in range(start + width // 2, end - width // 2, width // 2):
            gap = text.rfind(" ", place - width // 4, place)
            yield place if gap < 0 else gap + 1
