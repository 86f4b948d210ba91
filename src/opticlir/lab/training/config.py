"""The settings of a training in the laboratory: those of the product, and those that studies vary."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from opticlir.encoder import AdapterConfig, VocabularyConfig
from opticlir.errors import DataError
from opticlir.lab.training.code_switching import CodeSwitchingConfig
from opticlir.lab.training.discriminator import DiscriminatorConfig
from opticlir.lab.training.guided import LabTransportConfig
from opticlir.lab.training.perturbation import PerturbationConfig
from opticlir.settings import FRACTION, POSITIVE, SHARE, setting, settings_from
from opticlir.training.config import TrainConfig
from opticlir.training.methods import Stage, check_stages, objective_names, parse_method, parse_stages
from opticlir.training.objectives import OBJECTIVES
from opticlir.training.objectives.catalogue import SCORE_TEMPERATURE
from opticlir.training.optimisations import Optimisations

READ_ENGLISH = ("retention", "lancer")
"""Objectives for which the student reads the English side too."""

_ALWAYS_ON = ("fused_adamw", "flush_denormals")


@dataclass(frozen=True, kw_only=True)
class LabTrainConfig(TrainConfig):
    """Settings of a training in a study."""

    known_objectives: ClassVar[tuple[str, ...]] = (*OBJECTIVES, "contrastive_pooled", *READ_ENGLISH)

    stages: tuple[Stage, ...] = setting(
        (), "Methods in order, each for its own share of the steps. Give either this or `method`."
    )
    transport: LabTransportConfig = setting(LabTransportConfig(), "How tokens are aligned.")
    words: VocabularyConfig = setting(VocabularyConfig(), "How the vocabulary is extended.")
    adapters: AdapterConfig = setting(
        AdapterConfig(), 'Low-rank additions to the layers of the encoder, with `train = "adapters"`.'
    )
    perturbation: PerturbationConfig = setting(
        PerturbationConfig(), "Adversarial perturbation of the word embeddings, with any method."
    )
    discriminator: DiscriminatorConfig = setting(
        DiscriminatorConfig(),
        "Language discriminator with reversed gradient, with any method.",
    )
    code_switching: CodeSwitchingConfig = setting(
        CodeSwitchingConfig(),
        "English words that replace foreign words of the sentences, or are mixed into them.",
    )
    optimisations: Optimisations = setting(
        Optimisations(), "Ways to train faster without changing the result."
    )
    score_temperature: float = setting(
        SCORE_TEMPERATURE, "Softmax temperature of `score_kl`, for MaxSim per query token.", POSITIVE
    )
    both_directions: bool = setting(
        False, "Whether `contrastive` also finds the foreign side of each English side."
    )
    monolingual: float = setting(
        0.0,
        "Probability that the student reads the English side of a batch instead of the foreign side.",
        FRACTION,
    )
    warmup: float = setting(
        0.1, "Share of the steps before the peak of the learning rate, which then falls linearly to 0.", SHARE
    )
    dropout: float = setting(0.0, "Dropout in the student.", SHARE)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stages:
            check_stages(self.stages)
            for stage in self.stages:
                parse_method(stage.method, self.known_objectives)
        _check_monolingual(self)
        _check_read(self)

    @property
    def schedule(self) -> tuple[Stage, ...]:
        """The stages as given, or else those of the method."""
        return self.stages or parse_stages(self.method, self.known_objectives)

    @property
    def reads_english(self) -> bool:
        """Whether the student also encodes the English side of the bitext."""
        names = objective_names(self.schedule)
        return self.discriminator.weight > 0 or any(name in READ_ENGLISH for name in names)

    @property
    def is_guided(self) -> bool:
        """Whether the word alignment of the bitext guides a plan."""
        return self.transport.guide != "none" and "optical" in objective_names(self.schedule)

    @property
    def mixes_languages(self) -> bool:
        """Whether the student reads English words instead of foreign ones."""
        switching = self.code_switching
        return self.monolingual > 0 or (switching.source != "none" and switching.mixup_alpha is None)


def make_config(settings: Mapping[str, Any], *, source: str) -> LabTrainConfig:
    """Check settings and fill in the defaults.

    Args:
        settings: by field name, with tables for `words`, `transport` and others, and a list of tables for `stages`.
            `levers` is the old name of `optimisations`.
        source: where the settings come from, for messages.

    Raises:
        DataError: an unknown key, with the nearest known one, a value of the wrong type, or settings that
            contradict each other.
    """
    if settings.get("stages") and "method" in settings:
        raise DataError(
            f"{source}: method is {settings['method']!r} but there are stages, "
            "which name their own methods: give one of them"
        )
    return settings_from(LabTrainConfig, _with_new_names(settings, source), source=source)


def _with_new_names(settings: Mapping[str, Any], source: str) -> dict[str, Any]:
    found = dict(settings)
    if "levers" in found:
        if "optimisations" in found:
            raise DataError(f"{source}: levers is the old name of optimisations: give one")
        found["optimisations"] = found.pop("levers")
    if isinstance(table := found.get("optimisations"), Mapping):
        if off := [name for name in _ALWAYS_ON if table.get(name, True) is not True]:
            raise DataError(f"{source}: [optimisations]: {off[0]} is always on now: take it out")
        found["optimisations"] = {name: value for name, value in table.items() if name not in _ALWAYS_ON}
    return found


def _check_read(config: LabTrainConfig) -> None:
    """Refuse settings of objectives that no stage has. Raises ValueError."""
    names, transport = objective_names(config.schedule), config.transport
    for what, is_set, objective in (
        (f"guide is {transport.guide!r}", transport.guide != "none", "optical"),
        (f"marginals are by {transport.marginals}", transport.marginals != "uniform", "optical"),
        (f"shuffle is {transport.shuffle!r}", transport.shuffle != "none", "optical"),
        ("both_directions is true", config.both_directions, "contrastive"),
    ):
        if is_set and objective not in names:
            raise ValueError(f"{what}, which only {objective} uses, but the method has {', '.join(names)}")


def _check_monolingual(config: LabTrainConfig) -> None:
    """Refuse monolingual batches that no objective learns from. Raises ValueError."""
    if config.monolingual == 1:
        if config.discriminator.weight:
            raise ValueError(
                "monolingual is 1: no batch has two languages for the discriminator to distinguish"
            )
        if config.code_switching.source != "none":
            raise ValueError(
                "monolingual is 1: no foreign sentence is read, so code_switching has no words to replace or mix"
            )
        if config.is_guided:
            raise ValueError(
                "monolingual is 1: no foreign sentence is read, so its alignment cannot guide the transport"
            )
    for stage in config.schedule if config.monolingual else ():
        if all(name in READ_ENGLISH for name in stage.weights):
            raise ValueError(
                f"monolingual is {config.monolingual}, but {stage.method} has nothing to learn from a batch in English "
                "alone: add an objective such as optical"
            )
