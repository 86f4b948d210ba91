"""Transport problems that benchmarks solve, and a plan in float64 to hold the answers against."""

import torch

from opticlir.transport import cosine_cost, uniform

DIM = 128
"""Of the token vectors, as ColBERT has it."""


def aligned_tokens(batch: int, m: int, n: int, *, seed: int = 0) -> torch.Tensor:
    """Cosine costs (batch, m, n) of tokens and noisy copies of them, as a student in training gives."""
    generator = torch.Generator().manual_seed(seed)
    source = torch.randn(batch, m, DIM, generator=generator)
    target = torch.randn(batch, n, DIM, generator=generator)
    shared = min(m, n)
    target[:, :shared] += source[:, :shared]
    unit = torch.nn.functional.normalize
    return cosine_cost(unit(source, dim=2), unit(target, dim=2))


def random_costs(batch: int, n: int, *, seed: int = 0) -> torch.Tensor:
    """Costs (batch, n, n) in [0, 1.2] without any structure: at a small epsilon no plan settles early."""
    return 1.2 * torch.rand(batch, n, n, generator=torch.Generator().manual_seed(seed))


def even(batch: int, tokens: int) -> torch.Tensor:
    """Marginals (batch, tokens) of problems whose tokens all weigh the same."""
    return uniform(torch.ones(batch, tokens, dtype=torch.bool))


def float64_plan(
    cost: torch.Tensor, mass: torch.Tensor, *, epsilon: float, n_iterations: int
) -> torch.Tensor:
    """Sinkhorn's iterations as the textbook has them, in float64, where they need no stabilising."""
    kernel, mass = torch.exp(-cost.double() / epsilon), mass.double()
    u = v = mass
    for _ in range(n_iterations):
        u = mass / (kernel @ v[:, :, None])[..., 0]
        v = mass / (kernel.mT @ u[:, :, None])[..., 0]
    return u[:, :, None] * kernel * v[:, None, :]


def misplaced(plan: torch.Tensor, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """How far the sums of plans (batch, m, n) are off their marginals, in all: (batch,)."""
    return (plan.sum(2) - source).abs().sum(1) + (plan.sum(1) - target).abs().sum(1)
