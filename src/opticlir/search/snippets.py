"""The passage of a document to show under its title: the window that answers the question best."""

import re

import numpy as np
from jaxtyping import Float, Integer

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

    Windows begin where sentences begin. The best one has the highest MaxSim with the question, counted
    over the tokens in it; without similarities it is the first.

    Args:
        text: the body of a document.
        spans: letters of `text` that each of the document's tokens covers; below 0 outside of the text.
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


def _best_start(text: str, spans: np.ndarray, similarity: Float[np.ndarray, "m t"], width: int) -> int:
    starts = [0, *(found.end() for found in _SENTENCE_START.finditer(text))]
    scores = []
    for start in starts:
        is_within = (spans[:, 0] >= start) & (spans[:, 1] <= start + width)
        scores.append(similarity[:, is_within].max(axis=1).sum() if is_within.any() else -np.inf)
    return starts[int(np.argmax(scores))]
