"""Adversarial perturbation: trains a student whose output hardly changes when its word embeddings change.

A perturbation is one matrix per sentence, which is added to the word embeddings of its tokens. Its size is the L2 norm
of the whole matrix, as in Miyato et al. and FreeLB, so it does not grow with the length of the sentence. Padding is
never perturbed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TypeAlias

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from opticlir.settings import AT_LEAST_ONE, POSITIVE, check_ranges, setting
from opticlir.training.losses import Losses, Read, Weigh, Weighed
from opticlir.training.objectives import TokenBatch

KINDS = ("none", "fgm", "pgd", "freelb", "smart")

_ReadAt: TypeAlias = Callable[[Tensor | None], TokenBatch]


@dataclass(frozen=True, kw_only=True)
class PerturbationConfig:
    """Perturbation of the student's word embeddings; see docs/lab-training.md."""

    kind: str = setting(
        "none",
        "Adversarial perturbation of the word embeddings: `none`, `fgm` (one step along the gradient), `pgd` "
        "(several), `freelb` (learns from each of several) or `smart` (smoothness of the tokens, for any loss).",
    )
    radius: float = setting(
        0.3, "Largest L2 norm of the perturbation of a sentence, in units of the word embeddings.", POSITIVE
    )
    step_size: float = setting(
        0.15, "L2 norm of a step, in the same units; for `pgd`, `freelb` and `smart`.", POSITIVE
    )
    steps: int = setting(
        3, "Steps, each a forward and a backward pass; for `freelb`, the passes it learns from.", AT_LEAST_ONE
    )
    weight: float = setting(
        1.0, "Weight of the perturbed loss (`fgm`, `pgd`) or of the smoothness (`smart`).", POSITIVE
    )

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"perturbation kind is {self.kind!r}: expected {' or '.join(map(repr, KINDS))}")
        check_ranges(self)


class Perturbation:
    """The loss of a batch under perturbations that its own gradient finds.

    `torch.autograd.grad` finds the directions inside the loss. So the weights see one backward pass, with the same
    gradients as in the papers. Memory is that of the passes that the weights learn from: two, or `steps` for
    `freelb`. Random starts draw from torch's global state, as dropout does; checkpoints contain it.

    Args:
        config: kind (not `none`) and sizes.
        table: the student's word embeddings; their output is perturbed.
    """

    def __init__(self, config: PerturbationConfig, table: torch.nn.Module) -> None:
        self._config, self._table = config, table

    def __call__(self, read: Read, weigh: Weigh, mask: Bool[Tensor, "batch tokens"]) -> Weighed:
        """Compute the losses of a batch with perturbations.

        Args:
            read: encodes the batch.
            weigh: its objectives. Perturbations increase their sum (except for `smart`).
            mask: (batch, tokens), True for tokens that the encoder attends to.

        Returns:
            Terms of the loss. `fgm` and `pgd`: the clean terms and `perturbed`. `smart`: the clean terms and
            `smoothness`. `freelb`: means over its passes; the sum of the last pass is noted as `perturbed`.

        Reference:
            fgm: Miyato et al. 2017 (arXiv 1605.07725), equation 5. pgd: Madry et al. 2018 (arXiv 1706.06083),
            starting from the clean sentence, since its gradient is needed anyway. freelb: Zhu et al. 2020 (arXiv
            1909.11764), algorithm 1. smart: Jiang et al. 2020 (arXiv 1911.03437), equation 1, without the
            Bregman proximal point, which belongs to the optimiser.
        """

        def read_at(shift: Tensor | None) -> TokenBatch:
            return read(nullcontext() if shift is None else self._added(shift))

        config = self._config
        match config.kind:
            case "fgm":
                return self._attacked(read_at, weigh, mask, steps=1, step_size=config.radius)
            case "pgd":
                return self._attacked(read_at, weigh, mask, steps=config.steps, step_size=config.step_size)
            case "freelb":
                return self._averaged(read_at, weigh, mask)
            case _:
                return self._smooth(read_at, weigh, mask)

    @contextmanager
    def _added(self, shift: Tensor) -> Iterator[None]:
        """Add `shift` to the output of the table while the block runs."""
        handle = self._table.register_forward_hook(lambda _module, _inputs, embeddings: embeddings + shift)
        try:
            yield
        finally:
            handle.remove()

    def _attacked(
        self, read: _ReadAt, weigh: Weigh, mask: Tensor, *, steps: int, step_size: float
    ) -> Weighed:
        """Return the clean loss, and weight times the loss after the last step."""
        shift = self._zero(mask).requires_grad_()
        batch = read(shift)
        losses = weigh(batch)
        (uphill,) = torch.autograd.grad(_total(losses), shift, retain_graph=True)
        shift = climbed(shift, uphill, mask, step_size=step_size, radius=self._config.radius)
        for _ in range(steps - 1):
            (uphill,) = torch.autograd.grad(_total(weigh(read(shift.requires_grad_()))), shift)
            shift = climbed(shift, uphill, mask, step_size=step_size, radius=self._config.radius)
        perturbed = _total(weigh(read(shift)))
        return Weighed(batch, {**losses, "perturbed": self._config.weight * perturbed})

    def _averaged(self, read: _ReadAt, weigh: Weigh, mask: Tensor) -> Weighed:
        """Return the mean of the losses after each step, the random start included."""
        steps, step_size = self._config.steps, self._config.step_size
        shift = self._start(mask).requires_grad_()
        batch = read(shift)
        passes = [weigh(batch)]
        while len(passes) < steps:
            (uphill,) = torch.autograd.grad(_total(passes[-1]), shift, retain_graph=True)
            shift = climbed(shift, uphill, mask, step_size=step_size, radius=self._config.radius)
            passes.append(weigh(read(shift.requires_grad_())))
        means = {name: torch.stack([losses[name] for losses in passes]).mean() for name in passes[0]}
        return Weighed(batch, means, {"perturbed": _total(passes[-1]).detach()})

    def _smooth(self, read: _ReadAt, weigh: Weigh, mask: Tensor) -> Weighed:
        """Return the clean loss, and weight times the distance that a perturbation moves the tokens."""
        batch = read(None)
        still, takes_part = batch.student.detach(), batch.student_mask
        shift = self._start(mask)  # at 0 the gradient of the distance is 0
        for _ in range(self._config.steps):
            moved = read(shift.requires_grad_()).student
            (uphill,) = torch.autograd.grad(token_distance(moved, still, takes_part), shift)
            shift = climbed(shift, uphill, mask, step_size=self._config.step_size, radius=self._config.radius)
        smoothness = token_distance(read(shift).student, batch.student, takes_part)
        return Weighed(batch, {**weigh(batch), "smoothness": self._config.weight * smoothness})

    def _zero(self, mask: Tensor) -> Tensor:
        table = next(self._table.parameters())
        return torch.zeros(*mask.shape, table.shape[1], dtype=table.dtype, device=table.device)

    def _start(self, mask: Tensor) -> Tensor:
        """Return FreeLB's start: uniform in [-radius, radius] divided by the root of the number of entries.

        Its norm is about .58 of the radius.
        """
        shift = torch.empty_like(self._zero(mask)).uniform_(-self._config.radius, self._config.radius)
        n_numbers = mask.sum(dim=1)[:, None, None] * shift.shape[2]
        return (shift / n_numbers.clamp(min=1).sqrt()).masked_fill(~mask[:, :, None], 0.0)


