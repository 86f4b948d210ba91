"""The settings of a training; `opticlir train --config` reads the same names from TOML."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from opticlir.device import CHOICES, WeightsDtype
from opticlir.encoder import AdapterConfig, VocabularyConfig
from opticlir.errors import DataError
from opticlir.settings import (
    FRACTION,
    NOT_NEGATIVE,
    POSITIVE,
    Range,
    check_ranges,
    setting,
    settings_from,
)
from opticlir.training.methods import Stage, parse_stages
from opticlir.training.objectives import OBJECTIVES, TransportConfig
from opticlir.training.objectives.catalogue import SCORE_TEMPERATURE
from opticlir.training.optimisations import Optimisations

LABORATORY = (
    "stages", "words", "adapters", "perturbation", "discriminator", "code_switching", "monolingual", "levers",
    "optimisations", "score_temperature", "both_directions", "dropout", "warmup",
)  # fmt: skip
"""Settings that only `opticlir lab train` and studies read."""
_LABORATORY_TRANSPORT = ("marginals", "marginal_penalty", "guide", "guide_weight", "shuffle")

_SEED = Range(f"a number below {2**32}", lambda value: value < 2**32)


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How a student is distilled. The defaults are those of `opticlir train`."""

    known_objectives: ClassVar[tuple[str, ...]] = OBJECTIVES
    """Names that a method may have."""

    language: str = setting(
        help="Query language, as an ISO 639-3 code. Several for one student are joined by plus signs: `hau+yor`."
    )
    language_balance: float = setting(
        0.5,
        "With several languages, the share of each is its number of pairs to this power: 1 keeps the shares, 0 makes "
        "them equal.",
        FRACTION,
    )
    teacher: str = setting(
        "minilm",
        "English encoder of the documents: `minilm`, `e5`, a folder or a hub name; `minilm:4` is its first four "
        "layers.",
    )
    teacher_vectors: Literal["float16", "int8", "none"] = setting(
        "float16",
        "How the cache stores the teacher's vectors: `int8` takes half the disk space; `none` stores nothing and runs "
        "the teacher at each step.",
    )
    student: str | None = setting(None, "Encoder that the student starts from; by default the teacher.")
    vocabulary: Literal["extend", "keep"] = setting(
        "extend", "Whether to add the foreign words of the bitext to the student's vocabulary."
    )
    method: str = setting(
        "optical,contrastive",
        "Training objectives: one, or a weighted sum such as `optical+0.3*score_kl`. Methods separated by commas "
        "follow one another, each for an equal share of the steps. `optical` alone is the published form.",
    )
    transport: TransportConfig = setting(TransportConfig(), "How tokens are aligned.")
    temperature: float = setting(
        0.05, "Softmax temperature of contrastive objectives, on MaxSim per query token.", POSITIVE
    )
    train: Literal["all", "embeddings", "adapters"] = setting(
        "all",
        "Weights to train: all of the student; only its input embeddings; or embeddings and adapters (LoRA), so that "
        "one English encoder serves all languages.",
    )
    minutes: float | None = setting(
        None, "Budget of the training steps on this machine, in minutes. Give only one budget.", POSITIVE
    )
    epochs: float | None = setting(
        None,
        "Budget in passes over the bitext. Without any budget, 4. 0 saves the initialised student.",
        NOT_NEGATIVE,
    )
    steps: int | None = setting(None, "Budget in training steps, the same on every machine.", NOT_NEGATIVE)
    batch_size: int = setting(64, "Sentence pairs per step.", POSITIVE)
    learning_rate: float = setting(3e-4, "Peak learning rate of the encoder.", POSITIVE)
    embedding_learning_rate: float = setting(
        1e-3,
        "Peak learning rate of the input embeddings. It is higher, because rare words are in few steps.",
        POSITIVE,
    )
    seed: int = setting(0, "Seed of the order of the data and of dropout.", NOT_NEGATIVE)
    held_out: int = setting(
        200, "Pairs to evaluate on, which are not trained on: at most 2 % of the bitext.", NOT_NEGATIVE
    )
    checkpoint_steps: int = setting(50, "Steps between checkpoints. Each checkpoint is evaluated.", POSITIVE)
    patience: int | None = setting(
        None,
        "Evaluations without improvement before training stops. The best checkpoint is saved. By default all steps are "
        "taken, and the last is saved.",
        POSITIVE,
    )
    precision: Literal["auto", "float32", "bfloat16"] = setting(
        "auto", "Precision of matrix products in the encoders; `auto` is bfloat16 on devices that support it."
    )
    weights_dtype: WeightsDtype = setting(
        "auto",
        "Number format of the weights of teacher and student: `float32`, `bfloat16`, `float16`, or `auto` for that of "
        "their files. The student is always float32, unless you ask for `bfloat16`: it takes half the memory and "
        "learns less.",
    )
    device: str = setting("auto", "Device to train on: `auto`, `cpu`, `cuda` or `mps`.")

    def __post_init__(self) -> None:
        check_ranges(self)
        if not _SEED.allows(self.seed):
            raise ValueError(f"seed is {self.seed}: expected {_SEED.expected}")
        budgets = [name for name in ("minutes", "epochs", "steps") if getattr(self, name) is not None]
        if len(budgets) > 1:
            raise ValueError(f"give one budget, not {' and '.join(budgets)}")
        if self.device.partition(":")[0] not in CHOICES:
            raise ValueError(f"device is {self.device!r}: expected {' or '.join(map(repr, CHOICES))}")
        parse_stages(self.method, self.known_objectives)

    def held_out_of(self, n_pairs: int) -> int:
        """Return how many of `n_pairs` pairs are held out."""
        return min(self.held_out, n_pairs // 50)

    @property
    def schedule(self) -> tuple[Stage, ...]:
        """The stages that the method names."""
        return parse_stages(self.method, self.known_objectives)

    # fixed here; the laboratory makes a setting of each

    @property
    def words(self) -> VocabularyConfig:
        """How the vocabulary is extended."""
        return VocabularyConfig()

    @property
    def adapters(self) -> AdapterConfig:
        """Low-rank additions to the layers of the encoder, with `train = "adapters"`."""
        return AdapterConfig()

    @property
    def optimisations(self) -> Optimisations:
        """What makes training fast."""
        return Optimisations()

    @property
    def score_temperature(self) -> float:
        """Softmax temperature of `score_kl`."""
        return SCORE_TEMPERATURE

    @property
    def dropout(self) -> float:
        """Dropout in the student. The teacher's vectors have no noise, and short runs need no dropout."""
        return 0.0

    @property
    def warmup(self) -> float:
        """Share of the steps until the peak of the learning rate, which then falls linearly to 0."""
        return 0.1


def make_config(settings: Mapping[str, Any], *, source: str) -> TrainConfig:
    """Check settings and fill in the defaults.

    Args:
        settings: by field name, with a table for `transport`.
        source: their file or command, for messages.

    Raises:
        DataError: a key is unknown (the message has the nearest known one) or belongs to the laboratory; a value has
            the wrong type or is out of range; or settings contradict each other.
    """
    transport = settings.get("transport")
    found = [name for name in settings if name in LABORATORY]
    if isinstance(transport, Mapping):
        found += [f"[transport] {name}" for name in transport if name in _LABORATORY_TRANSPORT]
    if found:
        raise DataError(f"{source}: {found[0]} is a laboratory setting: use `opticlir lab train`")
    return settings_from(TrainConfig, settings, source=source)
