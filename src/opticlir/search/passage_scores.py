"""MaxSim of all documents of a segment: in float32, or screened by 7-bit copies where the store is large."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from threading import Lock
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float32, Float64

from opticlir.maxsim import TokenRows, maxsim_ragged
from opticlir.progress import Check
from opticlir.search.device_scores import DeviceScores, fits
from opticlir.search.passages import StoredPassages, best_of_each
from opticlir.search.screening import Screening, is_possible, pays
from opticlir.search.tokens import CheckedRows, StoredTokens

_IN_MEMORY = 2**26
"""Bytes. A search keeps the vectors of a smaller index in memory, in float32."""
_GATHERED_TOKENS = 2048
"""Document tokens that are scored again at a time."""

_ESTIMATED = 2**13
"""Passages from which estimates take 7-bit copies."""

Way: TypeAlias = Literal["kept", "screened", "read"]
"""How the vectors of an index are scored: kept in memory in float32, by 7-bit copies, or read from disk."""


def way_of(n_tokens: int, dim: int) -> Way:
    """The way for an index of this size."""
    if pays(n_tokens, dim):
        return "screened"
    return "kept" if 4 * n_tokens * dim <= _IN_MEMORY else "read"


def estimating_way(n_passages: int) -> Way:
    """The way for estimating vectors, which stay in memory in any case."""
    return "screened" if n_passages >= _ESTIMATED and is_possible() else "kept"


class PassageScores:
    """Scores the documents of a token store.

    Args:
        tokens: the store.
        passages: its passages by document.
        offsets: (n_passages + 1,), where the vectors of each begin; None is as `passages` says.
    """

    def __init__(
        self, tokens: StoredTokens, passages: StoredPassages, offsets: np.ndarray | None = None
    ) -> None:
        self._tokens, self._passages = tokens, passages
        self._offsets = passages.offsets if offsets is None else offsets
        self._screening: Screening | None = None
        self._on_device: DeviceScores | None = None
        self._lock = Lock()

    def of_all(
        self, queries: Sequence[np.ndarray], *, way: Way, device: str, check: Check
    ) -> Float32[np.ndarray, "n_queries n_documents"]:
        """MaxSim of the best passage of every document, within `errors`.

        Args:
            queries: (tokens, dim) float32 matrices; all are scored in one pass over the store.
            way: see `way_of`. A store that was screened once stays so.
            device: an accelerator is used if it has memory for the vectors.
            check: called before each block of the store is scored.

        Raises:
            ArtefactError: a block of the store is damaged.
        """
        with np.errstate(invalid="ignore", over="ignore"):
            if copied := self._copied(device, check, is_screened=way == "screened"):
                scores = copied.scores(queries, check=check)
            else:
                rows = CheckedRows(self._kept if way == "kept" else self._tokens, check)
                scores = maxsim_ragged(queries, rows, self._offsets)
        return self._passages.best_by_document(scores)

    def errors(self, query: np.ndarray) -> Float64[np.ndarray, " n_documents"] | None:
        """How far each score may be from the true one; None if all are in float32.

        Those of float32 are within `maxsim.rounding_bound`.
        """
        if self._screening is None:
            return None
        return self._passages.best_by_document(self._screening.errors(query)[None])[0]

    def of_some(self, query: np.ndarray, rows: Sequence[int]) -> Float32[np.ndarray, " n_rows"]:
        """MaxSim of some documents in float32, from the stored vectors."""
        parts = [self._score_again(query, group) for group in self._groups(rows)]
        return np.concatenate([np.empty(0, np.float32), *parts])

    @cached_property
    def _kept(self) -> TokenRows:
        """The vectors in float32, so that they are converted only once."""
        return self._tokens[: self._tokens.shape[0]].astype(np.float32)

    def _copied(self, device: str, check: Check, *, is_screened: bool) -> DeviceScores | Screening | None:
        """The copy that is scored, made by the first search. A search that is stopped leaves that to the next one."""
        offsets, (n_tokens, dim) = self._offsets, self._tokens.shape
        with self._lock:
            if self._on_device is None and self._screening is None:
                if fits(device, n_tokens * dim * self._tokens[0:0].dtype.itemsize):
                    self._on_device = DeviceScores(self._tokens, offsets, device, check=check)
                elif is_screened:
                    self._screening = Screening(self._tokens, offsets, check=check)
            return self._on_device or self._screening

    def _groups(self, rows: Sequence[int]) -> Iterator[list[range]]:
        """The passages of documents, some thousand tokens at a time."""
        group: list[range] = []
        n_tokens = 0
        for row in rows:
            numbers = self._passages.numbers(row)
            length = int(self._offsets[numbers.stop] - self._offsets[numbers.start])
            if group and n_tokens + length > _GATHERED_TOKENS:
                yield group
                group, n_tokens = [], 0
            group.append(numbers)
            n_tokens += length
        if group:
            yield group

    def _score_again(self, query: np.ndarray, group: Sequence[range]) -> np.ndarray:
        offsets = self._offsets
        vectors = self._tokens.gathered(
            [slice(int(offsets[each.start]), int(offsets[each.stop])) for each in group]
        )
        lengths = np.concatenate([np.diff(offsets[each.start : each.stop + 1]) for each in group])
        scores = maxsim_ragged([query], vectors, np.concatenate([[0], np.cumsum(lengths)]))
        return best_of_each(scores, np.cumsum([0, *map(len, group[:-1])]))[0]
