"""Screening: bounded scores of all documents from 7-bit copies of their tokens, in a third of the time of float32.

Every token vector d is copied as a scale s and integers c between -63 and 63. A query token q becomes a scale t and
8-bit integers p. The score of a pair is s * t * (c . p), whose sum is an exact integer. It is off the true dot
product by no more than the lengths of what the rounding lost (Cauchy and Schwarz):

    |q . d - t p . s c| <= |q| * |d - s c| + |q - t p| * |s c|

A maximum and a sum of such values are off by no more than the maximum and the sum of their bounds. The lengths are
measured in float64, so the bound holds for any vectors: tiny, huge, or zero. Three float32 roundings add
3 * 2**-24 * |t p| * |s c|. So a document's score is within `Screening.errors` of the true score. If its score
plus error is below the k-th best score, it is not among the k best.

The scores depend on the vectors alone, to the bit: not on the other queries, the position, the threads or the machine.

Memory: one byte per stored value, 38 KB for a document of 100 tokens and 384 dimensions. Making it reads the store
once.
"""

import os
import platform
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float32, Float64, Integer

from opticlir.device import loop_threads
from opticlir.maxsim import TokenRows, as_float32
from opticlir.progress import Check

_MIN_VALUES = 2**25
"""Values of the smallest store that is screened, 64 MB in half precision. Below it float32 answers in some ms."""
_TOKENS = 2**14
"""Document tokens between two calls of the check."""
_MAX_BYTE, _MAX_SHORT = 2**7 - 1, 2**15 - 1


def pays(n_tokens: int, dim: int) -> bool:
    """Whether a store of this size is screened on this machine.

    It is if its processor has the instructions, and if the copy takes at most a quarter of the memory.
    """
    return n_tokens * dim >= _MIN_VALUES and n_tokens * dim <= _memory() // 4 and is_possible()


@cache
def is_possible() -> bool:
    """Whether the processor has the integer instructions: AVX2, on nearly all x86-64 machines since 2015.

    Not where `ATEN_CPU_CAPABILITY=default` or the processor that numba compiles for leaves them out.
    """
    if os.environ.get("NUMBA_CPU_NAME") or os.environ.get("NUMBA_CPU_FEATURES"):
        return False
    return platform.machine() in ("x86_64", "AMD64") and torch.backends.cpu.get_cpu_capability() != "DEFAULT"


def _memory() -> int:
    """Bytes of main memory; a large number where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 2**40


class Screening:
    """The 7-bit copy of a token store.

    Args:
        rows: (total, dim), the stored vectors; they are read once, a slice at a time.
        offsets: (n_passages + 1,) integer, rising; passage i has the rows offsets[i] to offsets[i + 1], at least one.
        check: called before each slice; it can stop the reading.

    Raises:
        ArtefactError: as `rows` does.
    """

    def __init__(self, rows: TokenRows, offsets: Integer[np.ndarray, " n_offsets"], *, check: Check) -> None:
        from opticlir.search.screening_kernels import BLOCK, encode  # noqa: PLC0415 - it imports numba

        n_tokens, dim = rows.shape
        self._offsets = offsets.astype(np.int64)
        self._codes = np.zeros((n_tokens, -(-dim // BLOCK) * BLOCK), np.uint8)
        self._scales = np.empty(n_tokens, np.float32)
        residuals = np.empty(n_tokens)
        self._max_norm = 0.0

        def copy(part: slice) -> float:
            check()
            chunk = np.require(as_float32(rows[part]), requirements="W")  # numba compiles again for others
            norms = np.empty(len(chunk))
            encode(chunk, self._codes[part], self._scales[part], residuals[part], norms)
            return float(norms.max())

        with ThreadPoolExecutor(loop_threads()) as pool:
            self._max_norm = max(pool.map(copy, _slices(0, n_tokens)), default=0.0)
        self.residuals: Float64[np.ndarray, " n_passages"] = np.maximum.reduceat(
            residuals, self._offsets[:-1]
        )
        """The longest part of a token vector of each passage that its copy lacks; NaN if one holds NaN or infinity."""

    def scores(
        self, queries: Sequence[np.ndarray], *, check: Check
    ) -> Float32[np.ndarray, "n_queries n_passages"]:
        """MaxSim of every passage with each (tokens, dim) float32 query, within `errors`.

        A query without tokens scores 0, and a passage that holds NaN or infinity scores NaN.

        Args:
            queries: all are scored in one pass over the copy.
            check: called now and then; it can stop the scoring.
        """
        from opticlir.search.screening_kernels import score_documents  # noqa: PLC0415 - it imports numba

        panels, corrections, lane_scales, owners = _panels(queries, self._codes.shape[1])
        scores = np.zeros((len(queries), len(self._offsets) - 1), np.float32)

        def score(part: slice) -> None:
            check()
            bounds = self._offsets[part.start : part.stop + 1]
            score_documents(
                self._codes,
                self._scales,
                bounds,
                panels,
                corrections,
                lane_scales,
                owners,
                scores,
                part.start,
            )

        with ThreadPoolExecutor(loop_threads()) as pool:
            for _ in pool.map(score, self._groups()):
                pass
        scores[:, np.isnan(self.residuals)] = np.nan
        return scores

    def errors(self, query: Float32[np.ndarray, "m d"]) -> Float64[np.ndarray, " n_passages"]:
        """The largest possible error of a query's score with each passage, as proven above, and a millionth more."""
        coded, scales = _coded(query, self._codes.shape[1])
        wide = query.astype(np.float64)
        copy = (coded * scales[:, None])[:, : query.shape[1]]
        lost, kept = np.linalg.norm(wide - copy, axis=1).sum(), np.linalg.norm(copy, axis=1).sum()
        # a product or a score below the smallest normal float32 may be rounded to 0
        fixed = (lost + 3.0 * 2.0**-24 * kept) * self._max_norm + 2.0**-125 * (1.0 + scales.sum())
        return (np.linalg.norm(wide, axis=1).sum() * self.residuals + fixed) * (1.0 + 1e-6)

    def _groups(self) -> Iterator[slice]:
        """Ranges of passages with about `_TOKENS` tokens."""
        n_passages, first = len(self._offsets) - 1, 0
        while first < n_passages:
            last = int(np.searchsorted(self._offsets, self._offsets[first] + _TOKENS, side="right")) - 1
            yield slice(first, max(last, first + 1))
            first = max(last, first + 1)


