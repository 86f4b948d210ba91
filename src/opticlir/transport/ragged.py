"""Problems of different sizes, side by side without padding."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class RaggedCost:
    """Cost matrices of different sizes, one after the other, each row by row.

    It stands where a solver takes a padded cost. The marginals are flat then too, those of all problems
    one after the other, and so are the plan and the potentials that come back.

    Example:
        >>> cost = RaggedCost.of([torch.zeros(2, 3), torch.ones(1, 2)])
        >>> cost.values.tolist(), [tuple(matrix.shape) for matrix in cost.split(cost.values)]
        ([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0], [(2, 3), (1, 2)])
    """

    values: Float[Tensor, " entries"]
    n_source: Int[Tensor, " batch"]
    """Rows of each matrix, on the CPU."""

    n_target: Int[Tensor, " batch"]
    """Columns of each matrix, on the CPU."""

    def __post_init__(self) -> None:
        """Refuse sizes that do not add up to the values."""
        if self.n_source.shape != self.n_target.shape:
            raise ValueError(
                f"n_source is {tuple(self.n_source.shape)} but n_target is {tuple(self.n_target.shape)}: "
                "expected one size of each for every problem"
            )
        wanted = int((self.n_source * self.n_target).sum())
        if self.values.shape != (wanted,):
            raise ValueError(
                f"values is {tuple(self.values.shape)} but n_source and n_target ask for ({wanted},)"
            )

    @classmethod
    def of(cls, matrices: Sequence[Float[Tensor, "_m _n"]]) -> "RaggedCost":
        """Lay matrices one after the other."""
        return cls(
            torch.cat([matrix.reshape(-1) for matrix in matrices]),
            torch.tensor([matrix.shape[0] for matrix in matrices]),
            torch.tensor([matrix.shape[1] for matrix in matrices]),
        )

    def split(self, flat: Float[Tensor, " entries"]) -> list[Tensor]:
        """Matrices of the sizes of these out of values laid out like them: a plan, say."""
        sizes = (self.n_source * self.n_target).tolist()
        shapes = zip(self.n_source.tolist(), self.n_target.tolist(), strict=True)
        return [part.reshape(shape) for part, shape in zip(torch.split(flat, sizes), shapes, strict=True)]

    def sums(self, flat: Float[Tensor, " entries"]) -> tuple[Tensor, Tensor]:
        """Sums over the rows and over the columns of matrices laid out like these, flat like marginals."""
        padded = pad(flat, self.mask)
        return padded.sum(2)[self.source_mask], padded.sum(1)[self.target_mask]

    @property
    def source_mask(self) -> Bool[Tensor, "batch m"]:
        """Which rows of the padded form are there."""
        return _mask(self.n_source).to(self.values.device)

    @property
    def target_mask(self) -> Bool[Tensor, "batch n"]:
        """Which columns of the padded form are there."""
        return _mask(self.n_target).to(self.values.device)

    @property
    def mask(self) -> Bool[Tensor, "batch m n"]:
        """Which entries of the padded form are there."""
        return self.source_mask[:, :, None] & self.target_mask[:, None, :]


def pad(flat: Float[Tensor, " entries"], mask: Bool[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
    """Lay flat values out where the mask is True, in order, among zeros. Gradients flow."""
    return flat.new_zeros(mask.shape).masked_scatter(mask, flat)


def segment_sum(flat: Float[Tensor, " tokens"], sizes: Int[Tensor, " batch"]) -> Float[Tensor, " batch"]:
    """Sums of the first `sizes[0]` values, the next `sizes[1]`, and so on. Gradients flow."""
    owner = torch.repeat_interleave(torch.arange(len(sizes)), sizes).to(flat.device)
    return flat.new_zeros(len(sizes)).index_add(0, owner, flat)


def _mask(sizes: Int[Tensor, " batch"]) -> Bool[Tensor, "batch tokens"]:
    longest = int(sizes.max()) if len(sizes) else 0
    return torch.arange(longest) < sizes[:, None]
