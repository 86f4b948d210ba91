"""One training in several processes: `torchrun --nproc-per-node 2 -m opticlir train ...`, or accelerate launch.

Each process encodes its share of a batch with a student of its own; the vectors of all are then laid together,
so that every objective sees the batch it would see in one process, and gradients are averaged by torch.
"""

import functools
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list, gather
from jaxtyping import Shaped
from torch import Tensor

Answer = TypeVar("Answer")
Owner = TypeVar("Owner")
Given = ParamSpec("Given")

_PATIENCE = timedelta(
    days=1
)  # others wait while the main process runs the teacher; a dead one is noticed at once


def processes() -> PartialState:
    """The processes of this training, among them this one; a single one where nothing started several.

    Of several on a processor the backend is gloo, on accelerators NCCL.
    """
    return PartialState(cpu=not torch.cuda.is_available(), timeout=_PATIENCE)


def is_main_process() -> bool:
    """Whether this is the one process of the training that writes files and speaks."""
    return bool(processes().is_main_process)


def shared(answer: Answer) -> Answer:
    """What the main process has found, for all; each process has to call this."""
    if processes().num_processes == 1:
        return answer
    (answer,) = broadcast_object_list([answer])
    return answer


def anywhere(flag: bool) -> bool:
    """Whether it holds in any process; each process has to call this."""
    if processes().num_processes == 1:
        return flag
    return bool(gather(torch.tensor([flag], device=processes().device)).any())


def by_main(
    function: Callable[Concatenate[Owner, Given], Answer],
) -> Callable[Concatenate[Owner, Given], Answer]:
    """Have a method run by the main process alone, after all have come to it, and its answer given to all.

    Where it fails there, the launcher ends the others.
    """

    @functools.wraps(function)
    def wrapped(self: Owner, /, *args: Given.args, **kwargs: Given.kwargs) -> Answer:
        processes().wait_for_everyone()
        answer = function(self, *args, **kwargs) if is_main_process() else None
        return cast("Answer", shared(answer))

    return wrapped


def laid_together(share: Shaped[Tensor, "share ..."]) -> Shaped[Tensor, "batch ..."]:
    """The shares of all processes as one batch, in the order of the processes.

    Gradients reach this process's own share alone, as often as there are processes: torch takes the mean over
    processes, each of which sees the whole loss, and the mean is then the gradient of one process.

    Args:
        share: rows of this process, each other dimension padded to the longest of them. Processes may differ
            in all; what is missing to the longest of all is padded with 0.
    """
    if processes().num_processes == 1:
        return share
    sizes = gather(torch.tensor([share.shape], device=share.device))
    missing = (sizes.amax(dim=0) - sizes[processes().process_index]).tolist()
    own = torch.nn.functional.pad(share, _alternate(missing))
    parts = list(gather(own.detach()).chunk(len(sizes)))
    if share.requires_grad:
        own.register_hook(lambda gradient: gradient * len(sizes))  # type: ignore[no-untyped-call]
        parts[processes().process_index] = own
    return torch.cat([part[: int(size[0])] for part, size in zip(parts, sizes, strict=True)])


def _alternate(missing: list[int]) -> list[int]:
    """What torch's padding takes: from the last dimension to the first, none before and what is missing behind."""
    return [count for size in reversed(missing) for count in (0, size)]


def silent(_: dict[str, Any]) -> None:
    """Report nothing, in every process but the main one."""
