"""MaxSim of all passages on an accelerator, which keeps a copy of the stored vectors.

Products and sums are in float32, so scores are within `maxsim.rounding_bound`, as on a CPU.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float32, Integer

from opticlir.maxsim import TokenRows
from opticlir.progress import Check

_COPIED_TOKENS = 2**16
_SIMILARITIES = 2**28
"""Similarities held at a time, 1 GB."""


def fits(device: str, n_bytes: int) -> bool:
    """Whether a CUDA device has space for so many bytes, and as many to compute with. Other devices are not used."""
    return device.startswith("cuda") and 2 * n_bytes <= torch.cuda.mem_get_info(device)[0]


class DeviceScores:
    """The stored vectors on a device.

    Args:
        rows: (total, dim) float16 or float32; they are read once, a slice at a time.
        offsets: (n_passages + 1,) integer, rising; passage i has the rows offsets[i] to offsets[i + 1], at least one.
        device: its name for torch.
        check: called before each slice; it can stop the reading.
    """

    def __init__(
        self, rows: TokenRows, offsets: Integer[np.ndarray, " n_offsets"], device: str, *, check: Check
    ) -> None:
        n_tokens, dim = rows.shape
        self._offsets = offsets
        self._rows = torch.empty((n_tokens, dim), dtype=torch.float16, device=device)
        for start in range(0, n_tokens, _COPIED_TOKENS):
            check()
            part = torch.from_numpy(np.array(rows[start : start + _COPIED_TOKENS]))
            self._rows = self._rows.to(part.dtype)
            self._rows[start : start + _COPIED_TOKENS] = part

    def scores(
        self, queries: Sequence[np.ndarray], *, check: Check
    ) -> Float32[np.ndarray, "n_queries n_passages"]:
        """MaxSim of every passage with each (tokens, dim) float32 query; 0 with a query without tokens."""
        scores = np.zeros((len(queries), len(self._offsets) - 1), np.float32)
        lengths = torch.tensor([len(query) for query in queries], device=self._rows.device)
        if lengths.sum() == 0:
            return scores
        tokens = torch.from_numpy(np.concatenate(queries)).to(self._rows.device)
        for part in self._groups(max(1, _SIMILARITIES // len(tokens))):
            check()
            bounds = self._offsets[part.start : part.stop + 1]
            similarity = self._rows[bounds[0] : bounds[-1]].float() @ tokens.T
            n_rows = torch.from_numpy(np.diff(bounds)).to(similarity.device)
            best = torch.segment_reduce(similarity, "max", lengths=n_rows)
            sums = torch.segment_reduce(best.T.double(), "sum", lengths=lengths)
            scores[:, part] = sums.float().cpu().numpy()
        return scores

    def _groups(self, n_tokens: int) -> Iterator[slice]:
        """Ranges of passages with at most so many tokens; a longer one forms its own range."""
        first = 0
        while first < len(self._offsets) - 1:
            last = int(np.searchsorted(self._offsets, self._offsets[first] + n_tokens, side="right")) - 1
            last = max(last, first + 1)
            yield slice(first, last)
            first = last
