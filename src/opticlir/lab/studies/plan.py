"""A study within one budget: its arms, and the cells that are to be computed."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, cast

from opticlir.errors import DataError
from opticlir.lab.studies.cells import CELL_MAKERS, Cell
from opticlir.lab.studies.contents import bitext_content, task_content
from opticlir.lab.studies.declaration import (
    MODEL,
    Arm,
    AsItIs,
    Budget,
    Recorded,
    Study,
    StudyTask,
    TaskLanguage,
    Trained,
    Translated,
    WithoutLanguage,
)
from opticlir.lab.studies.language_removed import LanguageRemoved
from opticlir.lab.studies.systems import Bitext, RunFile, Student, System, ZeroShot
from opticlir.lab.studies.tasks import Tasks
from opticlir.lab.studies.translated import HumanEnglish, Structured, Translation, without_english
from opticlir.lab.training import make_config
from opticlir.records import RetrievalTask
from opticlir.search import Ranking
from opticlir.settings import did_you_mean
from opticlir.storage import LIBRARIES, made_by

_NMT_MINUTES = 15.0
_LEARN_FROM_BITEXT = ("word-table", "structured", "nmt")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a study comes to within a budget."""

    study: Study
    budget: Budget
    arms: Mapping[str, Arm]
    """By name, one for each model where the study says `{model}`."""
    baselines: Mapping[str, str]
    """Of each arm: with a model of its own it is compared with the baseline of that model."""
    languages: tuple[tuple[StudyTask, str], ...]
    """Every task in every language."""
    cells: tuple[Cell, ...]
    """Task by task, language by language."""
    tasks: Tasks
    """The collections, cut to what the budget asks."""


def plan_study(study: Study, budget: str, data: Path) -> Plan:
    """Resolve a study: every setting, every input and its checksum. Nothing is computed.

    Args:
        study: as it was read.
        budget: name of one of its budgets.
        data: folder that the paths of the study begin at.

    Raises:
        DataError: no such budget; a collection, a bitext or a run file is missing; a setting of an arm is
            none of the training configuration; an arm has not what it needs in a language.
    """
    chosen = _budget(study, budget)
    _check_models(study, chosen)
    arms = {
        arm.name: arm
        for declared in study.arms.values()
        if chosen.arms is None or declared.name in chosen.arms
        for arm in _expanded(declared, chosen)
    }
    languages = tuple(
        (task, language)
        for task in study.tasks
        for language in task.languages
        if chosen.languages is None or language in chosen.languages
    )
    if not languages:
        raise DataError(f"{study.path}: [budget.{chosen.name}]: no task has one of its languages")
    tasks = Tasks(data, chosen.queries)
    planner = _Planner(study, chosen, tasks)
    return Plan(
        study=study,
        budget=chosen,
        arms=arms,
        baselines={name: _baseline(arm, arms, study) for name, arm in arms.items()},
        languages=languages,
        cells=tuple(cell for task, language in languages for cell in planner.cells(task, language, arms)),
        tasks=tasks,
    )


def _budget(study: Study, name: str) -> Budget:
    if name not in study.budgets:
        there = ", ".join(study.budgets) or "none"
        raise DataError(
            f"{study.path}: no budget {name!r}{did_you_mean(name, study.budgets)}; there are {there}"
        )
    return study.budgets[name]


def _expanded(arm: Arm, budget: Budget) -> Iterator[Arm]:
    """The arm, or one for each model of the budget."""
    if not arm.expands:
        yield arm
        return
    for model in budget.models:
        yield replace(arm, name=_name_with(arm.name, model), source=_with_model(arm.source, model))


def _name_with(arm: str, model: str) -> str:
    return f"{arm}@{Path(model).name}"


def _check_models(study: Study, budget: Budget) -> None:
    names = [Path(model).name for model in budget.models]
    if len(set(names)) < len(names):
        raise DataError(
            f"{study.path}: [budget.{budget.name}]: two models have the same last name: {', '.join(names)}"
        )


def _with_model(value: Any, model: str) -> Any:
    """The same settings, `{model}` replaced wherever it stands in a text."""
    if isinstance(value, str):
        return value.replace(MODEL, model)
    if isinstance(value, Mapping):
        return {name: _with_model(each, model) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_with_model(each, model) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value, **{each.name: _with_model(getattr(value, each.name), model) for each in fields(value)}
        )
    return value


def _baseline(arm: Arm, arms: Mapping[str, Arm], study: Study) -> str:
    declared = arm.baseline or study.baseline
    _, at, model = arm.name.partition("@")
    for name in (f"{declared}{at}{model}", declared):
        if name in arms:
            return name
    raise DataError(
        f"{study.path}: the arm {arm.name!r} has no baseline: {declared!r} stands for one arm per model"
    )


@dataclass(frozen=True, kw_only=True)
class _Place:
    """One task in one language, as its cells see it."""

    task: StudyTask
    language: str
    details: TaskLanguage
    asked: Mapping[str, Any]
    """What is asked there of every arm."""
    where: str
    """For messages."""


