"""What a study file says: the question, the arms, the tasks, and what each budget makes of them.

Everything here is fixed before anything is computed; `reading.py` makes it from TOML.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from opticlir.lab.studies.perturbation import Perturbation

REPORTS = ("effectiveness", "gap", "geometry", "robustness", "bias", "gain")
"""What a report may hold beside the differences from the baseline."""
POOL = "all"
"""In the place of a language: the questions of all languages together."""
MODEL = "{model}"
"""Stands for each model of the budget in turn."""
POOLED = ("lareqa-pool", "mlqa-r-pool")
"""Benchmarks whose documents are of several languages; the id of a document begins with its own."""
TRANSLATORS = ("word-table", "structured", "dictionary", "apertium", "nmt", "seq2seq", "human")
"""Ways to an English question; `human` is the collection's own, the ceiling."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A student that is trained for each language and seed."""

    settings: Mapping[str, Any]
    """Keys of the training configuration, unresolved."""


@dataclass(frozen=True, kw_only=True)
class AsItIs:
    """An encoder that is asked as it is: zero-shot."""

    model: str
    """`minilm`, a folder or a hub name."""


@dataclass(frozen=True, kw_only=True)
class WithoutLanguage:
    """An encoder as it is, but for the language in its space."""

    model: str
    """As of `AsItIs`."""
    remove: str
    """`lir` or `lsar`."""
    rank: int = 1
    """Components of each language, or directions of the subspace."""


@dataclass(frozen=True, kw_only=True)
class Translated:
    """The question in English, by a translator; then the English teacher or BM25."""

    by: str
    """One of `TRANSLATORS`."""
    minutes: float | None = None
    """Training budget of `nmt`; None is that of the study's budget."""
    model: str | None = None
    """Folder of the model of `seq2seq`."""
    target: str | None = None
    """That model's code of English."""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """Run files made elsewhere."""

    pattern: str
    """Path with `{task}`, `{language}` and, where there are several, `{seed}`; relative to the study file."""


Source: TypeAlias = Trained | AsItIs | WithoutLanguage | Translated | Recorded


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One thing that is compared."""

    name: str
    source: Source
    ranking: str
    """`dense`, `bm25` or `hybrid`; of a translation, the teacher's `dense` and BM25 of the English words."""
    languages: tuple[str, ...] | None = None
    """Languages it can do; None is all."""
    baseline: str | None = None
    """What it is compared with; None is the study's baseline."""

    @property
    def is_seeded(self) -> bool:
        """Whether another seed would give another ranking."""
        if isinstance(self.source, Recorded):
            return "{seed}" in self.source.pattern
        return isinstance(self.source, Trained) or getattr(self.source, "by", "") == "nmt"

    @property
    def expands(self) -> bool:
        """Whether it stands for one arm per model of the budget."""
        return MODEL in repr(self.source)


@dataclass(frozen=True, kw_only=True)
class TaskLanguage:
    """What a task has for one language; paths are relative to the data folder."""

    bitext: tuple[str, ...] = ()
    """`FILE` or `FILE:WEIGHT`."""
    group: str | None = None
    """`high` or `low`: resources, fixed before anything is scored."""
    split: str | None = None
    """Where it is not that of the task."""
    dictionary: tuple[str, ...] = ()
    """Files for `translate = "dictionary"`."""
    apertium: str | None = None
    """Pair for `translate = "apertium"`."""
    seq2seq: str | None = None
    """Code of the language in the model of `translate = "seq2seq"`."""


@dataclass(frozen=True, kw_only=True)
class StudyTask:
    """One benchmark and its languages."""

    name: str
    benchmark: str
    data: str | None
    """Folder, relative to the data folder; None of a collection that a library finds."""
    split: str
    languages: Mapping[str, TaskLanguage]
    """By ISO 639-3 code."""

    def group(self, name: str) -> tuple[str, ...]:
        """Languages of the group `high` or `low`."""
        return tuple(code for code, language in self.languages.items() if language.group == name)


@dataclass(frozen=True, kw_only=True)
class Family:
    """Comparisons that are corrected together (Holm): what one conclusion rests on."""

    name: str
    arms: tuple[str, ...] | None = None
    """None is every arm that is compared with another."""
    languages: tuple[str, ...] | None = None
    """None is every language; `all` is the questions of all languages together."""
    measures: tuple[str, ...] | None = None
    """None is every measure."""


@dataclass(frozen=True, kw_only=True)
class Gain:
    """A relative gain over the best of several rivals, to be read beside a published one."""

    arm: str
    rivals: tuple[str, ...]
    published: float | None = None
    """Percent."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How much of a study is run."""

    name: str
    steps: int | None = None
    """Of each training; exclusive with `minutes` and `epochs`."""
    minutes: float | None = None
    epochs: float | None = None
    translator_minutes: float | None = None
    """Of each `nmt`; None is `minutes`."""
    arms: tuple[str, ...] | None = None
    """None is all."""
    languages: tuple[str, ...] | None = None
    """None is all."""
    seeds: tuple[int, ...] | None = None
    """None is those of the study."""
    models: tuple[str, ...] = ()
    """What `{model}` stands for."""
    teacher: str = "minilm"
    """English encoder of the students, and of what searches with translations."""
    queries: int | None = None
    """Most questions per task and language, taken at even distances; None is all."""

    def of_training(self) -> dict[str, Any]:
        """The one budget that is given, as a setting of a training."""
        named = {"steps": self.steps, "minutes": self.minutes, "epochs": self.epochs}
        return {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Study:
    """One research question and how it is to be answered."""

    path: Path
    question: str
    answer_if: str
    """What would count as an answer."""
    baseline: str
    measures: tuple[str, ...]
    seeds: tuple[int, ...]
    depth: int
    """Documents kept per question."""
    reports: tuple[str, ...]
    arms: Mapping[str, Arm]
    tasks: tuple[StudyTask, ...]
    budgets: Mapping[str, Budget]
    train: Mapping[str, Any] = field(default_factory=dict)
    """Settings that all trained arms share."""
    families: tuple[Family, ...] = ()
    perturbations: tuple[Perturbation, ...] = ()
    gain: Gain | None = None

    @property
    def compared(self) -> tuple[str, ...]:
        """What arms are compared in: every measure, and the first one again after each perturbation."""
        return (*self.measures, *map(self.disturbed, self.perturbations))

    def disturbed(self, perturbation: Perturbation) -> str:
        """Name of the first measure of perturbed questions: `AP, typos 10 %`."""
        return f"{self.measures[0]}, {perturbation.label}"
