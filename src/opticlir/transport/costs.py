"""Cost matrices between two bags of tokens."""

import torch
from jaxtyping import Float
from torch import Tensor


def cosine_cost(
    source: Float[Tensor, "batch m dim"], target: Float[Tensor, "batch n dim"]
) -> Float[Tensor, "batch m n"]:
    """Cost of matching each source token with each target token, as one minus their cosine.

    Args:
        source: (batch, m, dim) float tensor of unit rows; padding rows may have any finite values.
        target: (batch, n, dim) float tensor of unit rows.

    Returns:
        (batch, m, n) tensor in [0, 2], float32 or wider, on the device of `source`.

    Raises:
        ValueError: batch or dim of the two differ.

    Gradient:
        Flows to both arguments; an entry that rounding has pushed out of [0, 2] passes none.

    Example:
        >>> axes = torch.eye(2)[None]
        >>> cosine_cost(axes, axes).tolist()
        [[[0.0, 1.0], [1.0, 0.0]]]
    """
    if source.shape[0] != target.shape[0] or source.shape[2] != target.shape[2]:
        raise ValueError(
            f"source is {tuple(source.shape)} but target is {tuple(target.shape)}: "
            "expected the same batch (first) and dim (last)"
        )
    with torch.autocast(source.device.type, enabled=False):
        return (1 - torch.bmm(_at_least_float32(source), _at_least_float32(target).mT)).clamp(0, 2)


def _at_least_float32(tokens: Tensor) -> Tensor:
    return tokens if tokens.dtype == torch.float64 else tokens.float()
