"""Every setting of a training run, in one place; `train.toml` holds the same names."""

import math
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from opticlir.encoder import AdapterConfig, VocabularyConfig
from opticlir.errors import DataError
from opticlir.lab.training.code_switching import CodeSwitchingConfig
from opticlir.lab.training.discriminator import DiscriminatorConfig
from opticlir.lab.training.perturbation import PerturbationConfig
from opticlir.training.levers import LeverConfig
from opticlir.training.methods import (
    Stage,
    check_stages,
    nearest,
    objective_names,
    parse_stages,
    reads_english,
)
from opticlir.training.objectives import TransportConfig


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How a student is distilled. The defaults are what `opticlir train` does."""

    language: str
    """ISO 639-3 code of the query language; of several for one student, joined by plus signs: `hau+yor`."""
    language_balance: float = 0.5
    """Of several languages: their shares go with their numbers of pairs to this power; 1 leaves them as they
    are, 0 makes them equal."""
    teacher: str = "minilm"
    """English encoder whose document index is to be searched: `minilm`, a folder or a hub name; `minilm:4` is its first
    four layers."""
    teacher_vectors: Literal["float16", "int8", "none"] = "float16"
    """How the cache keeps its vectors: `int8`, with a scale per token, takes half the disk, `none` takes none and
    runs the teacher at each step."""
    student: str | None = None
    """Encoder the student starts from; None is the teacher itself."""
    vocabulary: Literal["extend", "keep"] = "extend"
    """Whether the student's vocabulary gains the foreign words of the bitext."""
    words: VocabularyConfig = field(default_factory=VocabularyConfig)
    """How it is extended."""
    method: str = "optical,contrastive"
    """Which objectives are minimised: one, or a weighted sum as `optical+0.3*score_kl`; methods between commas
    take turns, each for an equal share of the steps. `optical` alone is the published form."""
    stages: tuple[Stage, ...] = ()
    """Methods one after the other, each for its own share of the steps; exclusive with `method`."""
    transport: TransportConfig = field(default_factory=TransportConfig)
    """Which plan aligns the tokens."""
    perturbation: PerturbationConfig = field(default_factory=PerturbationConfig)
    """Adversarial perturbation of the student's word embeddings, beside any method."""
    discriminator: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)
    """Adversary that tells the student's foreign vectors from its English ones, beside any method."""
    temperature: float = 0.05
    """Of contrastive objectives, on MaxSim per query token or on the cosine of pooled vectors."""
    score_temperature: float = 0.1
    """Of `score_kl`, on MaxSim per query token; at .05 the teacher says hardly more than `contrastive`."""
    both_directions: bool = False
    """Whether `contrastive` also asks each English side to find its foreign one."""
    code_switching: CodeSwitchingConfig = field(default_factory=CodeSwitchingConfig)
    """English words in the foreign sentences that the student reads, or mixed into theirs."""
    monolingual: float = 0.0
    """Probability that the student reads the English sides of a batch instead of the foreign ones."""
    train: Literal["all", "embeddings", "adapters"] = "all"
    """Everything; the input embeddings alone; or those and adapters, so that one English encoder serves all
    languages."""
    adapters: AdapterConfig = field(default_factory=AdapterConfig)
    """Low-rank additions to the layers of the encoder, with `train = "adapters"`."""
    minutes: float | None = None
    """Time budget of the training steps, on this machine; exclusive with `epochs` and `steps`."""
    epochs: float | None = None
    """Passes over the bitext; without any budget it is 4. 0 gives the initialised student."""
    steps: int | None = None
    """Budget in training steps, the same on every machine: for comparisons on equal terms."""
    batch_size: int = 64
    """Sentence pairs per step."""
    learning_rate: float = 3e-4
    """Peak, of the encoder."""
    embedding_learning_rate: float = 1e-3
    """Peak, of the input embeddings: rare words are seen in few steps."""
    warmup: float = 0.1
    """Share of the steps until the peak; the rate then falls linearly to 0."""
    dropout: float = 0.0
    """In the student. The teacher's vectors carry no noise, and short runs need none."""
    seed: int = 0
    """Of data order and dropout."""
    held_out: int = 200
    """Pairs kept out of training to watch it by, at most 2 % of the bitext."""
    checkpoint_steps: int = 50
    """Steps between checkpoints and looks at the held-out pairs."""
    patience: int | None = None
    """Looks without a better one after which training stops; the best checkpoint is what is saved then. None
    takes all steps and saves the last."""
    levers: LeverConfig = field(default_factory=LeverConfig)
    """What makes training fast without changing what is learned."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the encoders' matrix products; `auto` is bfloat16 where the processor multiplies in it."""

    def __post_init__(self) -> None:
        parse_stages(self.method)
        if self.stages:
            check_stages(self.stages)
        budgets = [name for name in ("minutes", "epochs", "steps") if getattr(self, name) is not None]
        if len(budgets) > 1:
            raise DataError(f"give one budget, not {' and '.join(budgets)}")
        _check_monolingual(self)
        _check_read(self)
        for names, fits, expected in _RANGES:
            for name in names:
                value = getattr(self, name)
                if value is not None and not fits(value):
                    raise DataError(f"{name} is {value}: expected {expected}")

    @property
    def schedule(self) -> tuple[Stage, ...]:
        """The stages, or those that the method names."""
        return self.stages or parse_stages(self.method)

    @property
    def read_runs(self) -> int:
        """In how many runs a batch is read. A perturbation has the shape of a whole batch: it is read in one."""
        return (
            self.levers.length_runs if self.perturbation.kind == "none" else min(self.levers.length_runs, 1)
        )

    @property
    def reads_english(self) -> bool:
        """Whether the student encodes the English side of the bitext as well."""
        return self.discriminator.weight > 0 or reads_english(objective_names(self.schedule))

    @property
    def is_guided(self) -> bool:
        """Whether a plan is made that the word alignment of the bitext guides."""
        return self.transport.guide != "none" and "optical" in objective_names(self.schedule)

    @property
    def mixes_languages(self) -> bool:
        """Whether the student reads English words in the place of foreign ones."""
        switching = self.code_switching
        return self.monolingual > 0 or (switching.source != "none" and switching.mixup_alpha is None)


