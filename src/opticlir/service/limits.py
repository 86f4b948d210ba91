"""What one request may contain. Each limit is part of the interface, so none of them is a setting."""

import re

import numpy as np

from opticlir.service.problems import RefusedError

MAX_BODY = 1_000_000
"""Bytes of a request body."""
MAX_URL = 4_096
"""Bytes of path and query."""
MAX_HEADERS = 16_384
"""Bytes of all header lines."""
MAX_DEPTH = 16
"""JSON objects and lists inside each other."""
MAX_QUERY = 4_000
"""Characters of a question."""
MAX_K = 100
"""Hits of an answer."""
MAX_TEXTS = 128
"""Texts, documents or ids of one request."""
MAX_TEXT = 100_000
"""Characters of one text."""
MAX_ID = 1_000
"""Characters of a document id."""

_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|$)', re.DOTALL)


def check_size(n_bytes: int) -> None:
    """Refuse a body that is too long.

    Raises:
        RefusedError: it is.
    """
    if n_bytes > MAX_BODY:
        raise RefusedError(413, f"the body has more than {MAX_BODY:,} bytes: send less at a time")


def check_head(target: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    """Refuse a request line or header lines that are too long.

    Raises:
        RefusedError: they are.
    """
    if len(target) > MAX_URL:
        raise RefusedError(414, f"the address has more than {MAX_URL:,} bytes")
    if sum(len(name) + len(value) + 4 for name, value in headers) > MAX_HEADERS:
        raise RefusedError(431, f"the headers have more than {MAX_HEADERS:,} bytes")


def check_depth(body: bytes) -> None:
    """Refuse JSON that is nested too deeply, before it is parsed.

    Raises:
        RefusedError: it is.
    """
    signs = np.frombuffer(_STRINGS.sub(b"", body), dtype=np.uint8)
    steps = np.isin(signs, [ord("["), ord("{")]).astype(np.int32) - np.isin(signs, [ord("]"), ord("}")])
    if len(steps) and int(steps.cumsum().max()) > MAX_DEPTH:
        raise RefusedError(400, f"the JSON is nested more than {MAX_DEPTH} levels deep")
