"""What makes training fast without changing what is learned; each lever can be switched off.

docs/performance.md says what each of them gives. Two more are settings of their own: `precision`, and
`teacher_vectors = "none"`, which runs the teacher at each step.
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
from opticlir.training.batches import token_ids


@dataclass(frozen=True, kw_only=True)
class LeverConfig:
    """Which levers are used; see docs/performance.md."""

    length_runs: int = 2
    """Runs of texts of like length in a batch, each read with little padding. 1 makes all texts of a batch alike,
    which spares a little more and learns less by step; 0 draws batches at random, and pads them. Where embeddings
    are perturbed it is 1, or 0."""
    prune_vocabulary: bool = True
    """The optimiser and the checkpoints hold only the embeddings of tokens that the bitext uses. The others cannot
    change, and stand in the model that is saved. Not with code-switching, whose words are drawn anew."""
    plain_attention: bool = True
    """On a processor, attention written out: the backward pass of torch's fused one costs short texts a quarter."""
    fused_adamw: bool = True
    """The optimiser's step in one kernel."""
    flush_denormals: bool = True
    """Numbers near 0, of which sharp plans are full, count as 0: they cost a hundred times the arithmetic of others."""

    def __post_init__(self) -> None:
        if self.length_runs < 0:
            raise ValueError(f"length_runs is {self.length_runs}: expected 0 or more")

    @property
    def optimiser(self) -> str:
        """The trainer's name of AdamW."""
        return "adamw_torch_fused" if self.fused_adamw else "adamw_torch"


@contextmanager
def pulled(
    levers: LeverConfig, student: MultiVectorEncoder, used: npt.NDArray[np.int64] | None
) -> Iterator[None]:
    """Have the student train fast while the block runs.

    Args:
        levers: which are used.
        student: changed in place, and back again.
        used: ids of all tokens that it will look up; None where they are not known beforehand.
    """
    with ExitStack() as stack:
        if levers.prune_vocabulary and used is not None:
            stack.enter_context(pruned_vocabulary(student, used))
        if levers.plain_attention and student.device.type == "cpu":
            stack.enter_context(_plain_attention(student))
        yield


def used_tokens(student: MultiVectorEncoder, pairs: PairTable, *, both_sides: bool) -> npt.NDArray[np.int64]:
    """Ids of the tokens that the student needs to read a bitext, markers and padding among them.

    Args:
        student: its query tokenizer.
        pairs: those to learn from and those to look at.
        both_sides: whether the student reads the English sides too.
    """
    tokenizer = transformer_of(student, "query").tokenizer
    prompt = student.prompts.get("query") or ""
    found = {*tokenizer.all_special_ids, *tokenizer(prompt)["input_ids"]}
    for texts in (pairs.foreign, pairs.english) if both_sides else (pairs.foreign,):
        found.update(chain.from_iterable(token_ids(tokenizer, texts, markers=True, prompt=prompt)))
    return np.array(sorted(found), np.int64)


@contextmanager
def flushed_denormals(wanted: bool) -> Iterator[None]:
    """Take numbers near 0 for 0 while the block runs."""
    torch.set_flush_denormal(wanted)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@contextmanager
def _plain_attention(student: MultiVectorEncoder) -> Iterator[None]:
    model = transformer_of(student, "query").model
    usual = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        yield
    finally:
        model.set_attn_implementation(usual)
