"""The late-interaction score: for each query token its best document token, summed over the query.

`maxsim` takes padded batches of tensors with masks; it is differentiable, and the reference. `maxsim_ragged`
takes all documents of a store end to end, in half precision or memory-mapped; search on a CPU uses it.
`maxsim_exact` scores a few documents in float64, so that near ties have an order.

An empty query scores 0 with every document, since its sum is empty. An empty document scores minus infinity
with every other query, since its maximum is empty.

Cost of a search: 2 * query tokens * document tokens * dim operations, linear in the collection; each
document token is read once per batch of queries.

Reference: Khattab and Zaharia, ColBERT, SIGIR 2020, equation 3 (arXiv 2004.12832).
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Float64, Integer
from torch import Tensor
from torch.autograd.function import once_differentiable

_CHUNK_TOKENS = 2048
"""Document tokens per matrix product: its operands stay in the second-level cache."""
_QUERY_TOKENS = 1024
"""Query tokens per matrix product: more gain nothing and spill the similarities to main memory."""
_SIMILARITIES = 2**26
"""Similarities in memory at a time while training, 256 MB; a batch of usual sentences has a quarter of it."""
_UNIT_ROUNDOFF = 2.0**-24


@runtime_checkable
class TokenRows(Protocol):
    """Token vectors that are read a slice at a time: an array, a memory map, a store on disk."""

    @property
    def shape(self) -> tuple[int, ...]: ...  # noqa: D102 - as numpy's

    def __getitem__(self, rows: slice, /) -> np.ndarray: ...


def maxsim(
    queries: Float[Tensor, "q m d"],
    query_mask: Bool[Tensor, "q m"],
    documents: Float[Tensor, "n t d"],
    document_mask: Bool[Tensor, "n t"],
) -> Float[Tensor, "q n"]:
    """Score every query with every document; the reference form, for training and for tests.

    Args:
        queries: (q, m, d) float tensor, token vectors of queries.
        query_mask: (q, m) bool tensor, True for tokens that take part.
        documents: (n, t, d) float tensor, token vectors of documents.
        document_mask: (n, t) bool tensor, likewise.

    Returns:
        (q, n) tensor, float64 where an input is, float32 otherwise. Memory: q * m * n * t similarities for a
        moment, in blocks of queries where that is over 256 MB; for the gradient only q * m * n places are kept.

    Gradient:
        Flows from each query token to the document token that it matches best, or to the first of equal ones.
        There is no second derivative.

    Example:
        >>> query, documents = torch.eye(2)[None], torch.tensor([[[1.0, 0.0]], [[0.5, 0.75]]])
        >>> maxsim(query, torch.ones(1, 2).bool(), documents, torch.ones(2, 1).bool()).tolist()
        [[1.0, 1.25]]
    """
    dtype = torch.promote_types(torch.promote_types(queries.dtype, documents.dtype), torch.float32)
    best: Tensor = _BestMatch.apply(  # type: ignore[no-untyped-call]
        queries.to(dtype), documents.to(dtype), document_mask
    )
    scores = best.masked_fill(~query_mask[:, None, :], 0.0).sum(dim=2)
    is_undefined = ~document_mask.any(dim=1)[None, :] & query_mask.any(dim=1)[:, None]
    return scores.masked_fill(is_undefined, -math.inf)


class _BestMatch(torch.autograd.Function):
    """Similarity of each query token to its best token in each document: (q, n, m).

    It has its own backward pass, because autograd would keep all similarities, and mask and divide them again.
    """

    @staticmethod
    def forward(ctx: Any, queries: Tensor, documents: Tensor, mask: Tensor) -> Tensor:
        (q, m, dim), (n, t, _) = queries.shape, documents.shape
        # the dtype minimum, not 0: 0 would beat every negative similarity
        lowest = torch.finfo(queries.dtype).min
        if t == 0:
            ctx.save_for_backward()
            return queries.new_full((q, n, m), lowest)
        found = []
        for block in torch.split(queries, _queries_at_a_time(m * n * t)):
            similarity = (block.reshape(-1, dim) @ documents.reshape(-1, dim).T).view(len(block), m, n, t)
            found.append(similarity.masked_fill_(~mask, lowest).max(dim=3))
        best, place = (torch.cat(parts) for parts in zip(*found, strict=True))
        ctx.save_for_backward(queries, documents, place)
        return best.transpose(1, 2).contiguous()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        if not ctx.saved_tensors:
            return None, None, None
        queries, documents, place = ctx.saved_tensors
        (_, m, dim), (n, t, _) = queries.shape, documents.shape
        of_queries, of_documents, _ = ctx.needs_input_grad
        to_queries, to_documents = [], None
        n_block = _queries_at_a_time(m * n * t)
        for block, places, part in zip(
            *(torch.split(each, n_block) for each in (queries, place, gradient)), strict=True
        ):
            weights = gradient.new_zeros(len(block), m, n, t)
            weights = weights.scatter_(3, places[..., None], part.transpose(1, 2)[..., None]).view(
                len(block) * m, n * t
            )
            if of_queries:
                to_queries.append((weights @ documents.reshape(-1, dim)).view_as(block))
            if of_documents:
                share = (weights.T @ block.reshape(-1, dim)).view_as(documents)
                to_documents = share if to_documents is None else to_documents + share
        return torch.cat(to_queries) if of_queries else None, to_documents, None


def _queries_at_a_time(n_similarities: int) -> int:
    """Queries to compare at a time, by the number of similarities of one."""
    return max(1, _SIMILARITIES // max(1, n_similarities))


def maxsim_ragged(
    queries: Sequence[Float32[np.ndarray, "_ d"]],
    document_tokens: Float[np.ndarray, "total d"] | TokenRows,
    offsets: Integer[np.ndarray, " n_offsets"],
    *,
    chunk_tokens: int = _CHUNK_TOKENS,
) -> Float32[np.ndarray, "n_queries n_documents"]:
    """Score queries with all documents of a store, many at a time: the fast form.

    Queries are joined into one matrix product per chunk of documents, so a batch is much faster
    than single queries. A document longer than a chunk is read in pieces.

    Args:
        queries: one (tokens, d) float32 array per query.
        document_tokens: (total, d) float16 or float32, all documents end to end; read chunk by chunk.
        offsets: (n_documents + 1,) integer, rising; document i has the rows offsets[i] to offsets[i + 1].
        chunk_tokens: document tokens per matrix product; it bounds the memory, not the result.

    Returns:
        (n_queries, n_documents) float32, each within `rounding_bound` of the true value.

    Raises:
        ValueError: the shapes do not fit each other.

    Example:
        >>> documents = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.75]], dtype=np.float32)
        >>> maxsim_ragged([np.eye(2, dtype=np.float32)], documents, np.array([0, 2, 3])).tolist()
        [[2.0, 1.25]]
    """
    _check_shapes(queries, document_tokens, offsets)
    scores = np.full((len(queries), len(offsets) - 1), -np.inf, dtype=np.float32)
    scores[[len(query) == 0 for query in queries]] = 0.0
    is_document_full = np.diff(offsets) > 0
    bounds = np.unique(offsets)  # those of the documents that have tokens
    blocks = list(_query_blocks(queries))
    dense = np.empty((sum(len(block.rows) for block in blocks), len(bounds) - 1), dtype=np.float32)
    for first, last in _document_groups(bounds, chunk_tokens):
        maxima = [np.full((len(block.tokens), last - first), -np.inf, np.float32) for block in blocks]
        for low in range(int(bounds[first]), int(bounds[last]), chunk_tokens):
            chunk = as_float32(document_tokens[low : min(low + chunk_tokens, int(bounds[last]))])
            for block, best in zip(blocks, maxima, strict=True):
                starts = bounds[first:last] - bounds[first]
                np.maximum(best, np.maximum.reduceat(block.tokens @ chunk.T, starts, axis=1), out=best)
        sums = [
            np.add.reduceat(best, block.starts, axis=0, dtype=np.float64)
            for block, best in zip(blocks, maxima, strict=True)
        ]
        dense[:, first:last] = np.concatenate(sums) if sums else 0.0
    rows = np.array([row for block in blocks for row in block.rows], dtype=np.intp)
    scores[np.ix_(rows, np.flatnonzero(is_document_full))] = dense
    return scores


def maxsim_exact(
    query: Float32[np.ndarray, "m d"], documents: Sequence[Float[np.ndarray, "_ d"]]
) -> Float64[np.ndarray, " n_documents"]:
    """Score one query with a few documents in float64.

    A document's score depends only on its rows, not on its position or its neighbours. Documents with the
    same rows, in any order, have exactly the same score.

    Args:
        query: (m, d) float32, m >= 1.
        documents: one (tokens, d) float16 or float32 array per document, tokens >= 1.

    Returns:
        (n_documents,) float64.
    """
    groups = _document_groups(np.cumsum([0, *map(len, documents)]), _CHUNK_TOKENS)
    scores = [_exact_scores(query, documents[first:last]) for first, last in groups]
    return np.concatenate([np.empty(0), *scores])


def _exact_scores(query: np.ndarray, documents: Sequence[np.ndarray]) -> np.ndarray:
    """Find the pairs that can be a maximum in float32, and take their dot products in float64."""
    starts = np.cumsum([0, *(len(document) for document in documents[:-1])])
    rows = as_float32(np.concatenate(documents))
    similarity = query @ rows.T
    per_token = np.linalg.norm(query, axis=1) * rounding_bound(np.eye(1, query.shape[1]), _max_norm(rows))
    floor = np.maximum.reduceat(similarity, starts, axis=1) - np.float32(2.0) * per_token[:, None]
    owner = np.repeat(np.arange(len(documents)), np.diff([*starts, len(rows)]))
    tokens, columns = np.nonzero(similarity >= floor[:, owner])
    # einsum sums each pair by itself, along d; a matrix product sums by position in its tiles
    dots = np.einsum("kd,kd->k", query[tokens].astype(np.float64), rows[columns].astype(np.float64))
    cells = tokens * len(documents) + owner[columns]
    best = np.maximum.reduceat(dots, np.flatnonzero(np.diff(cells, prepend=-1)))
    return best.reshape(len(query), len(documents)).sum(axis=0)


def rounding_bound(query: Float[np.ndarray, "m d"], max_norm: float) -> float:
    """Bound the error of a float32 score of this query.

    A dot product of length d in float32 has an error of at most d * u * |x| * |y|, with u = 2**-24. The d
    rounding errors are practically independent. Each has a standard deviation below u * |x| * |y| / sqrt(3).
    So 4 * sqrt(d) * u * |x| * |y| is seven standard deviations, even if every partial sum has its maximum. The
    result uses the smaller of the two bounds, and adds the errors of the query's tokens in the same form.

    Args:
        query: (m, d) array, the query's token vectors.
        max_norm: the longest document token vector, 1 for unit rows.

    Returns:
        A distance >= 0 in the unit of the score.

    Reference:
        Higham and Mary, A new approach to probabilistic rounding error analysis, SISC 2019.
    """
    norms = np.linalg.norm(query.astype(np.float64), axis=1)
    dim = query.shape[1]
    dots = min(dim * norms.sum(), 4.0 * math.sqrt(dim) * math.sqrt(float(norms @ norms)))
    return float(_UNIT_ROUNDOFF * max_norm * (dots + norms.sum()))


def _max_norm(rows: np.ndarray) -> float:
    return float(np.sqrt(np.einsum("td,td->t", rows, rows).max()))


class _QueryBlock(NamedTuple):
    """Queries joined into one matrix."""

    rows: list[int]  # which queries
    tokens: np.ndarray  # (sum of their tokens, d)
    starts: np.ndarray  # (n_rows,) first token of each


def _query_blocks(queries: Sequence[np.ndarray]) -> Iterator[_QueryBlock]:
    rows: list[int] = []
    n_tokens = 0
    for row, query in enumerate(queries):
        if rows and n_tokens + len(query) > _QUERY_TOKENS:
            yield _join(queries, rows)
            rows, n_tokens = [], 0
        if len(query):
            rows.append(row)
            n_tokens += len(query)
    if rows:
        yield _join(queries, rows)


def _join(queries: Sequence[np.ndarray], rows: list[int]) -> _QueryBlock:
    parts = [queries[row] for row in rows]
    starts = np.cumsum([0, *(len(part) for part in parts[:-1])])
    return _QueryBlock(rows, np.concatenate(parts), starts)


def _document_groups(bounds: np.ndarray, chunk_tokens: int) -> Iterator[tuple[int, int]]:
    """Ranges of documents that fit into a chunk together; a longer document forms its own range."""
    first = 0
    while first < len(bounds) - 1:
        last = int(np.searchsorted(bounds, bounds[first] + chunk_tokens, side="right")) - 1
        last = max(last, first + 1)
        yield first, last
        first = last


def as_float32(rows: np.ndarray) -> np.ndarray:
    """Token vectors in float32, not copied if they are; torch widens half precision ten times faster than numpy."""
    return rows if rows.dtype == np.float32 else torch.from_numpy(rows).to(torch.float32).numpy()


def _check_shapes(queries: Sequence[np.ndarray], document_tokens: TokenRows, offsets: np.ndarray) -> None:
    total, dim = document_tokens.shape
    for row, query in enumerate(queries):
        if query.shape[1] != dim:
            raise ValueError(f"query {row} is {query.shape} but the documents have dim {dim}")
    if len(offsets) == 0 or offsets[0] < 0 or offsets[-1] > total or (np.diff(offsets) < 0).any():
        raise ValueError(f"offsets must rise from 0 to at most {total}, the number of document tokens")
