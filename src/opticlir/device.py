"""Which processor or accelerator computes: decided here, once, for training, indexing and search."""

import torch

CHOICES = ("auto", "cpu", "cuda", "mps")


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
