"""Greedy one-to-one token alignment, the distillation of Dr.DECR."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from opticlir.training.objectives.batch import TokenBatch


class AlignedTokens(NamedTuple):
    """Aligned tokens, nearest pair first."""

    source: Int64[Tensor, "batch rounds"]
    target: Int64[Tensor, "batch rounds"]
    is_pair: Bool[Tensor, "batch rounds"]
    """False when the shorter side has no token left. Both indices are then meaningless."""


def greedy(batch: TokenBatch) -> Float[Tensor, ""]:
    """Squared distance of greedily aligned tokens, mean over dimensions, aligned tokens, and pairs.

    Tokens of the longer side without a partner are left out. The published form pads the matrices to one length
    and aligns padding too; here padding takes no part. As in the published form, long and short sentences count
    the same.

    Args:
        batch: tokens of both sides.

    Returns:
        Scalar, at most 4 / dim for unit rows. With 384 dimensions it is about a hundredth of `optical`. Give it
        a larger weight in a sum with other objectives.

    Gradient:
        To the aligned tokens of the student; the alignment is detached.

    Example:
        >>> swapped, all_of_them = torch.tensor([[[0.0, 1.0], [0.6, 0.8]]]), torch.ones(1, 2).bool()
        >>> batch = TokenBatch(swapped, all_of_them, torch.eye(2)[None], all_of_them)
        >>> round(greedy(batch).item(), 4)  # (0, 1) goes with (0, 1), then (.6, .8) with (1, 0)
        0.2

    Reference:
        Li et al. 2022, Learning Cross-Lingual IR from an English Retriever, NAACL (arXiv 2112.08185).
    """
    with torch.no_grad():
        student, teacher = (
            torch.nn.functional.normalize(tokens, dim=2) for tokens in (batch.student, batch.teacher)
        )
        aligned = greedy_alignment(torch.bmm(student, teacher.mT), batch.student_mask, batch.teacher_mask)
    difference = _rows(batch.student, aligned.source) - _rows(batch.teacher, aligned.target)
    squared = difference.square().mean(dim=2).masked_fill(~aligned.is_pair, 0.0)
    return (squared.sum(dim=1) / aligned.is_pair.sum(dim=1).clamp(min=1)).mean()


def greedy_alignment(
    similarity: Float[Tensor, "batch m n"],
    source_mask: Bool[Tensor, "batch m"],
    target_mask: Bool[Tensor, "batch n"],
) -> AlignedTokens:
    """Align the two nearest tokens of the matrix, remove both, and repeat.

    Args:
        similarity: (batch, m, n) tensor, higher is nearer; detached.
        source_mask: (batch, m), True for tokens that take part.
        target_mask: (batch, n), likewise.

    Returns:
        Pairs in the order of the rounds, min(m, n) of them. NaN counts as the nearest, so that the loss becomes
        NaN too.

    Example:
        >>> near = torch.tensor([[[0.9, 0.8], [0.7, 0.1]]])
        >>> aligned = greedy_alignment(near, torch.ones(1, 2).bool(), torch.ones(1, 2).bool())
        >>> aligned.source.tolist(), aligned.target.tolist()
        ([[0, 1]], [[0, 1]])
    """
    batch, m, n = similarity.shape
    takes_part = source_mask[:, :, None] & target_mask[:, None, :]
    free = similarity.detach().masked_fill(~takes_part, -torch.inf)
    rows = torch.arange(batch, device=free.device)
    source = torch.zeros(batch, min(m, n), dtype=torch.int64, device=free.device)
    target, is_pair = torch.zeros_like(source), torch.zeros_like(source, dtype=torch.bool)
    for number in range(min(m, n)):
        best, place = free.flatten(1).max(dim=1)
        source[:, number], target[:, number] = place // n, place % n
        is_pair[:, number] = best != -torch.inf  # NaN is not minus infinity
        free[rows, source[:, number], :] = -torch.inf
        free[rows, :, target[:, number]] = -torch.inf
    return AlignedTokens(source, target, is_pair)


def _rows(tokens: Tensor, numbers: Tensor) -> Tensor:
    return tokens.gather(1, numbers[:, :, None].expand(-1, -1, tokens.shape[2]))
