"""Random numbers of a training: seeded, and separate from those of the caller."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def seeded(seed: int, device: str) -> Iterator[None]:
    """Seed torch while the block runs, and restore the caller's random states after it.

    Args:
        seed: of torch; the trainer seeds Python and NumPy with it too.
        device: its generator is used in addition to that of the CPU.
    """
    states = random.getstate(), np.random.get_state()  # noqa: NPY002 - the trainer seeds this one
    devices = [torch.device(device)] if device.startswith("cuda") else []
    try:
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(seed)
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
