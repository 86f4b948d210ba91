"""A study within one budget: its systems, and the runs to compute."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, cast

from opticlir.errors import DataError
from opticlir.lab.probes.query_noise import BY_MEANING
from opticlir.lab.studies.contents import bitext_content, task_content
from opticlir.lab.studies.declaration import (
    MODEL,
    Budget,
    Encoder,
    Recorded,
    Study,
    StudyTask,
    SystemSpec,
    TaskLanguage,
    Trained,
    Translated,
)
from opticlir.lab.studies.language_removed import LanguageRemoved
from opticlir.lab.studies.study_runs import MAKERS, StudyRun
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
    """The systems and runs of a study within a budget."""

    study: Study
    budget: Budget
    systems: Mapping[str, SystemSpec]
    """By name; one for each model if the declaration has `{model}`."""
    baselines: Mapping[str, str]
    """Baseline of each system. A system with a model has the baseline with the same model."""
    languages: tuple[tuple[StudyTask, str], ...]
    """Every task in every language."""
    runs: tuple[StudyRun, ...]
    """Task by task, language by language."""
    tasks: Tasks
    """The test collections, reduced to the questions of the budget."""


def plan_study(study: Study, budget: str, data: Path) -> Plan:
    """Resolve all settings, inputs and checksums of a study. Computes nothing.

    Args:
        study: the study file as read.
        budget: name of one of its budgets.
        data: folder to which the paths of the study are relative.

    Raises:
        DataError: the budget is unknown; a collection, a bitext or a run file is missing; a system has an unknown
            training setting, or lacks an input in a language.
    """
    chosen = _budget(study, budget)
    _check_models(study, chosen)
    systems = {
        spec.name: spec
        for declared in study.systems.values()
        if chosen.systems is None or declared.name in chosen.systems
        for spec in _expanded(declared, chosen)
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
        systems=systems,
        baselines={name: _baseline(spec, systems, study) for name, spec in systems.items()},
        languages=languages,
        runs=tuple(run for task, language in languages for run in planner.runs(task, language, systems)),
        tasks=tasks,
    )


def _budget(study: Study, name: str) -> Budget:
    if name not in study.budgets:
        there = ", ".join(study.budgets) or "none"
        raise DataError(
            f"{study.path}: no budget {name!r}{did_you_mean(name, study.budgets)}; expected one of {there}"
        )
    return study.budgets[name]


def _expanded(spec: SystemSpec, budget: Budget) -> Iterator[SystemSpec]:
    """Yield the system, or one for each model of the budget."""
    if not spec.expands:
        yield spec
        return
    for model in budget.models:
        yield replace(spec, name=_name_with(spec.name, model), source=_with_model(spec.source, model))


def _name_with(system: str, model: str) -> str:
    return f"{system}@{Path(model).name}"


def _check_models(study: Study, budget: Budget) -> None:
    names = [Path(model).name for model in budget.models]
    if len(set(names)) < len(names):
        raise DataError(
            f"{study.path}: [budget.{budget.name}]: two models have the same last name: {', '.join(names)}"
        )


def _with_model(value: Any, model: str) -> Any:
    """Replace `{model}` wherever it occurs in a text."""
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


def _baseline(spec: SystemSpec, systems: Mapping[str, SystemSpec], study: Study) -> str:
    declared = spec.baseline or study.baseline
    _, at, model = spec.name.partition("@")
    for name in (f"{declared}{at}{model}", declared):
        if name in systems:
            return name
    raise DataError(
        f"{study.path}: the system {spec.name!r} has no baseline: {declared!r} is one system per model"
    )


@dataclass(frozen=True, kw_only=True)
class _Place:
    """One task in one language."""

    task: StudyTask
    language: str
    details: TaskLanguage
    asked: Mapping[str, Any]
    """The part of the content of a run that all systems share."""
    where: str
    """For messages."""


class _Planner:
    def __init__(self, study: Study, budget: Budget, tasks: Tasks) -> None:
        self._study, self._budget, self._tasks = study, budget, tasks

    def runs(self, task: StudyTask, language: str, systems: Mapping[str, SystemSpec]) -> Iterator[StudyRun]:
        place = _Place(
            task=task,
            language=language,
            details=task.languages[language],
            asked=self._asked(task, language),
            where=f"{self._study.path}: task {task.name}, language {language}",
        )
        for spec in systems.values():
            if spec.languages is None or language in spec.languages:
                yield from self._runs_of(spec, place)

    def _asked(self, task: StudyTask, language: str) -> dict[str, Any]:
        """Return the part of the content of a run that all systems share."""
        found = self._tasks.load(task, language)
        asked: dict[str, Any] = {"task": task_content(found), "depth": self._study.depth}
        if "robustness" in self._study.reports:
            asked["noises"] = [asdict(each) for each in self._study.noises]
            if any(each.kind == BY_MEANING for each in self._study.noises):
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

    def _runs_of(self, spec: SystemSpec, place: _Place) -> Iterator[StudyRun]:
        seeds = (self._budget.seeds or self._study.seeds) if spec.is_seeded else (None,)
        for seed in seeds:
            system = self._system(spec, place, seed or 0)
            asked = dict(place.asked)
            if not system.takes_query_noise:
                asked.pop("noises", None)
            yield StudyRun(
                name=spec.name,
                task=place.task.name,
                language=place.language,
                seed=seed,
                system=system,
                content={
                    "system": system.content(),
                    "asked": {**asked, "ranking": spec.ranking},
                    "made_by": made_by(type(system), *MAKERS, *LIBRARIES),
                },
            )

    def _system(self, spec: SystemSpec, place: _Place, seed: int) -> System:
        source = spec.source
        if isinstance(source, Encoder):
            if source.remove is None:
                return ZeroShot(model=source.model)
            bitext = self._bitext(spec.name, place)
            return LanguageRemoved(
                model=source.model, how=source.remove, rank=source.rank or 1, bitext=bitext
            )
        if isinstance(source, Recorded):
            name = source.runs.format(task=place.task.name, language=place.language, seed=seed)
            return RunFile(path=self._study.path.parent / name)
        if isinstance(source, Trained):
            return self._student(spec, source, place, seed)
        return self._translation(spec.name, source, place, seed)

    def _student(self, spec: SystemSpec, source: Trained, place: _Place, seed: int) -> Student:
        shared = dict(self._study.train)
        own = dict(source.train)
        if "stages" in own:
            shared.pop("method", None)
        settings = {"teacher": self._budget.teacher, **shared, **own}
        if not settings.keys() & {"steps", "minutes", "epochs"}:
            settings |= self._budget.of_training()
        settings |= {"language": place.language, "seed": seed}
        return Student(
            config=make_config(settings, source=f"{self._study.path}: [systems.{spec.name}]"),
            bitext=self._bitext(spec.name, place),
        )

    def _bitext(self, system: str, place: _Place) -> Bitext:
        if not place.details.bitext:
            raise DataError(f"{place.where}: no bitext, but the system {system!r} learns from it")
        return Bitext(data=self._tasks.data, arguments=place.details.bitext, language=place.language)

    def _translation(self, system: str, source: Translated, place: _Place, seed: int) -> System:
        details, teacher = place.details, self._budget.teacher
        if source.by == "human":
            self._check_english(system, place)
            return HumanEnglish(teacher=teacher)
        learns = source.by in _LEARN_FROM_BITEXT
        bitext = self._bitext(system, place) if learns else Bitext(
            data=self._tasks.data, arguments=details.bitext, language=place.language)  # fmt: skip
        if source.by == "structured":
            return Structured(bitext=bitext)
        needed = {"dictionary": details.dictionary, "apertium": details.apertium}.get(source.by, True)
        if not needed:
            raise DataError(f"{place.where}: no {source.by}, but the system {system!r} translates with it")
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

    def _check_english(self, system: str, place: _Place) -> None:
        found = self._tasks.load(place.task, place.language)
        if missing := without_english(found):
            raise DataError(
                f"{place.where}: {len(missing)} of {len(found.queries)} questions have no English form, such as "
                f"{missing[0]!r}, but the system {system!r} needs them: list the `languages` that have them"
            )


def ranking_of(run: StudyRun) -> Ranking:
    """Return the ranking that a run asks for."""
    return cast("Ranking", run.asked["ranking"])


def _check_parallel(task: RetrievalTask, study: Study) -> None:
    if len(task.english_queries) < 2:
        raise DataError(
            f"{study.path}: the report 'geometry' needs the questions in English, and {task.name} has none"
        )