class _Planner:
    def __init__(self, study: Study, budget: Budget, tasks: Tasks) -> None:
        self._study, self._budget, self._tasks = study, budget, tasks

    def cells(self, task: StudyTask, language: str, arms: Mapping[str, Arm]) -> Iterator[Cell]:
        place = _Place(
            task=task,
            language=language,
            details=task.languages[language],
            asked=self._asked(task, language),
            where=f"{self._study.path}: task {task.name}, language {language}",
        )
        for arm in arms.values():
            if arm.languages is None or language in arm.languages:
                yield from self._cells_of(arm, place)

    def _asked(self, task: StudyTask, language: str) -> dict[str, Any]:
        """The part of a cell's content that all arms share."""
        found = self._tasks.load(task, language)
        asked: dict[str, Any] = {"task": task_content(found), "depth": self._study.depth}
        if "robustness" in self._study.reports:
            asked["perturbations"] = [asdict(each) for each in self._study.perturbations]
            if any(each.kind == "code_switch" for each in self._study.perturbations):
                bitext = task.languages[language].bitext
                if not bitext:
                    raise DataError(
                        f"{self._study.path}: task {task.name}, language {language}: code_switch needs bitext"
                    )
                asked["meanings"] = bitext_content(self._tasks.data, bitext, language)
        if "geometry" in self._study.reports:
            _check_parallel(found, self._study)
            asked["geometry"] = True
        return asked

    def _cells_of(self, arm: Arm, place: _Place) -> Iterator[Cell]:
        seeds = (self._budget.seeds or self._study.seeds) if arm.is_seeded else (None,)
        for seed in seeds:
            system = self._system(arm, place, seed or 0)
            asked = dict(place.asked)
            if not system.answers_other_words:
                asked.pop("perturbations", None)
            yield Cell(
                arm=arm.name,
                task=place.task.name,
                language=place.language,
                seed=seed,
                system=system,
                content={
                    "system": system.content(),
                    "asked": {**asked, "ranking": arm.ranking},
                    "made_by": made_by(type(system), *CELL_MAKERS, *LIBRARIES),
                },
            )

    def _system(self, arm: Arm, place: _Place, seed: int) -> System:
        if isinstance(arm.source, AsItIs):
            return ZeroShot(model=arm.source.model)
        if isinstance(arm.source, WithoutLanguage):
            source, bitext = arm.source, self._bitext(arm.name, place)
            return LanguageRemoved(model=source.model, how=source.remove, rank=source.rank, bitext=bitext)
        if isinstance(arm.source, Recorded):
            pattern = arm.source.pattern
            name = pattern.format(task=place.task.name, language=place.language, seed=seed)
            return RunFile(path=self._study.path.parent / name)
        if isinstance(arm.source, Trained):
            return self._student(arm, arm.source, place, seed)
        return self._translation(arm.name, arm.source, place, seed)

    def _student(self, arm: Arm, source: Trained, place: _Place, seed: int) -> Student:
        shared = dict(self._study.train)
        own = dict(source.settings)
        if "stages" in own:
            shared.pop("method", None)
        settings = {"teacher": self._budget.teacher, **shared, **own}
        if not settings.keys() & {"steps", "minutes", "epochs"}:
            settings |= self._budget.of_training()
        settings |= {"language": place.language, "seed": seed}
        return Student(
            config=make_config(settings, source=f"{self._study.path}: [arms.{arm.name}]"),
            bitext=self._bitext(arm.name, place),
        )

    def _bitext(self, arm: str, place: _Place) -> Bitext:
        if not place.details.bitext:
            raise DataError(f"{place.where}: no bitext, which the arm {arm!r} learns from")
        return Bitext(data=self._tasks.data, arguments=place.details.bitext, language=place.language)

    def _translation(self, arm: str, source: Translated, place: _Place, seed: int) -> System:
        details, teacher = place.details, self._budget.teacher
        if source.by == "human":
            self._check_english(arm, place)
            return HumanEnglish(teacher=teacher)
        learns = source.by in _LEARN_FROM_BITEXT
        bitext = self._bitext(arm, place) if learns else Bitext(
            data=self._tasks.data, arguments=details.bitext, language=place.language)  # fmt: skip
        if source.by == "structured":
            return Structured(bitext=bitext)
        needed = {"dictionary": details.dictionary, "apertium": details.apertium}.get(source.by, True)
        if not needed:
            raise DataError(f"{place.where}: no {source.by}, which the arm {arm!r} translates with")
        minutes = source.minutes or self._budget.translator_minutes or self._budget.minutes
        return Translation(
            by=source.by,
            teacher=teacher,
            bitext=bitext,
            minutes=minutes or _NMT_MINUTES,
            seed=seed,
            dictionary=tuple(self._tasks.data / name for name in details.dictionary),
            pair=details.apertium or "",
            model=source.model or "",
            codes=(details.seq2seq, source.target),
        )

    def _check_english(self, arm: str, place: _Place) -> None:
        found = self._tasks.load(place.task, place.language)
        if missing := without_english(found):
            raise DataError(
                f"{place.where}: {len(missing)} of {len(found.queries)} questions have no English form, such as "
                f"{missing[0]!r}, which the arm {arm!r} asks: give it the `languages` that have them"
            )


def ranking_of(cell: Cell) -> Ranking:
    """By which scores a cell ranks."""
    return cast("Ranking", cell.asked["ranking"])


def _check_parallel(task: RetrievalTask, study: Study) -> None:
    if len(task.english_queries) < 2:
        raise DataError(
            f"{study.path}: the report 'geometry' needs the questions in English, which {task.name} has not"
        )
