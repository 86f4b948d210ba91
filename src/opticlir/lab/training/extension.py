"""The extension of training by the laboratory: objectives, batch transforms and adversaries, by the settings."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sentence_transformers import MultiVectorEncoder

from opticlir.data import PairTable, read_dictionary
from opticlir.encoder import transformer_of
from opticlir.errors import DataError
from opticlir.lab.training.code_switching import Lexicon, SwitchedTexts
from opticlir.lab.training.config import LabTrainConfig
from opticlir.lab.training.discriminator import LanguageDiscriminator
from opticlir.lab.training.embedding_dictionary import dictionary_from_embeddings
from opticlir.lab.training.english_side import EnglishInputs, EnglishSide
from opticlir.lab.training.guided import guided_optical
from opticlir.lab.training.lancer import lancer
from opticlir.lab.training.mixed_batches import (
    BothSides,
    MarkLanguage,
    MixedBuckets,
    ReadInEnglish,
    TokensOfBoth,
)
from opticlir.lab.training.mixup import WordMixup
from opticlir.lab.training.perturbation import Perturbation
from opticlir.lab.training.plan_dictionary import dictionary_from_plan
from opticlir.lab.training.pooled import contrastive_pooled
from opticlir.lab.training.retention import retention
from opticlir.lab.training.token_weights import SideWeighting, TokenWeights, weights_of_texts
from opticlir.lab.training.word_guide import WordGuide
from opticlir.training.batches import BatchTransform, LengthBuckets, TextsByRow, n_tokens
from opticlir.training.bitext_batch import BitextBatch
from opticlir.training.config import TrainConfig
from opticlir.training.extension import Extension, LossParts
from opticlir.training.objectives import Objective, PlanCounter, Registry, contrastive
from opticlir.training.optimisations import used_tokens
from opticlir.training.training_data import (
    DataSource,
    TrainingData,
    batching,
    drawn_weights,
    numbered_rows,
    training_data,
)

logger = logging.getLogger(__name__)

_LEVELS = {"token": "token", "pooled": "sentence"}
_SOURCES = {
    "dictionary": "a dictionary",
    "plan": "the transport plan of the initialised student",
    "embeddings": "the word embeddings of the initialised student",
}


class LabExtension(Extension):
    """Adds to a training what the settings of the laboratory ask for.

    Args:
        config: every setting.
    """

    def __init__(self, config: LabTrainConfig) -> None:
        self._config = config

    def input_files(self) -> list[Path]:
        """The dictionary of code-switching."""
        dictionary = self._config.code_switching.dictionary
        return [Path(dictionary)] if dictionary else []

    def objectives(self, config: TrainConfig, counter: PlanCounter) -> Registry:
        """Return the objectives of the product, with the settings of the laboratory, and its own."""
        own, english = self._config, frozenset({EnglishSide})
        return {
            **super().objectives(config, counter),
            "optical": Objective(lambda batch: guided_optical(batch, own.transport, counter)),
            "contrastive": Objective(
                lambda batch: contrastive(batch, own.temperature, both_directions=own.both_directions)
            ),
            "contrastive_pooled": Objective(lambda batch: contrastive_pooled(batch, own.temperature)),
            "retention": Objective(lambda batch: retention(batch, own.transport, counter), english),
            "lancer": Objective(lancer, english),
        }

    def used_tokens(self, student: MultiVectorEncoder, pairs: PairTable) -> npt.NDArray[np.int64] | None:
        """Return the ids of all tokens that the student will read; None with code-switching, which draws words."""
        config = self._config
        if config.code_switching.source != "none":
            return None
        return used_tokens(student, pairs, both_sides=config.reads_english or config.mixes_languages)

    def loss_parts(self, student: MultiVectorEncoder) -> LossParts:
        """Return the adversaries of the settings."""
        config = self._config
        table = transformer_of(student, "query").model.get_input_embeddings()
        perturbation = (
            None if config.perturbation.kind == "none" else Perturbation(config.perturbation, table)
        )
        if not config.discriminator.weight:
            return LossParts(adversary=perturbation)
        discriminator = LanguageDiscriminator(
            config.discriminator, student.get_embedding_dimension(), seed=config.seed
        )
        return LossParts(adversary=perturbation, extra_terms={"discriminator": discriminator})

    def training_data(self, source: DataSource) -> TrainingData:
        """Return rows and batches, with the batch transforms of the settings."""
        config, n_pairs, texts = self._config, len(source.pairs), source.pairs.foreign
        first: list[BatchTransform] = []
        data = training_data(source)
        if config.monolingual:
            data = TrainingData(numbered_rows(2 * n_pairs), data.collator, self._mixed_sampler(source))
            first.append(MarkLanguage(n_pairs))
        read: TextsByRow = texts
        if config.code_switching.source != "none":
            read, mixing = self._switched(source, data.sampler)
            first += mixing
        transforms = [*first, *self._transforms(source)]
        if config.monolingual:
            collator = replace(
                data.collator, texts=BothSides(read, source.pairs.english, n_pairs), transforms=transforms,
                teacher_tokens=TokensOfBoth(source.tokens, n_pairs),
            )  # fmt: skip
        else:
            collator = replace(data.collator, texts=read, transforms=transforms)
        return replace(data, collator=collator)

    def card_lines(self) -> list[str]:
        """Return a line for each adversary, for mixed batches and for code-switching."""
        return card_lines(self._config)

    def _mixed_sampler(self, source: DataSource) -> MixedBuckets:
        """Return the sampler of batches that are cross-lingual or monolingual."""
        pairs, lengths = source.pairs, source.lengths
        english_lengths = n_tokens(transformer_of(source.student, "query").tokenizer, pairs.english)
        has_words = (lengths > 0) & (english_lengths > 0) & (source.tokens.lengths > 0)
        return MixedBuckets(
            lengths, drawn_weights(pairs, has_words), english_lengths=english_lengths,
            monolingual=self._config.monolingual, **batching(self._config),
        )  # fmt: skip

    def _transforms(self, source: DataSource) -> list[BatchTransform]:
        config, foreign, english = self._config, source.pairs.foreign, source.pairs.english
        student, teacher = source.student, source.teacher
        found: list[BatchTransform] = []
        marginals = config.transport.marginals
        if marginals != "uniform":
            read = [*foreign, *english] if config.mixes_languages else foreign
            found.append(
                SideWeighting(
                    TokenWeights(marginals, student, read),
                    weights_of_texts(TokenWeights(marginals, teacher, english), teacher, english),
                )
            )
        if config.is_guided:
            found.append(_across(WordGuide(student, teacher, source.pairs, config.words)))
        if config.reads_english:
            found.append(_across(EnglishInputs(english, student, teacher)))
        return found

    def _switched(
        self, source: DataSource, sampler: LengthBuckets
    ) -> tuple[TextsByRow, list[BatchTransform]]:
        """Return the texts with English words; with mixup, the original texts and the transform that mixes words."""
        config, foreign = self._config, source.pairs.foreign
        lexicon, switching = self._lexicon(source), config.code_switching
        drawn: dict[str, Any] = {"seed": config.seed, "epoch": lambda: sampler.epoch}
        if switching.mixup_alpha is None:
            return SwitchedTexts(foreign, lexicon, rate=switching.rate, **drawn), []
        return foreign, [_across(WordMixup(foreign, lexicon, source.student, switching, **drawn))]

    def _lexicon(self, source: DataSource) -> Lexicon:
        config, pairs = self._config, source.pairs

        def proposed() -> list[tuple[str, str]]:
            if config.code_switching.source == "embeddings":
                found = dictionary_from_embeddings(source.student, pairs)
            else:
                found = dictionary_from_plan(source.student, source.teacher, pairs, config.transport)
            if not found:
                raise DataError(
                    f"code_switching source is {config.code_switching.source!r}, which found no English word for any "
                    "foreign word of the bitext: give a dictionary, or train without code_switching"
                )
            return found

        given = config.code_switching.dictionary
        path = Path(given) if given is not None else source.run.dictionary(proposed)
        tokenizer = transformer_of(source.student, "query").tokenizer.backend_tokenizer
        lexicon = Lexicon(read_dictionary(path), tokenizer)
        if not lexicon.knows_any(pairs.foreign):
            raise DataError(
                f"{path}: none of its foreign words is in the bitext: expected ENGLISH<TAB>FOREIGN, the foreign side "
                f"in {config.language}"
            )
        logger.info("%d foreign words and phrases have an English word", len(lexicon))
        return lexicon


def card_lines(config: LabTrainConfig) -> list[str]:
    """Describe what else the student was trained with, a line each.

    Example:
        >>> card_lines(LabTrainConfig(language="swa", monolingual=0.25))
        ['mixed batches: 25 % of them in English only']
    """
    found = []
    if (perturbation := config.perturbation).kind != "none":
        found.append(
            f"adversarial perturbation of the word embeddings: {perturbation.kind}, radius {perturbation.radius:g}"
        )
    if (discriminator := config.discriminator).weight > 0:
        found.append(
            f"language discriminator with reversed gradient: by {_LEVELS[discriminator.level]}, weight "
            f"{discriminator.weight:g}"
        )
    if config.monolingual > 0:
        found.append(f"mixed batches: {100 * config.monolingual:g} % of them in English only")
    if (switching := config.code_switching).source != "none":
        how = (
            "read in English"
            if switching.mixup_alpha is None
            else f"mixed with the English one (mixup, alpha {switching.mixup_alpha:g})"
        )
        found.append(
            f"code-switching: {100 * switching.rate:g} % of the words that have an entry are {how}, by "
            f"{_SOURCES[switching.source]}"
        )
    return found


def _across(transform: BatchTransform) -> BatchTransform:
    """Apply a transform to cross-lingual batches only."""

    def applied(batch: BitextBatch) -> BitextBatch:
        return batch if batch.has(ReadInEnglish) else transform(batch)

    return applied