def _check_read(config: TrainConfig) -> None:
    """Refuse settings of objectives that are in no stage. Raises DataError."""
    names = objective_names(config.schedule)
    for what, is_set, objective in (
        (f"guide is {config.transport.guide!r}", config.transport.guide != "none", "optical"),
        (
            f"marginals are by {config.transport.marginals}",
            config.transport.marginals != "uniform",
            "optical",
        ),
        ("both_directions is true", config.both_directions, "contrastive"),
    ):
        if is_set and objective not in names:
            raise DataError(f"{what}, which only {objective} reads, and the method has {', '.join(names)}")


def _check_monolingual(config: TrainConfig) -> None:
    """Refuse batches in English alone that leave nothing to learn. Raises DataError."""
    if config.monolingual == 1 and config.discriminator.weight:
        raise DataError("monolingual is 1: no batch has two languages for the discriminator to tell apart")
    if config.monolingual == 1 and config.code_switching.source != "none":
        raise DataError(
            "monolingual is 1: no foreign sentence is read whose words code_switching could replace or mix"
        )
    if config.monolingual == 1 and config.is_guided:
        raise DataError(
            "monolingual is 1: no foreign sentence is read whose alignment could guide the transport"
        )
    for stage in config.schedule if config.monolingual else ():
        if all(reads_english([name]) for name in stage.weights):
            raise DataError(
                f"monolingual is {config.monolingual}, but {stage.method} has nothing to learn from a batch in English "
                "alone: add an objective such as optical"
            )


