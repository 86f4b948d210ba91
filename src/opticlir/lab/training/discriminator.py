"""Adversarial language invariance: trains a student whose vectors do not show their language.

A language discriminator is a small network that learns to distinguish the student's foreign vectors from its English
ones. Its gradient reaches the student with the opposite sign, so the student learns to hide the language (Ganin and
Lempitsky 2015). The network is trained with the student, and deleted with the checkpoints.
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
    """How the discriminator is trained; see docs/lab-training.md."""

    weight: float = setting(
        0.0,
        "Largest weight of the reversed gradient in the student; 0 trains without a discriminator.",
        NOT_NEGATIVE,
    )
    level: str = setting(
        "token", "What the discriminator classifies: each `token`, or the mean of each sentence (`pooled`)."
    )
    hidden: int = setting(256, "Units of the hidden layer of the discriminator.", AT_LEAST_ONE)
    ramp: float = setting(
        10.0,
        "How fast the weight rises: weight x (2 / (1 + exp(-ramp x share of the steps done)) - 1).",
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
    """Cross-entropy in nats, mean of both languages; log 2 if they cannot be distinguished."""
    accuracy: Float[Tensor, ""]
    """Share of right answers, mean of both languages; .5 is chance."""


class LanguageDiscriminator(ExtraTerm):
    """Distinguishes the student's foreign vectors from its English ones, and reverses its gradient.

    There are two classes even if one student reads several foreign languages. All of them should be close to English,
    the language of the index; then they are close to each other too. Both classes have the same weight, whatever their
    number of tokens. Vectors are scaled to numbers of about 1 before the first layer.

    The discriminator minimises the plain cross-entropy; the student gets its gradient times `-strength`. So `weight`
    does not slow down the discriminator, and it learns already while the ramp is 0. Each of several processes
    classifies the whole batch, so that all have the same weights.

    Args:
        config: sizes and weight.
        dim: length of the vectors.
        seed: seed of the first weights; other random draws do not change.

    Reference:
        Ganin and Lempitsky 2015 (arXiv 1409.7495), equations 4 to 9; the ramp is from their section 4.
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
        """Return the cross-entropy of a batch, and the accuracy for the log."""
        english = batch.get(EnglishSide)
        if english is None:
            raise ValueError("the discriminator needs the English side as the student reads it")
        verdict = self.judge(batch, english)
        return verdict.loss, {"discriminator_accuracy": verdict.accuracy}

    def judge(self, batch: TokenBatch, english: EnglishSide) -> Verdict:
        """Classify both sides of a batch.

        Args:
            batch: the foreign side as the student reads it. `share_done` decides the position on the ramp.
            english: the English side as the student reads it.

        Gradient:
            To the weights; with the opposite sign to the student's tokens of both sides.
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
    """Return a number that rises from 0 to almost 1 over the training: 2 / (1 + exp(-ramp share)) - 1.

    Example:
        >>> [round(ramped(10.0, share), 3) for share in (0.0, 0.1, 0.5, 1.0)]
        [0.0, 0.462, 0.987, 1.0]
    """
    return math.tanh(ramp * share / 2)


def reversed_gradient(vectors: Float[Tensor, "*shape"], strength: float) -> Float[Tensor, "*shape"]:
    """Return the same vectors. Their gradient is multiplied by `-strength`.

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
