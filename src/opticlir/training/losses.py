"""The loss that the trainer calls: it encodes a batch and adds up the weighted objectives of the stage."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol, TypeAlias, runtime_checkable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from opticlir.training.bitext_batch import BitextBatch, Cut
from opticlir.training.length_runs import encode_in_runs
from opticlir.training.objectives import Objective, TokenBatch
from opticlir.training.processes import all_gather

LossTerms: TypeAlias = Mapping[str, tuple[Objective, float]]
"""Objective and weight by name."""
Losses: TypeAlias = dict[str, Tensor]
Read: TypeAlias = Callable[[AbstractContextManager[None]], TokenBatch]
"""Encodes the foreign side of a batch inside a context."""
Weigh: TypeAlias = Callable[[TokenBatch], Losses]
"""The weighted objectives of a batch."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What the loss minimises at one step."""

    terms: LossTerms
    share_done: float = 0.0
    """Share of the training steps before this one."""
    share_of_stage: float = 0.0
    """Share of the steps of the stage before this one."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """The losses of a batch."""

    batch: TokenBatch
    """Tokens of the first encoding, before any adversary."""
    losses: Losses
    """Terms of the loss; their sum is minimised."""
    notes: dict[str, Tensor] = field(default_factory=dict)
    """Values that are only logged."""


@runtime_checkable
class Adversary(Protocol):
    """Changes how a batch is encoded and its objectives are weighed, for example by adversarial perturbation."""

    def __call__(self, read: Read, weigh: Weigh, mask: Bool[Tensor, "batch tokens"]) -> Weighed:
        """Return the weighed losses of a batch.

        Args:
            read: encodes the batch.
            weigh: gives its weighted objectives.
            mask: True for tokens that the encoder attends to.
        """
        ...


class ExtraTerm(torch.nn.Module, ABC):
    """A term of the loss with trainable weights. Checkpoints contain them."""

    needs: frozenset[type[Any]] = frozenset()
    """Classes of `TokenBatch.attached`. A batch without them skips this term."""

    @abstractmethod
    def forward(self, batch: TokenBatch) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
        """Return the loss of a batch (a scalar), and values to log by name."""


class DistillationLoss(torch.nn.Module):
    """Encodes the foreign side of a batch and weighs the objectives of a method.

    The trainer logs each term and minimises their sum. The teacher is not part of this module: the batch contains its
    tokens. With several processes, each encodes its share, and the objectives get the whole batch.

    Args:
        model: the student.
        n_runs: number of runs in which a batch is encoded; its rows are sorted by length (`LengthBuckets`). Always 1
            with an adversary, because its perturbation has the shape of the whole batch.
        adversary: encodes and weighs the batch; None encodes it without changes.
        extra_terms: by name; they are trained with the student.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        *,
        n_runs: int = 1,
        adversary: Adversary | None = None,
        extra_terms: Mapping[str, ExtraTerm] | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        if extra_terms:  # an empty module would be one more child
            self.extra = torch.nn.ModuleDict(extra_terms)
        self._adversary = adversary
        self._n_runs = 1 if adversary is not None else n_runs
        self._notes: dict[str, list[Tensor]] = {}

    @property
    def extra_terms(self) -> dict[str, ExtraTerm]:
        """Terms with trainable weights, by name."""
        return dict(getattr(self, "extra", {}))

    def forward(self, batch: BitextBatch, moment: Moment) -> Losses:
        """Return the weighted objectives of one batch.

        Args:
            batch: the share of this process.
            moment: the terms, and how much of the training is done.

        Raises:
            FloatingPointError: a term is not finite. The message has the numbers of the pairs whose vectors are not
                finite, or of all pairs of the batch.
        """
        pairs = all_gather(batch.pairs)
        weighed = self._with_extra(self._weighed(batch, moment))
        for name, value in weighed.losses.items():
            if not torch.isfinite(value):
                found = pairs[_is_damaged(weighed.batch)].tolist() or pairs.tolist()
                raise FloatingPointError(f"the {name} loss is {value.item()} on pairs {found}")
        for name, value in weighed.notes.items():
            self._notes.setdefault(name, []).append(value.detach())
        return weighed.losses

    def take_notes(self) -> dict[str, float]:
        """Return the means of the noted values since the last call."""
        means = {name: torch.stack(values).mean().item() for name, values in self._notes.items()}
        self._notes.clear()
        return means

    def _weighed(self, batch: BitextBatch, moment: Moment) -> Weighed:
        needed = frozenset().union(
            *(objective.needs for objective, _ in moment.terms.values()),
            *(term.needs for term in self.extra_terms.values()),
        )

        @cache  # once, however often an adversary reads the foreign side
        def teacher() -> tuple[Tensor, Tensor]:
            return all_gather(batch.teacher_tokens), all_gather(batch.teacher_mask)

        @cache
        def attached() -> tuple[Any, ...]:
            found = (
                each.read(lambda inputs: self._encode(inputs, None))
                for each in batch.attached
                if not each.is_encoded or each.gives in needed
            )
            return tuple(each for each in found if each is not None)

        def read(condition: AbstractContextManager[None]) -> TokenBatch:
            sides = teacher()
            with condition:
                student = self._encode(batch.foreign, batch)
            return TokenBatch(*student, *sides, attached(), moment.share_done, moment.share_of_stage)

        def weigh(tokens: TokenBatch) -> Losses:
            with torch.autocast(tokens.student.device.type, enabled=False):
                return {
                    name: weight * objective(tokens)
                    for name, (objective, weight) in _applicable(moment.terms, tokens).items()
                }

        if self._adversary is None:
            tokens = read(nullcontext())
            return Weighed(tokens, weigh(tokens))
        return self._adversary(read, weigh, batch.foreign["attention_mask"].bool())

    def _with_extra(self, weighed: Weighed) -> Weighed:
        """Add the extra terms, computed on the tokens of the first encoding."""
        losses, notes = dict(weighed.losses), dict(weighed.notes)
        for name, term in self.extra_terms.items():
            if all(weighed.batch.get(kind) is not None for kind in term.needs):
                with torch.autocast(weighed.batch.student.device.type, enabled=False):
                    losses[name], more = term(weighed.batch)
                notes |= more
        return Weighed(weighed.batch, losses, notes)

    def _encode(self, inputs: dict[str, Tensor], batch: BitextBatch | None) -> tuple[Tensor, Tensor]:
        """Return vectors and mask of all processes. The foreign side is encoded in the contexts of its attachments."""

        def encode(cut_inputs: dict[str, Any], cut: Cut) -> tuple[Tensor, Tensor]:
            with ExitStack() as stack:
                for each in batch.attached if batch is not None else ():
                    stack.enter_context(each.around(cut))
                encoded = self.model(cut_inputs, task="query")
            return encoded["token_embeddings"].float(), encoded["attention_mask"].bool()

        tokens, mask = encode_in_runs(encode, inputs, self._n_runs)
        return all_gather(tokens), all_gather(mask)


def _applicable(terms: LossTerms, batch: TokenBatch) -> LossTerms:
    """Return the terms whose needs the batch meets. If there is none, return all: the first names what is missing."""
    return {
        name: term
        for name, term in terms.items()
        if all(batch.get(kind) is not None for kind in term[0].needs)
    } or terms


def _is_damaged(batch: TokenBatch) -> Tensor:
    """Return (batch,) bool: whether a vector of the pair is not finite."""
    damaged = [(~torch.isfinite(tokens).all(dim=2) & mask).any(dim=1) for tokens, mask in _sides(batch)]
    return torch.stack(damaged).any(dim=0)


def _sides(batch: TokenBatch) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield vectors and mask of every encoded side."""
    yield batch.student, batch.student_mask
    yield batch.teacher, batch.teacher_mask
    for each in batch.attached:
        if hasattr(each, "tokens") and hasattr(each, "mask"):
            yield each.tokens, each.mask