def _slices(start: int, stop: int) -> Iterator[slice]:
    return (slice(low, min(low + _TOKENS, stop)) for low in range(start, stop, _TOKENS))


def _coded(query: np.ndarray, width: int) -> tuple[Integer[np.ndarray, "m width"], Float64[np.ndarray, " m"]]:
    """Round query tokens to 8 bits, and give the scale of each.

    The scale is large enough that no sum of 16 bits in the kernel can overflow. One adds the products of the first and
    second, or of the third and fourth, of every four values in a block. Codes of documents are not negative, so the sum
    is largest with the largest code at every positive value, or at every negative one.
    """
    from opticlir.search.screening_kernels import BLOCK, CENTRE  # noqa: PLC0415 - it imports numba

    wide = np.zeros((len(query), width))
    wide[:, : query.shape[1]] = query
    summed = wide.reshape(len(query), width // BLOCK, BLOCK // 4, 2, 2)
    sums = np.maximum(np.maximum(summed, 0.0).sum(axis=(2, 4)), np.maximum(-summed, 0.0).sum(axis=(2, 4)))
    limit = (
        _MAX_SHORT / (2.0 * CENTRE) - BLOCK / 4.0
    )  # each of BLOCK / 2 values grows by at most 1/2 when it is rounded
    scales = np.maximum(
        np.abs(wide).max(axis=1, initial=0.0) / _MAX_BYTE, sums.max(axis=(1, 2), initial=0.0) / limit
    )
    codes = np.rint(wide / np.where(scales > 0.0, scales, 1.0)[:, None])
    return codes.astype(np.int8), scales


class _Panels(NamedTuple):
    """The tokens of all queries as `screening_kernels` reads them."""

    values: Integer[np.ndarray, " n_values"]
    corrections: Integer[np.ndarray, " n_lanes"]
    scales: Float64[np.ndarray, " n_lanes"]
    owners: Integer[np.ndarray, " n_lanes"]


def _panels(queries: Sequence[np.ndarray], width: int) -> _Panels:
    from opticlir.search.screening_kernels import CENTRE, PANEL  # noqa: PLC0415 - it imports numba

    lengths = [len(query) for query in queries]
    n_tokens = sum(lengths)
    n_lanes = 8 * (-(-n_tokens // 8))
    coded = np.zeros((n_lanes, width), np.int8)
    scales, owners = np.zeros(n_lanes), np.zeros(n_lanes, np.int64)
    if n_tokens:
        coded[:n_tokens], scales[:n_tokens] = _coded(np.concatenate(queries), width)
    owners[:n_tokens] = np.repeat(np.arange(len(queries)), lengths)
    fours = coded.reshape(n_lanes, width // 4, 4)
    parts = [fours[lane : lane + PANEL].transpose(1, 0, 2).ravel() for lane in range(0, n_lanes, PANEL)]
    corrections = -CENTRE * coded.sum(axis=1, dtype=np.int32)
    return _Panels(np.concatenate([np.empty(0, np.int8), *parts]), corrections, scales, owners)
