"""The loss that the trainer calls, and by their names all objectives it can be made of.

Each objective takes a `TokenBatch` and gives one scalar; a method is a weighted sum of objectives.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any, TypeAlias

import torch
from torch import Tensor

from opticlir.lab.training.discriminator import LanguageDiscriminator
from opticlir.lab.training.mixup import mixed_words
from opticlir.lab.training.perturbation import Losses, Perturbation, Weighed
from opticlir.training.length_runs import encode_in_runs
from opticlir.training.methods import parse_method, reads_english
from opticlir.training.objectives import (
    EnglishSide,
    Objective,
    TokenBatch,
    TransportConfig,
    contrastive,
    contrastive_pooled,
    greedy,
    lancer,
    mse,
    objectives,
    optical,
    retention,
    score_kl,
)
from opticlir.training.processes import laid_together

__all__ = [
    "DistillationLoss",
    "EnglishSide",
    "Objective",
    "Parts",
    "TokenBatch",
    "TransportConfig",
    "contrastive",
    "contrastive_pooled",
    "greedy",
    "lancer",
    "mse",
    "objectives",
    "optical",
    "parse_method",
    "retention",
    "score_kl",
]

Parts: TypeAlias = Mapping[str, tuple[Objective, float]]
"""Objective and weight by name."""


_BESIDE = {
    "teacher_tokens": "teacher",
    "teacher_mask": "teacher_mask",
    "weights": "student_weights",
    "teacher_weights": "teacher_weights",
    "links": "links",
}
"""What comes with the inputs of the foreign side, and as what an objective sees it."""


class DistillationLoss(torch.nn.Module):
    """The loss that sentence-transformers' trainer calls: encode, then weigh the objectives of a method.

    The trainer logs each part of the returned dictionary and minimises their sum. The teacher is no
    part of this module: its tokens come with the batch. The English side goes through the student only
    where an objective asks for it. Of several processes each encodes its share, and the objectives see the
    whole batch.

    Args:
        model: the student.
        parts: objective and weight by name; may be replaced between steps, where a stage ends.
        perturbation: what the student has to bear while it reads the foreign side; None is nothing.
        discriminator: what the student must not show its language to; learns with it. None is nobody.
        n_runs: in which the rows of a batch stand by length (`LengthBuckets`), and are encoded one after the
            other; 1 with a perturbation, which has the shape of the whole batch.
        table: the student's word embeddings, of which a batch may mix some (`WordMixup`); None where none does.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        parts: Parts,
        perturbation: Perturbation | None = None,
        discriminator: LanguageDiscriminator | None = None,
        n_runs: int = 1,
        table: torch.nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.parts = dict(parts)
        self.discriminator = discriminator
        self.share_done = self.share_of_stage = 0.0
        self._perturbation = perturbation
        self._n_runs = n_runs
        self._table = (table,)  # in a tuple: it is a part of the student, not of this module
        self._notes: dict[str, list[Tensor]] = {}

    def forward(
        self,
        features: list[dict[str, Tensor]],
        labels: Tensor | None = None,  # noqa: ARG002 - the trainer hands it to every loss
    ) -> dict[str, Tensor]:
        """Weighted objectives of one batch.

        Args:
            features: of the foreign side, and of the English side where the collator brings it.
            labels: None; the teacher's tokens are among the features.

        Raises:
            FloatingPointError: a part is not finite; the message gives the numbers of the pairs whose
                vectors are at fault, or of all where none is.
        """
        foreign, *others = features
        pairs = laid_together(foreign.pop("pairs"))
        weighed = self._judged(self._weighed(foreign, others))
        for name, value in weighed.losses.items():
            if not torch.isfinite(value):
                found = pairs[_is_damaged(weighed.batch)].tolist() or pairs.tolist()
                raise FloatingPointError(f"the {name} loss is {value.item()} on pairs {found}")
        for name, value in weighed.notes.items():
            self._notes.setdefault(name, []).append(value.detach())
        return weighed.losses

    def take_notes(self) -> dict[str, float]:
        """Means, over the batches since the last call, of what is to be logged but not minimised."""
        means = {name: torch.stack(values).mean().item() for name, values in self._notes.items()}
        self._notes.clear()
        return means

    def _weighed(self, foreign: dict[str, Tensor], others: list[dict[str, Tensor]]) -> Weighed:
        beside = {
            field: laid_together(foreign.pop(name)) for name, field in _BESIDE.items() if name in foreign
        }

        @cache  # whatever the perturbation does to the foreign side
        def english() -> EnglishSide | None:
            is_read = self.discriminator is not None or reads_english(self.parts)
            return self._english(others) if is_read else None

        def read(condition: AbstractContextManager[None]) -> TokenBatch:
            with condition:
                tokens, mask = self._encode(dict(foreign))
            return TokenBatch(
                tokens, mask, english=english(),
                share_done=self.share_done, share_of_stage=self.share_of_stage, **beside,
            )  # fmt: skip

        if self._perturbation is None:
            batch = read(nullcontext())
            return Weighed(batch, self._weigh(batch))
        return self._perturbation(read, self._weigh, foreign["attention_mask"].bool())

    def _judged(self, weighed: Weighed) -> Weighed:
        """Add what the discriminator makes of the tokens as they were read first."""
        english = weighed.batch.english
        if self.discriminator is None or english is None:
            return weighed
        with torch.autocast(english.tokens.device.type, enabled=False):
            verdict = self.discriminator(weighed.batch, english)
        return Weighed(
            weighed.batch,
            {**weighed.losses, "discriminator": verdict.loss},
            {**weighed.notes, "discriminator_accuracy": verdict.accuracy},
        )

    def _weigh(self, batch: TokenBatch) -> Losses:
        """The objectives that the batch has the sides for; a monolingual one has no English beside its own."""
        parts = {
            name: part
            for name, part in self.parts.items()
            if batch.english is not None or not reads_english([name])
        } or self.parts  # where none is left, the objective says what it misses
        with torch.autocast(batch.student.device.type, enabled=False):
            return {name: weight * objective(batch) for name, (objective, weight) in parts.items()}

    def _encode(self, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        tokens, mask = encode_in_runs(self._encode_run, inputs, self._n_runs)
        return laid_together(tokens), laid_together(mask)

    def _encode_run(self, inputs: dict[str, Any]) -> tuple[Tensor, Tensor]:
        with self._mixed(inputs.pop("mixup_pieces", None), inputs.pop("mixup_shares", None)):
            encoded = self.model(inputs, task="query")
        return encoded["token_embeddings"].float(), encoded["attention_mask"].bool()

    def _mixed(self, pieces: Tensor | None, shares: Tensor | None) -> AbstractContextManager[None]:
        (table,) = self._table
        if pieces is None or shares is None:
            return nullcontext()
        if table is None:
            raise ValueError("the batch mixes words, and the loss was given no word embeddings to mix")
        return mixed_words(table, pieces, shares)

    def _english(self, others: list[dict[str, Tensor]]) -> EnglishSide | None:
        if not others:
            return None
        inputs = dict(others[0])
        is_same = laid_together(inputs.pop("is_same"))
        return EnglishSide(*self._encode(inputs), is_same)


def _is_damaged(batch: TokenBatch) -> Tensor:
    """(batch,) bool: a vector of the pair is not finite."""
    sides = [(batch.student, batch.student_mask), (batch.teacher, batch.teacher_mask)]
    if batch.english is not None:
        sides.append((batch.english.tokens, batch.english.mask))
    damaged = [(~torch.isfinite(tokens).all(dim=2) & mask).any(dim=1) for tokens, mask in sides]
    return torch.stack(damaged).any(dim=0)
