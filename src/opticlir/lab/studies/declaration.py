"""The content of a study file: the question, the systems, the tasks and the budgets.

All of it is fixed before anything is computed. `reading.py` reads it from TOML.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter
from typing import Any, Literal, TypeAlias

from opticlir.lab.probes.query_noise import QueryNoise
from opticlir.search import Ranking
from opticlir.settings import AT_LEAST_ONE, NOT_NEGATIVE, POSITIVE, check_ranges, setting

Report: TypeAlias = Literal["effectiveness", "gap", "geometry", "robustness", "bias", "gain"]
"""A part of the report. The differences from the baseline are always part of it."""
Translator: TypeAlias = Literal[
    "word-table", "structured", "dictionary", "apertium", "nmt", "seq2seq", "human"
]
"""How a question is translated. `human` uses the English questions of the collection: the ceiling."""
POOL = "all"
"""Used instead of a language: the questions of all languages together."""
MODEL = "{model}"
"""Replaced by each model of the budget in turn."""
POOLED = ("lareqa-pool", "mlqa-r-pool")
"""Collections whose documents are in several languages; a document id begins with its language."""
_FIELDS = ("task", "language", "seed", "model")


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A student, trained for each language and each seed."""

    train: Mapping[str, Any]
    """Settings of the training, not yet checked."""

    def __post_init__(self) -> None:
        check_training(self.train)


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """An encoder without training (zero-shot), or with its language removed by a linear map."""

    model: str
    """`minilm`, `e5`, a folder or a hub name."""
    remove: Literal["lir", "lsar"] | None = None
    rank: int | None = None
    """Number of components that LIR removes of each language; None is 1."""

    def __post_init__(self) -> None:
        if self.rank is None:
            return
        if self.remove is None:
            raise ValueError("rank is given without remove: choose lir or lsar")
        if self.rank < 1 or (self.remove == "lsar" and self.rank > 1):
            expected = "1 or more" if self.remove == "lir" else "1, the direction in which two means differ"
            raise ValueError(f"rank is {self.rank}: {self.remove} expects {expected}")


@dataclass(frozen=True, kw_only=True)
class Translated:
    """A translator that makes the question English; then the English teacher or BM25 ranks."""

    by: Translator
    minutes: float | None = setting(
        None, "Training budget of nmt; None takes the budget of the study.", POSITIVE
    )
    model: str | None = None
    """Folder of the model of `seq2seq`."""
    target: str | None = None
    """That model's code of English."""

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.by == "seq2seq" and self.model is None:
            raise ValueError("seq2seq needs the folder of a model, as {by = 'seq2seq', model = ...}")


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """Run files made elsewhere."""

    runs: str
    """Path relative to the study file, with `{task}`, `{language}` and, for several seeds, `{seed}`."""

    def __post_init__(self) -> None:
        """Refuse unknown fields and formats. Raises ValueError."""
        there = ", ".join(f"{{{name}}}" for name in _FIELDS)
        rules = f"expected {there}, without a format; write a brace twice to keep it"
        try:
            parts = list(Formatter().parse(self.runs))
        except ValueError as error:
            raise ValueError(f"runs is {self.runs!r}: {error}; {rules}") from None
        for _, name, form, conversion in parts:
            if name is not None and (name not in _FIELDS or form or conversion):
                found = "".join([name, f"!{conversion}" if conversion else "", f":{form}" if form else ""])
                raise ValueError(f"runs is {self.runs!r}: no field {{{found}}}; {rules}")


Source: TypeAlias = Trained | Encoder | Translated | Recorded
SOURCES: dict[str, type[Source]] = {
    "train": Trained,
    "model": Encoder,
    "translate": Translated,
    "runs": Recorded,
}
"""Kind of system by the key of its table."""


@dataclass(frozen=True, kw_only=True)
class SystemSpec:
    """A system that the study compares, as declared."""

    name: str
    source: Source
    ranking: Ranking
    """For a translation, `dense` ranks with the teacher and `bm25` with the English words."""
    languages: tuple[str, ...] | None = None
    """Languages that it supports; None is all."""
    baseline: str | None = None
    """System that it is compared with; None is the baseline of the study."""

    @property
    def is_seeded(self) -> bool:
        """Whether another seed would give another ranking."""
        if isinstance(self.source, Recorded):
            return "{seed}" in self.source.runs
        return isinstance(self.source, Trained) or getattr(self.source, "by", "") == "nmt"

    @property
    def expands(self) -> bool:
        """Whether it is expanded to one system per model of the budget."""
        return MODEL in repr(self.source)


@dataclass(frozen=True, kw_only=True)
class TaskLanguage:
    """Files and settings of a task in one language. Paths are relative to the data folder."""

    bitext: tuple[str, ...] = ()
    """`FILE` or `FILE:WEIGHT`."""
    group: Literal["high", "low"] | None = None
    """Group of the language by its resources, fixed before anything is scored."""
    split: str | None = None
    """None is that of the task."""
    dictionary: tuple[str, ...] = ()
    """Files for `translate = "dictionary"`."""
    apertium: str | None = None
    """Pair for `translate = "apertium"`."""
    seq2seq: str | None = None
    """Code of the language in the model of `translate = "seq2seq"`."""


