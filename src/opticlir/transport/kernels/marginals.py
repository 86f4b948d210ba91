"""Take a marginal in, and say whether it is one."""

import numpy as np

from opticlir.transport.kernels.compilation import compiled
from opticlir.transport.kernels.lanes import minimum, smallest, splat, total
from opticlir.transport.kernels.memory import load_first, store
from opticlir.transport.kernels.problems import BAD_MARGINAL, NO_MASS, SOLVED

_ZERO = np.float32(0)


@compiled
def copy_marginal(marginal: int, offset: int, size: int, into: int) -> int:
    """Copy, with zeros up to the end of the last block. Returns the status."""
    mass, least, excess = splat(_ZERO), splat(_ZERO), splat(_ZERO)
    for start in range(0, size, 8):
        x = load_first(marginal, offset + start, size - start)
        store(into, start, x)
        mass, least = mass + x, minimum(x, least)
        excess = excess + (x - x)  # NaN for a NaN or an infinity
    if not total(excess) <= 0 or smallest(least) < 0:
        return BAD_MARGINAL
    return SOLVED if total(mass) > 0 else NO_MASS
