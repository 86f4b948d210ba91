"""Adversarial perturbation: a student that says the same of a sentence whose word embeddings are shaken.

A perturbation is one matrix per sentence, added to what the word-embedding table gives for its tokens.
Its size is the L2 norm of the whole matrix, as in Miyato et al. and FreeLB, so that a long sentence is
shaken no harder than a short one. Padding, which the encoder does not attend to, is never shaken.
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
    """Which perturbation of the word embeddings the student has to bear; see docs/training.md."""

    kind: str = setting(
        "none",
        "Adversarial perturbation of the word embeddings: `none`, `fgm` (one step along the gradient), `pgd` "
        "(several), `freelb` (learns from each of several) or `smart` (smoothness of the tokens, whatever the loss).",
    )
    radius: float = setting(
        0.3, "Largest L2 norm of the perturbation of a sentence, in units of the word embeddings.", POSITIVE
    )
    step_size: float = setting(
        0.15, "L2 norm of a step, in the same units; of `pgd`, `freelb` and `smart`.", POSITIVE
    )
    steps: int = setting(
        3, "Steps, each a pass forward and back; for `freelb` the passes it learns from.", AT_LEAST_ONE
    )
    weight: float = setting(
        1.0, "Weight of the perturbed loss (`fgm`, `pgd`), or of the smoothness (`smart`).", POSITIVE
    )

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"perturbation kind is {self.kind!r}: expected {' or '.join(map(repr, KINDS))}")
        check_ranges(self)


class Perturbation:
    """The loss of a batch under perturbations that are looked for by its own gradient.

    The directions are found inside of the loss, by `torch.autograd.grad`: weights see one backward pass,
    whose gradients are those of the published forms. Its memory is that of as many passes as the weights
    learn from: two, or `steps` of `freelb`. What starts at random draws from torch's own state as dropout does,
    which checkpoints hold.

    Args:
        config: kind (not `none`) and sizes.
        table: the student's word embeddings, whose output is shaken.
    """

    def __init__(self, config: PerturbationConfig, table: torch.nn.Module) -> None:
        self._config, self._table = config, table

    def __call__(self, read: Read, weigh: Weigh, mask: Bool[Tensor, "batch tokens"]) -> Weighed:
        """Weigh a batch with what perturbations make of it.

        Args:
            read: encodes the batch.
            weigh: its objectives; their sum is what is climbed (not by `smart`).
            mask: (batch, tokens), True for tokens that the encoder attends to.

        Returns:
            Parts of the loss: of `fgm` and `pgd` the clean ones and `perturbed`; of `smart` the clean ones
            and `smoothness`; of `freelb` the means over its passes, with the sum at the last of them noted
            as `perturbed`.

        Reference:
            fgm: Miyato et al. 2017 (arXiv 1605.07725), equation 5. pgd: Madry et al. 2018 (arXiv 1706.06083),
            from the clean sentence on, since its gradient is needed anyway. freelb: Zhu et al. 2020 (arXiv
            1909.11764), algorithm 1. smart: Jiang et al. 2020 (arXiv 1911.03437), equation 1, without the
            Bregman proximal point, which is a matter of the optimiser.
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
        """Add `shift` to what the table gives while the block runs."""
        handle = self._table.register_forward_hook(lambda _module, _inputs, embeddings: embeddings + shift)
        try:
            yield
        finally:
            handle.remove()

    def _attacked(
        self, read: _ReadAt, weigh: Weigh, mask: Tensor, *, steps: int, step_size: float
    ) -> Weighed:
        """Clean loss, and weight times the loss at the top of the climb."""
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
        """Mean of the losses on the way up, the random start included."""
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
        """Clean loss, and weight times how far the tokens can be made to move."""
        batch = read(None)
        still, takes_part = batch.student.detach(), batch.student_mask
        shift = self._start(mask)  # at 0 the distance has no slope
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
        """FreeLB's: uniform in [-radius, radius] over the root of the numbers it has, .58 of the radius long."""
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
    """Take one step along the gradient, sentence by sentence, and come back into the ball.

    Args:
        shift: where each sentence is.
        uphill: gradient of what is to grow; one of length 0 leads nowhere.
        mask: (batch, tokens), True for tokens that may be shaken.
        step_size: L2 norm of the step of a sentence.
        radius: largest L2 norm of the shift of a sentence.

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
    """1 - cosine of the tokens one by one, mean over the tokens of a sentence and over sentences.

    Half the squared distance of unit vectors: SMART's divergence for regression. It looks at what the search
    looks at, and unlike a divergence of scores within the batch it depends on no other sentence and on no
    temperature. It is computed from the difference, which is exact where both lie close together.

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
    """(batch, 1, 1) L2 norms, never 0."""
    return matrices.norm(dim=(1, 2), keepdim=True).clamp(min=torch.finfo(matrices.dtype).tiny)


def _total(losses: Losses) -> Tensor:
    return torch.stack(list(losses.values())).sum()
