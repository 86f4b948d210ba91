"""What the student is asked to do: objectives over student and teacher tokens of a batch of bitext.

Each objective takes a `TokenBatch` and gives one scalar; a method is a weighted sum of objectives.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from opticlir import transport
from opticlir.maxsim import maxsim


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """Both sides of a batch of sentence pairs, row by row translations of each other."""

    student: Float[Tensor, "batch m dim"]
    """Foreign tokens by the student, unit rows; the gradient flows here and nowhere else."""
    student_mask: Bool[Tensor, "batch m"]
    teacher: Float[Tensor, "batch n dim"]
    """English tokens by the teacher, unit rows, no gradient."""
    teacher_mask: Bool[Tensor, "batch n"]


@dataclass(frozen=True, kw_only=True)
class TransportConfig:
    """Which plan aligns the tokens. Sharp plans train better students than blurred ones."""

    solver: str = "proximal"
    """`proximal` (IPOT) or `sinkhorn`."""
    beta: float = 0.5
    """Proximal strength of IPOT, in units of the cost."""
    epsilon: float = 0.03
    """Entropy strength of Sinkhorn, in units of the cost."""
    max_iterations: int = 50
    """Pairs of row and column updates."""

    def __post_init__(self) -> None:
        if self.solver not in ("proximal", "sinkhorn"):
            raise ValueError(f"transport solver is {self.solver!r}: expected 'proximal' or 'sinkhorn'")
        for name in ("beta", "epsilon"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ValueError(f"{name} is {value}: expected a finite number above 0")
        if self.max_iterations < 1:
            raise ValueError(f"max_iterations is {self.max_iterations}: expected at least 1")


_NOBODY = -100  # the class of a pair that is not asked for

Objective: TypeAlias = Callable[[TokenBatch], Float[Tensor, ""]]


def optical(batch: TokenBatch, config: TransportConfig) -> Float[Tensor, ""]:
    """Transport cost between the two bags of tokens: <P, C> with P the optimal plan, mean over pairs.

    Args:
        batch: tokens of both sides.
        config: the solver of the plan.

    Gradient:
        Through the cost C = 1 - cosine; the plan P is detached (envelope theorem).

    Reference:
        Huang, Yu and Allan 2023 (arXiv 2301.12566), the Frobenius product of plan and cost.
    """
    cost = transport.cosine_cost(batch.student, batch.teacher)
    source, target = transport.uniform(batch.student_mask), transport.uniform(batch.teacher_mask)
    with torch.no_grad():
        if config.solver == "sinkhorn":
            plan = transport.sinkhorn(
                cost.detach(), source, target, epsilon=config.epsilon, max_iterations=config.max_iterations
            ).plan
        else:
            plan = transport.proximal_point(
                cost.detach(), source, target, beta=config.beta, max_iterations=config.max_iterations
            ).plan
    return (plan * cost).sum(dim=(1, 2)).mean()


def contrastive(batch: TokenBatch, temperature: float) -> Float[Tensor, ""]:
    """Each foreign side must find its own English side among those of the batch, by MaxSim per query token.

    A pair of which a side has no tokens asks nothing and is found by nobody.

    Args:
        batch: tokens of both sides.
        temperature: of the softmax over the batch, > 0.

    Gradient:
        Through the student's tokens.

    Reference:
        Khattab and Zaharia 2020 (arXiv 2004.12832) for MaxSim; van den Oord et al. 2018 (arXiv 1807.03748)
        for the loss.
    """
    scores = maxsim(batch.student, batch.student_mask, batch.teacher, batch.teacher_mask)
    per_token = scores / batch.student_mask.sum(dim=1, keepdim=True).clamp(min=1)
    findable = batch.teacher_mask.any(dim=1)
    logits = (per_token / temperature).masked_fill(~findable, torch.finfo(per_token.dtype).min)
    asked = batch.student_mask.any(dim=1) & findable
    own = torch.arange(len(logits), device=logits.device).masked_fill(~asked, _NOBODY)
    return F.cross_entropy(logits, own, ignore_index=_NOBODY, reduction="sum") / asked.sum().clamp(min=1)


METHODS: Mapping[str, Mapping[str, float]] = {
    "optical": {"optical": 1.0},
    "contrastive": {"contrastive": 1.0},
    "optical+contrastive": {"optical": 1.0, "contrastive": 1.0},
}
"""What `--method` accepts: the weight of each objective. `optical` is the published form."""


def objectives(transport_config: TransportConfig, temperature: float) -> dict[str, Objective]:
    """The objectives by name, their settings filled in."""
    return {
        "optical": lambda batch: optical(batch, transport_config),
        "contrastive": lambda batch: contrastive(batch, temperature),
    }


class DistillationLoss(torch.nn.Module):
    """The loss that sentence-transformers' trainer calls: encode, then weigh the objectives of a method.

    The trainer logs each part of the returned dictionary and minimises their sum. The teacher is no
    part of this module: its tokens come with the batch.

    Args:
        model: the student.
        parts: objective and weight by name.
    """

    def __init__(self, model: torch.nn.Module, parts: Mapping[str, tuple[Objective, float]]) -> None:
        super().__init__()
        self.model = model
        self.parts = dict(parts)

    def forward(
        self,
        features: list[dict[str, Tensor]],
        labels: Tensor | None = None,  # noqa: ARG002 - the trainer hands it to every loss
    ) -> dict[str, Tensor]:
        """Weighted objectives of one batch.

        Raises:
            FloatingPointError: a part is not finite; the message gives the numbers of the pairs.
        """
        (inputs,) = features
        teacher, teacher_mask, pairs = (
            inputs.pop(name) for name in ("teacher_tokens", "teacher_mask", "pairs")
        )
        encoded = self.model(inputs, task="query")
        with torch.autocast(teacher.device.type, enabled=False):
            batch = TokenBatch(
                encoded["token_embeddings"].float(), encoded["attention_mask"].bool(), teacher, teacher_mask
            )
            losses = {name: weight * objective(batch) for name, (objective, weight) in self.parts.items()}
        for name, value in losses.items():
            if not torch.isfinite(value):
                raise FloatingPointError(f"the {name} loss is {value.item()} on pairs {pairs.tolist()}")
        return losses
