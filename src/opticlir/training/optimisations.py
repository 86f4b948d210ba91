"""Optimisations that make training faster and do not change what is learned. docs/performance.md measures them.

Two settings belong here too: `precision`, and `teacher_vectors = "none"`, which runs the teacher at each step.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt
import torch
from sentence_transformers import MultiVectorEncoder

from opticlir.data import PairTable
from opticlir.encoder import pruned_vocabulary, transformer_of
from opticlir.settings import AT_LEAST_ZERO, check_ranges, setting
from opticlir.training.batches import token_ids


@dataclass(frozen=True, kw_only=True)
class Optimisations:
    """The optimisations that are on."""

    length_runs: int = setting(
        2,
        "Runs of texts of similar length in a batch, each encoded with little padding. With 1, all texts of a batch "
        "have a similar length: this is faster and learns less per step. 0 draws batches at random.",
        AT_LEAST_ZERO,
    )
    prune_vocabulary: bool = setting(
        True,
        "Train only the embeddings of tokens in the bitext: the others would not change. The saved model has them all. "
        "Off with code-switching.",
    )
    plain_attention: bool = setting(
        True, "Use plain attention on the CPU: torch's fused backward pass is slower on short texts."
    )

    def __post_init__(self) -> None:
        check_ranges(self)


@contextmanager
def optimised(
    wanted: Optimisations, student: MultiVectorEncoder, used: npt.NDArray[np.int64] | None
) -> Iterator[None]:
    """Make the student train fast while the block runs.

    Args:
        wanted: the optimisations that are on.
        student: changed in place; restored after the block.
        used: ids of all tokens that it will read; None if they are not known before training.
    """
    with ExitStack() as stack:
        if wanted.prune_vocabulary and used is not None:
            stack.enter_context(pruned_vocabulary(student, used))
        if wanted.plain_attention and student.device.type == "cpu":
            stack.enter_context(_plain_attention(student))
        yield


def used_tokens(student: MultiVectorEncoder, pairs: PairTable, *, both_sides: bool) -> npt.NDArray[np.int64]:
    """Return the ids of the tokens that the student needs for a bitext, with markers and padding.

    Args:
        student: its query tokenizer counts.
        pairs: all pairs, also the held-out ones.
        both_sides: whether the student reads the English sides too.
    """
    tokenizer = transformer_of(student, "query").tokenizer
    prompt = student.prompts.get("query") or ""
    found = {*tokenizer.all_special_ids, *tokenizer(prompt)["input_ids"]}
    for texts in (pairs.foreign, pairs.english) if both_sides else (pairs.foreign,):
        found.update(chain.from_iterable(token_ids(tokenizer, texts, markers=True, prompt=prompt)))
    return np.array(sorted(found), np.int64)


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """Treat numbers very near 0 as 0 while the block runs. Sharp plans have many of them, and they are slow."""
    before = _flushes_denormals()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def _flushes_denormals() -> bool:
    """Whether torch treats numbers very near 0 as 0 now."""
    denormal = torch.tensor(1e-310, dtype=torch.float64)  # as bits: reading it computes nothing
    return float(denormal * 1.0) == 0.0


@contextmanager
def _plain_attention(student: MultiVectorEncoder) -> Iterator[None]:
    model = transformer_of(student, "query").model
    usual = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        yield
    finally:
        model.set_attn_implementation(usual)