@dataclass(frozen=True, kw_only=True)
class StudyTask:
    """One test collection and its languages."""

    benchmark: str
    name: str = ""
    """Empty is the name of the test collection."""
    data: str | None = None
    """Folder, relative to the data folder; None for a collection that a library finds."""
    split: str = "dev"
    languages: Mapping[str, TaskLanguage] = field(default_factory=dict)
    """By ISO 639-3 code."""

    def group(self, name: str) -> tuple[str, ...]:
        """Languages of the group `high` or `low`."""
        return tuple(code for code, language in self.languages.items() if language.group == name)


@dataclass(frozen=True, kw_only=True)
class Family:
    """Comparisons that Holm's method corrects together, because one conclusion depends on them."""

    name: str
    systems: tuple[str, ...] | None = None
    """None is every system that is compared with another."""
    languages: tuple[str, ...] | None = None
    """None is every language; `all` means the questions of all languages together."""
    measures: tuple[str, ...] | None = None
    """None is every measure."""


@dataclass(frozen=True, kw_only=True)
class Gain:
    """A relative gain over the best of several rivals, to compare with a published one."""

    system: str
    rivals: tuple[str, ...]
    published: float | None = None
    """Percent."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How much of a study is computed."""

    name: str
    steps: int | None = setting(None, "Steps of each training; excludes minutes and epochs.", NOT_NEGATIVE)
    minutes: float | None = setting(None, "Minutes of each training.", POSITIVE)
    epochs: float | None = setting(None, "Epochs of each training.", NOT_NEGATIVE)
    translator_minutes: float | None = setting(None, "Minutes of each nmt; None is minutes.", POSITIVE)
    systems: tuple[str, ...] | None = None
    """None is all."""
    languages: tuple[str, ...] | None = None
    """None is all."""
    seeds: tuple[int, ...] | None = None
    """None is those of the study."""
    models: tuple[str, ...] = ()
    """Values of `{model}`."""
    teacher: str = "minilm"
    """English encoder for the students, and for search with translations."""
    queries: int | None = None
    """Largest number of questions per task and language, at even distances; None is all."""

    def __post_init__(self) -> None:
        check_ranges(self)
        check_seeds(self.seeds)
        if len(given := self.of_training()) > 1:
            raise ValueError(f"give one budget, not {' and '.join(given)}")
        if self.queries is not None and self.queries < 2:
            raise ValueError(f"queries is {self.queries}: a comparison needs 2 or more")

    def of_training(self) -> dict[str, Any]:
        """Return the one budget that is given, as a setting of a training."""
        named = {"steps": self.steps, "minutes": self.minutes, "epochs": self.epochs}
        return {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Study:
    """One research question, and how to answer it."""

    path: Path
    question: str
    answer_if: str
    """The rule that decides the answer."""
    baseline: str
    measures: tuple[str, ...] = ("AP",)
    seeds: tuple[int, ...] = (0, 1, 2)
    depth: int = setting(1000, "Documents kept per question.", AT_LEAST_ONE)
    reports: tuple[Report, ...] = ("effectiveness",)
    systems: Mapping[str, SystemSpec]
    tasks: tuple[StudyTask, ...]
    budgets: Mapping[str, Budget]
    train: Mapping[str, Any] = field(default_factory=dict)
    """Settings that all trained systems share."""
    families: tuple[Family, ...] = ()
    noises: tuple[QueryNoise, ...] = ()
    gain: Gain | None = None
    equivalence_margin: float | None = setting(
        None, "Systems that differ by less than this are equivalent; None tests no equivalence.", POSITIVE
    )

    def __post_init__(self) -> None:
        check_ranges(self)
        check_seeds(self.seeds)
        check_training(self.train)

    @property
    def compared(self) -> tuple[str, ...]:
        """The measures of the comparisons: every measure, and the first one under each query noise."""
        return (*self.measures, *map(self.noisy_measure, self.noises))

    def noisy_measure(self, noise: QueryNoise) -> str:
        """Name of the first measure under query noise: `AP, typos 10 %`."""
        return f"{self.measures[0]}, {noise.label}"


def check_seeds(seeds: tuple[int, ...] | None) -> None:
    """Refuse equal and negative seeds. Raises ValueError."""
    if seeds and (len(set(seeds)) < len(seeds) or min(seeds) < 0):
        raise ValueError(f"seeds is {list(seeds)}: expected different numbers, 0 or more")


def check_training(settings: Mapping[str, Any]) -> None:
    """Refuse settings that the study itself sets. Raises ValueError."""
    for name in ("language", "seed"):
        if name in settings:
            raise ValueError(f"train: the study sets {name}: remove it")
