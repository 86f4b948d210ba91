"""One training in several processes: `torchrun --nproc-per-node 2 -m opticlir train ...`, or accelerate launch.

Each process encodes its share of a batch with its own copy of the student. Then all vectors are gathered, so that
every objective gets the whole batch, and torch averages the gradients.
"""

import functools
import os
from collections.abc import Callable
from datetime import timedelta
from typing import Concatenate, ParamSpec, TypeVar, cast

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list, gather
from jaxtyping import Shaped
from torch import Tensor

Answer = TypeVar("Answer")
Owner = TypeVar("Owner")
Given = ParamSpec("Given")

_TIMEOUT = timedelta(
    days=1
)  # others wait while rank zero runs the teacher; a dead process is noticed at once


def join_processes(device: str) -> PartialState:
    """Join the processes of this training; there is one, unless a launcher started several.

    Args:
        device: of the tensors. The backend is gloo on the CPU, and NCCL on CUDA.
    """
    return PartialState(cpu=device == "cpu", timeout=_TIMEOUT)


def processes() -> PartialState:
    """Return the processes that `join_processes` joined; before that, one on the CPU."""
    return PartialState() if PartialState._shared_state else join_processes("cpu")


def is_rank_zero() -> bool:
    """Whether this process writes files and reports. Works before the processes join, too."""
    if PartialState._shared_state:
        return bool(PartialState().is_main_process)
    return "LOCAL_RANK" not in os.environ or os.environ.get("RANK", "0") == "0"


def shared(answer: Answer) -> Answer:
    """Return the answer of rank zero in all processes. Each process must call this."""
    if processes().num_processes == 1:
        return answer
    (answer,) = broadcast_object_list([answer])
    return answer


def anywhere(flag: bool) -> bool:
    """Whether a flag is set in any process. Each process must call this."""
    if processes().num_processes == 1:
        return flag
    return bool(gather(torch.tensor([flag], device=processes().device)).any())


def on_rank_zero(
    function: Callable[Concatenate[Owner, Given], Answer],
) -> Callable[Concatenate[Owner, Given], Answer]:
    """Run a method on rank zero when all processes have called it, and return its answer in all of them.

    If it fails on rank zero, the launcher ends the other processes.
    """

    @functools.wraps(function)
    def wrapped(self: Owner, /, *args: Given.args, **kwargs: Given.kwargs) -> Answer:
        processes().wait_for_everyone()
        answer = function(self, *args, **kwargs) if is_rank_zero() else None
        return cast("Answer", shared(answer))

    return wrapped


def all_gather(share: Shaped[Tensor, "share ..."]) -> Shaped[Tensor, "batch ..."]:
    """Join the shares of all processes to one batch, in the order of their ranks.

    Gradients reach only the share of this process, multiplied by the number of processes. Torch then takes the mean
    over processes. Each of them has the whole loss, so the mean equals the gradient in one process.

    Args:
        share: rows of this process. Its sizes may differ between processes; smaller shares are padded with 0.
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
    """Return padding in the form of torch: from the last dimension to the first, 0 before and `missing` after."""
    return [count for size in reversed(missing) for count in (0, size)]
