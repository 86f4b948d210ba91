"""Adversarial language invariance: a student whose vectors do not say which language they came from.

A small network learns to tell the student's foreign vectors from its English ones; its gradient reaches
the student with the sign turned round, so that the student learns to give it nothing to go by (Ganin and
Lempitsky 2015). It is trained with the student and deleted with the checkpoints.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from opticlir.lab.training.english_side import EnglishSide
from opticlir.settings import AT_LEAST_ONE, NOT_NEGATIVE, POSITIVE, check_ranges, setting
from opticlir.training.losses import ExtraTerm
from opticlir.training.objectives import TokenBatch, mean_pooled

LEVELS = ("token", "pooled")


@dataclass(frozen=True, kw_only=True)
class DiscriminatorConfig:
    """How the student is kept from showing which language it read; see docs/training.md."""

    weight: float = setting(
        0.0,
        "Weight of the reversed gradient in the student at its peak; 0 is no discriminator.",
        NOT_NEGATIVE,
    )
    level: str = setting(
        "token", "What the discriminator judges: each `token`, or the mean of each sentence (`pooled`)."
    )
    hidden: int = setting(256, "Units of the discriminator's one hidden layer.", AT_LEAST_ONE)
    ramp: float = setting(
        10.0,
        "How soon the weight is reached: weight x (2 / (1 + exp(-ramp x share of the steps done)) - 1).",
        POSITIVE,
    )

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise ValueError(
                f"discriminator level is {self.level!r}: expected {' or '.join(map(repr, LEVELS))}"
            )
        check_ranges(self)


class Verdict(NamedTuple):
    """How well the two languages were distinguished."""

    loss: Float[Tensor, ""]
    """Cross-entropy in nats, mean of both languages; log 2 where nothing tells them apart."""
    accuracy: Float[Tensor, ""]
    """Share of right answers, mean of both languages; .5 is chance."""


class LanguageDiscriminator(ExtraTerm):
    """Tells the student's foreign vectors from its English ones, and turns its gradient round behind itself.

    Two classes also where one student reads several foreign languages: their common place is English, where
    the index is, and languages that are similar to English are similar to each other. Both classes weigh alike,
    however many tokens they have. Vectors are scaled to numbers of about 1 before the first layer.

    The discriminator minimises the plain cross-entropy; the student gets the gradient of it times
    `-strength`. So `weight` does not slow the discriminator down, and it goes on learning while the ramp
    is still at 0. Of several processes each judges the whole batch, so that all have the same one.

    Args:
        config: sizes.
        dim: length of the vectors.
        seed: of its first weights; drawn apart from all other numbers.

    Reference:
        Ganin and Lempitsky 2015 (arXiv 1409.7495), equations 4 to 9; the ramp is that of their section 4.
    """

    def __init__(self, config: DiscriminatorConfig, dim: int, *, seed: int) -> None:
        super().__init__()
        self._config = config
        self._scale = math.sqrt(dim)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.layers = torch.nn.Sequential(
                torch.nn.Linear(dim, config.hidden), torch.nn.ReLU(), torch.nn.Linear(config.hidden, 1)
            )

    needs = frozenset({EnglishSide})

    def forward(self, batch: TokenBatch) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
        """The cross-entropy of a batch, and its accuracy to log."""
        english = batch.get(EnglishSide)
        if english is None:
            raise ValueError("the discriminator needs the English side as the student reads it")
        verdict = self.judge(batch, english)
        return verdict.loss, {"discriminator_accuracy": verdict.accuracy}

    def judge(self, batch: TokenBatch, english: EnglishSide) -> Verdict:
        """Judge a batch.

        Args:
            batch: the foreign side as the student reads it; how much of the training is done says how far the ramp is.
            english: the English side as the student reads it.

        Gradient:
            To the weights as it is, to the student's tokens of both sides reversed.
        """
        strength = self._config.weight * ramped(self._config.ramp, batch.share_done)
        foreign = self._logits(batch.student, batch.student_mask, strength)
        own = self._logits(english.tokens, english.mask, strength)
        loss = (F.softplus(-foreign).mean() + F.softplus(own).mean()) / 2
        with torch.no_grad():
            accuracy = ((foreign > 0).float().mean() + (own <= 0).float().mean()) / 2
        return Verdict(loss, accuracy)

    def _logits(
        self, tokens: Float[Tensor, "batch k dim"], mask: Bool[Tensor, "batch k"], strength: float
    ) -> Tensor:
        vectors = tokens[mask] if self._config.level == "token" else mean_pooled(tokens, mask)
        return self.layers(reversed_gradient(vectors, strength) * self._scale).squeeze(1)


def ramped(ramp: float, share: float) -> float:
    """Rise from 0 towards 1 over the training: 2 / (1 + exp(-ramp share)) - 1.

    Example:
        >>> [round(ramped(10.0, share), 3) for share in (0.0, 0.1, 0.5, 1.0)]
        [0.0, 0.462, 0.987, 1.0]
    """
    return math.tanh(ramp * share / 2)


def reversed_gradient(vectors: Float[Tensor, "*shape"], strength: float) -> Float[Tensor, "*shape"]:
    """The same vectors; the gradient comes back multiplied by `-strength`.

    Example:
        >>> vectors = torch.ones(2, requires_grad=True)
        >>> reversed_gradient(vectors, 0.5).sum().backward()
        >>> vectors.grad.tolist()
        [-0.5, -0.5]
    """
    turned: Tensor = _Reversal.apply(vectors, strength)  # type: ignore[no-untyped-call]
    return turned


class _Reversal(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, vectors: Tensor, strength: float) -> Tensor:
        context.strength = strength
        return vectors.view_as(vectors)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -context.strength * gradient, None