def climbed(
    shift: Float[Tensor, "batch tokens width"],
    uphill: Float[Tensor, "batch tokens width"],
    mask: Bool[Tensor, "batch tokens"],
    *,
    step_size: float,
    radius: float,
) -> Float[Tensor, "batch tokens width"]:
    """Take one step along the gradient, sentence by sentence, and project back into the ball.

    Args:
        shift: perturbation of each sentence so far.
        uphill: gradient of the loss to increase; a gradient of 0 changes nothing.
        mask: (batch, tokens), True for tokens that may be perturbed.
        step_size: L2 norm of the step of a sentence.
        radius: largest L2 norm of the perturbation of a sentence.

    Returns:
        (batch, tokens, width) tensor, detached.

    Example:
        >>> uphill, mask = torch.tensor([[[3.0, 4.0]]]), torch.ones(1, 1).bool()
        >>> climbed(torch.zeros(1, 1, 2), uphill, mask, step_size=10.0, radius=5.0).round(decimals=4).tolist()
        [[[3.0, 4.0]]]
    """
    uphill = uphill.detach().masked_fill(~mask[:, :, None], 0.0)
    reached = shift.detach() + step_size * uphill / _norms(uphill)
    return reached * (radius / _norms(reached)).clamp(max=1.0)


def token_distance(
    tokens: Float[Tensor, "batch m dim"],
    others: Float[Tensor, "batch m dim"],
    mask: Bool[Tensor, "batch m"],
) -> Float[Tensor, ""]:
    """Return 1 - cosine of each token and its partner, mean over the tokens of a sentence and over sentences.

    This is half the squared distance of unit vectors: SMART's divergence for regression. Search uses the same cosines.
    Unlike a divergence of scores within the batch, it depends on no other sentence and no temperature. It is computed
    from the difference, which is accurate if both vectors are close.

    Gradient:
        Through both sides.

    Example:
        >>> axes = torch.eye(2)[None]
        >>> token_distance(axes, axes.flip(1), torch.tensor([[True, True]])).item()
        1.0
    """
    apart = torch.nn.functional.normalize(tokens, dim=2) - torch.nn.functional.normalize(others, dim=2)
    squared = apart.square().sum(dim=2).masked_fill(~mask, 0.0)
    return (squared.sum(dim=1) / (2 * mask.sum(dim=1).clamp(min=1))).mean()


def _norms(matrices: Tensor) -> Tensor:
    """Return (batch, 1, 1) L2 norms, never 0."""
    return matrices.norm(dim=(1, 2), keepdim=True).clamp(min=torch.finfo(matrices.dtype).tiny)


def _total(losses: Losses) -> Tensor:
    return torch.stack(list(losses.values())).sum()