_RANGES: tuple[tuple[tuple[str, ...], Callable[[float], bool], str], ...] = (
    (
        (
            "minutes",
            "temperature",
            "score_temperature",
            "learning_rate",
            "embedding_learning_rate",
            "batch_size",
            "checkpoint_steps",
            "patience",
        ),
        lambda value: 0 < value < math.inf,
        "a finite number above 0",
    ),
    (
        ("epochs", "steps", "held_out", "seed"),
        lambda value: 0 <= value < math.inf,
        "a finite number, 0 or more",
    ),
    (("seed",), lambda value: value < 2**32, f"a number below {2**32}"),
    (("language_balance", "monolingual"), lambda value: 0 <= value <= 1, "a number from 0 to 1"),
    (("dropout", "warmup"), lambda value: 0 <= value < 1, "a share, from 0 to less than 1"),
)


def read_config(path: Path) -> dict[str, Any]:
    """Settings of a TOML file, unresolved; a byte order mark is no part of them. Raises DataError with the path."""
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not readable as TOML: {error}") from None


def make_config(settings: dict[str, Any], *, source: str) -> TrainConfig:
    """Check settings and fill in the defaults.

    Args:
        settings: by field name; tables for `words`, `transport` and the like, a list of tables for `stages`.
        source: where they come from, for messages.

    Raises:
        DataError: an unknown key, with the nearest known one, a value of the wrong type, or settings that
            contradict each other.
    """
    if settings.get("stages") and "method" in settings:
        raise DataError(
            f"{source}: method is {settings['method']!r} but there are stages, which name their own: give one"
        )
    tables = {entry.name: entry.type for entry in fields(TrainConfig) if is_dataclass(entry.type)}
    resolved = {
        name: _checked(tables[name], value, f"{source}: [{name}]")
        if name in tables and isinstance(value, dict)
        else value
        for name, value in settings.items()
    }
    if "stages" in resolved:
        resolved["stages"] = _stages(resolved["stages"], f"{source}: stages")
    return _checked(TrainConfig, resolved, source)


def _stages(value: Any, source: str) -> tuple[Stage, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(entry, dict) for entry in value):
        raise DataError(f'{source} is {value!r}: expected tables such as {{method = "optical", share = 1}}')
    return tuple(_checked(Stage, entry, f"{source}[{number}]") for number, entry in enumerate(value))


def _checked(kind: Any, settings: dict[str, Any], source: str) -> Any:
    known = {entry.name: entry for entry in fields(kind)}
    for name, value in settings.items():
        if name not in known:
            raise DataError(f"{source}: unknown key {name!r}{nearest(name, known)}")
        if not _fits(value, known[name].type):
            raise DataError(f"{source}: {name} is {value!r}, expected {_described(known[name].type)}")
    try:
        return kind(**{name: _converted(value, known[name].type) for name, value in settings.items()})
    except (TypeError, ValueError) as error:
        raise DataError(f"{source}: {error}") from None


def _described(kind: Any) -> str:
    if is_dataclass(kind):
        return "a table"
    if get_origin(kind) is Literal:
        return " or ".join(map(repr, get_args(kind)))
    return kind.__name__ if isinstance(kind, type) else str(kind)


def _converted(value: Any, kind: Any) -> Any:
    """What TOML has no other form for: a float without a fraction, a tuple."""
    if isinstance(value, list):
        return tuple(value)
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if is_whole and kind in (float, float | None) else value


def _fits(value: Any, kind: Any) -> bool:
    if is_dataclass(kind):
        return isinstance(value, kind)  # type: ignore[arg-type]
    choices = getattr(kind, "__args__", (kind,))
    if get_origin(kind) is tuple:
        return isinstance(value, list | tuple) and all(isinstance(entry, choices[0]) for entry in value)
    if any(isinstance(choice, str) for choice in choices):
        return value in choices
    numbers = (float,) if float in choices else ()
    if isinstance(value, bool):
        return bool in choices
    return isinstance(value, tuple(choices)) or (bool(numbers) and isinstance(value, int))
