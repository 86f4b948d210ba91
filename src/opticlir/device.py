"""Which processor computes, and with which numbers: decided here, once, for training, indexing and search."""

from functools import cache
from typing import Literal, get_args

import torch
from threadpoolctl import threadpool_limits

CHOICES = ("auto", "cpu", "cuda", "mps")

WeightsDtype = Literal["auto", "float32", "bfloat16", "float16"]
"""The number format of a model's weights: `auto` is that of its files."""

Dtype = torch.dtype | Literal["auto"]
"""The same, as the libraries take it."""


def choose_device(device: str = "auto") -> str:
    """Return the device that a name means.

    Args:
        device: `auto` is the best device this machine has (CUDA, then Apple's MPS, then the CPU);
            `cpu`, `cuda`, `mps`, or one accelerator of several, for example `cuda:1`.

    Returns:
        A name that torch understands.

    Raises:
        ValueError: the name is unknown, or this machine has no such device.

    Example:
        >>> choose_device("cpu")
        'cpu'
    """
    kind, _, number = device.partition(":")
    if kind not in CHOICES or (number and (kind != "cuda" or not number.isdecimal())):
        raise ValueError(f"unknown device {device!r}: expected {', '.join(CHOICES)}, or cuda:1")
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if kind == "auto":
        return next(name for name, is_there in available.items() if is_there)
    if not available[kind] or (number and int(number) >= torch.cuda.device_count()):
        raise ValueError(f"device is {device!r}, but torch finds no such device here: use auto or cpu")
    return device


def has_bfloat16(device: str) -> bool:
    """Whether a device multiplies matrices in bfloat16 faster than in float32."""
    if device.startswith("cuda"):
        return torch.cuda.is_bf16_supported()
    if device != "cpu":
        return False
    is_avx512 = torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    return is_avx512 and torch.cpu._is_avx512_bf16_supported()


def choose_dtype(weights_dtype: str = "auto") -> Dtype:
    """Return the number format that a name means, in the form that the libraries take.

    A weight takes 4 bytes as `float32`, 2 as `bfloat16` or `float16`. Most processors (CPUs) compute slowly with the
    short formats; accelerators gain by them.

    Args:
        weights_dtype: `auto` is the format of the model's files.

    Raises:
        ValueError: the name is unknown.

    Example:
        >>> choose_dtype("bfloat16")
        torch.bfloat16
    """
    if weights_dtype not in get_args(WeightsDtype):
        raise ValueError(
            f"unknown weights_dtype {weights_dtype!r}: expected {', '.join(get_args(WeightsDtype))}"
        )
    if weights_dtype == "auto":
        return "auto"
    dtype: torch.dtype = getattr(torch, weights_dtype)
    return dtype


def trained_dtype(weights_dtype: str) -> torch.dtype:
    """Return the number format of weights that are trained: float32, or bfloat16 if it is asked for.

    The steps of the optimiser are too small for float16.
    """
    return torch.bfloat16 if weights_dtype == "bfloat16" else torch.float32


def share_processors() -> None:
    """Let each matrix product of this process take one thread, because several computations run at a time.

    A product of a few rows that is split between threads makes each of them wait for the others in a busy loop. On
    processors that have other work, a question then takes six times as much processor time. `loop_threads` stays.
    """
    loop_threads()
    torch.set_num_threads(1)
    threadpool_limits(1, user_api="blas")


@cache
def loop_threads() -> int:
    """Number of threads for loops that need not wait for each other: those torch had when this was first called."""
    return torch.get_num_threads()
