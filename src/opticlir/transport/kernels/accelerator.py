"""Hand torch tensors on an accelerator to the Triton kernel. Imported only where Triton is.

Not measured: written without an accelerator at hand, held by Triton's interpreter and compiler.
"""

import torch
from torch import Tensor

from opticlir.transport.kernels.launch import problem_layout
from opticlir.transport.kernels.slot import Settings, Solution
from opticlir.transport.kernels.triton_scaling import scale_problem
from opticlir.transport.ragged import RaggedCost

LARGEST_TILE = 128 * 256
"""Matrix entries of the largest problem whose matrix fits the registers of one program."""

_SMALLEST_SIDE = 8


def scale(
    cost: Tensor | RaggedCost,
    source_marginal: Tensor,
    target_marginal: Tensor,
    start: Tensor | None,
    settings: Settings,
) -> Solution:
    """Run the scaling kernel, one launch for each size of tile. Shapes have been checked."""
    values = cost.values if isinstance(cost, RaggedCost) else cost
    layout = torch.from_numpy(problem_layout(cost))
    given, source, target = (
        tensor.detach().to(values.device, torch.float32).contiguous()
        for tensor in (values, source_marginal, target_marginal)
    )
    initial = target if start is None else start.detach().to(target).contiguous()
    solution = Solution(
        torch.empty_like(given),
        torch.empty_like(source),
        torch.empty_like(target),
        torch.empty(len(layout), 4, device=values.device),
        torch.empty(len(layout), 2, dtype=torch.int64, device=values.device),
    )
    places = layout.to(values.device)
    for (rows, columns), numbers in _by_tile(layout).items():
        scale_problem[(len(numbers),)](
            given,
            source,
            target,
            initial,
            places,
            numbers.to(values.device),
            *solution,
            settings.epsilon,
            settings.epsilon_start,
            settings.decay,
            settings.tolerance,
            settings.max_iterations,
            settings.power,
            IS_PROXIMAL=bool(settings.is_proximal),
            IS_SOFT=settings.power < 1,
            IS_WARM=start is not None,
            M=rows,
            N=columns,
            num_warps=max(1, min(16, rows * columns // 1024)),
        )
    return solution


def fits(cost: Tensor | RaggedCost) -> bool:
    """Whether every problem fits one program."""
    sides = (cost.n_source, cost.n_target) if isinstance(cost, RaggedCost) else cost.shape[1:]
    m, n = (int(side.max()) if isinstance(side, Tensor) and len(side) else int(side) for side in sides)
    return _side(m) * _side(n) <= LARGEST_TILE


def _by_tile(layout: Tensor) -> dict[tuple[int, int], Tensor]:
    """Numbers of the problems that share a tile, by its rows and columns."""
    sides, tile_of = torch.unique(_sides(layout[:, :2]), dim=0, return_inverse=True)
    return {
        (int(rows), int(columns)): (tile_of == tile).nonzero().flatten()
        for tile, (rows, columns) in enumerate(sides.tolist())
    }


def _sides(sizes: Tensor) -> Tensor:
    """The next powers of 2."""
    return 2 ** sizes.clamp_min(_SMALLEST_SIDE).double().log2().ceil().long()


def _side(size: int) -> int:
    return int(_sides(torch.tensor([size])))
