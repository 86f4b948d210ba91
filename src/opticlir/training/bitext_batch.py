"""A batch of bitext between the collator and the loss: the student's inputs and the teacher's vectors."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, TypeAlias, TypeVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from opticlir.training.processes import all_gather

Itself = TypeVar("Itself", bound="TensorFields")

Encode: TypeAlias = Callable[[dict[str, Tensor]], tuple[Tensor, Tensor]]
"""Encodes inputs by the student: (batch, tokens, dim) vectors and a (batch, tokens) mask, of all processes."""

Cut: TypeAlias = tuple[Tensor, slice]
"""Rows and columns of a batch that are encoded together."""


@dataclass(frozen=True, kw_only=True)
class TensorFields:
    """A dataclass whose tensors move between devices together."""

    def to(self: Itself, device: torch.device | str, non_blocking: bool = False) -> Itself:
        """Return a copy on another device; the trainer and accelerate call this."""
        return self._mapped(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self: Itself) -> Itself:
        """Return a copy in pinned memory; the data loader calls this."""
        return self._mapped(lambda tensor: tensor.pin_memory())

    def _mapped(self: Itself, change: Callable[[Tensor], Tensor]) -> Itself:
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return replace(self, **{name: _changed(value, change) for name, value in values.items()})


@dataclass(frozen=True, kw_only=True)
class Attachment(TensorFields):
    """An object that a batch transform adds to a batch, for its own objective. The product adds none."""

    gives: ClassVar[type[Any] | None] = None
    """Class of what `read` returns."""
    is_encoded: ClassVar[bool] = False
    """Whether `read` encodes. Then it is only called when a term of the loss needs it."""

    def read(self, encode: Encode) -> Any:  # noqa: ARG002 - for those who encode
        """Return the object that objectives get in `TokenBatch.attached`; None adds nothing."""
        return None

    def around(self, cut: Cut) -> AbstractContextManager[None]:  # noqa: ARG002 - for those who have one
        """A context in which the student encodes a cut of the foreign side."""
        return nullcontext()


@dataclass(frozen=True, kw_only=True)
class Gathered(Attachment):
    """An attachment that objectives get unchanged. Its tensors are joined with those of the other processes."""

    def read(self: Itself, encode: Encode) -> Itself:  # noqa: ARG002 - nothing is encoded
        """Return the tensors of the whole batch."""
        return self._mapped(all_gather)


@dataclass(frozen=True, kw_only=True)
class BitextBatch(TensorFields):
    """Some sentence pairs, ready for the loss."""

    pairs: Int[Tensor, " batch"]
    """Their numbers in the bitext."""
    foreign: dict[str, Tensor]
    """Inputs of the foreign side for the student, (batch, tokens) each, with `input_ids` and `attention_mask`."""
    teacher_tokens: Float[Tensor, "batch n dim"]
    """English tokens by the teacher, unit rows."""
    teacher_mask: Bool[Tensor, "batch n"]
    attached: tuple[Attachment, ...] = ()
    """What batch transforms added."""

    def with_attached(self, attachment: Attachment) -> "BitextBatch":
        """Return the batch with one more attachment."""
        return replace(self, attached=(*self.attached, attachment))

    def has(self, kind: type[Attachment]) -> bool:
        """Whether an object of a class is attached."""
        return any(isinstance(each, kind) for each in self.attached)

    def __contains__(self, _: object) -> bool:
        """False: the trainer asks for keys such as `labels`, and a batch has none."""
        return False


def _changed(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """Return the value with changed tensors."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, dict):
        return {name: _changed(each, change) for name, each in value.items()}
    if isinstance(value, tuple):
        return tuple(_changed(each, change) for each in value)
    return value._mapped(change) if isinstance(value, TensorFields) else value
