"""The results of a study other than the differences: gap, robustness, geometry, bias and gain, by system."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from statistics import fmean
from typing import Any, TypeVar

from opticlir.lab.probes.geometry import Geometry
from opticlir.lab.probes.language_gap import LanguageGap, language_gap
from opticlir.lab.probes.query_noise import QueryNoise
from opticlir.lab.probes.robustness import relative_drop
from opticlir.lab.studies.declaration import Study
from opticlir.lab.studies.plan import Plan
from opticlir.lab.studies.scores import Bias, RunScores

_Measures = TypeVar("_Measures", Geometry, Bias)


@dataclass(frozen=True, kw_only=True)
class Effectiveness:
    """One system in one language of one task, in one measure."""

    system: str
    task: str
    language: str
    measure: str
    by_seed: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return fmean(self.by_seed)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The resources of a system: means over its runs; None if it has no such number."""

    system: str
    pairs: float | None
    steps: float | None
    parameters: float | None
    runs: int


@dataclass(frozen=True, kw_only=True)
class GapRow:
    """The language gap of a system in one task, by the first measure, and the size of its query encoder."""

    system: str
    task: str
    gap: LanguageGap
    parameters: float | None


@dataclass(frozen=True, kw_only=True)
class RobustnessRow:
    """The effect of one query noise on a system in one task: means over languages and seeds."""

    system: str
    task: str
    noise: str
    score: float
    clean: float
    worst_language: str | None
    """The language with the largest relative drop; None if no language has a clean score above 0."""
    worst_drop: float | None
    """Its relative drop."""
    overlap: float
    changed: float | None
    """Share of the questions that the noise changes."""

    @property
    def drop(self) -> float | None:
        """Relative drop of the means."""
        return relative_drop(self.clean, self.score) if self.clean > 0 else None


@dataclass(frozen=True, kw_only=True)
class GeometryRow:
    """The vector space of a system in one language: means over its seeds."""

    system: str
    task: str
    language: str
    space: Geometry


@dataclass(frozen=True, kw_only=True)
class BiasRow:
    """Language bias of a system in one language of a pooled task: means over its seeds."""

    system: str
    task: str
    language: str
    bias: Bias


@dataclass(frozen=True, kw_only=True)
class GainRow:
    """The gain of a system over the best of its rivals."""

    system: str
    """The declared system, or its variant with one model."""
    task: str
    language: str
    score: float
    best_rival: str
    rival_score: float

    @property
    def gain(self) -> float | None:
        """Relative gain in percent; None if the rival scores 0."""
        return 100 * (self.score / self.rival_score - 1) if self.rival_score else None


def effectiveness(plan: Plan, found: Sequence[RunScores]) -> list[Effectiveness]:
    """Return the scores of every system in every language and measure."""
    return [
        Effectiveness(system=system, task=task.name, language=language, measure=measure,
                      by_seed=tuple(each.mean(measure) for each in runs))
        for task, language in plan.languages
        for system in plan.systems
        for measure in plan.study.measures
        if (runs := _runs_of(found, system, task.name, language))
    ]  # fmt: skip


def terms(plan: Plan, found: Sequence[RunScores]) -> list[Terms]:
    """Return the resources of each system, so that unequal conditions are visible."""

    def mean_of(runs: Sequence[RunScores], name: str) -> float | None:
        values = [each.counts[name] for each in runs if name in each.counts]
        return fmean(values) if values else None

    rows = []
    for system in plan.systems:
        runs = [each for each in found if each.run.name == system]
        pairs, steps, parameters = (mean_of(runs, name) for name in ("pairs", "steps", "parameters"))
        rows.append(Terms(system=system, pairs=pairs, steps=steps, parameters=parameters, runs=len(runs)))
    return rows


def gaps(plan: Plan, found: Sequence[RunScores]) -> list[GapRow]:
    """Return the gap of each system in tasks with languages of both groups, if all languages are computed."""
    size = {each.system: each.parameters for each in terms(plan, found)}
    rows = []
    every = [each for each in effectiveness(plan, found) if each.measure == plan.study.measures[0]]
    for task in {task.name: task for task, _ in plan.languages}.values():
        planned = {language for each, language in plan.languages if each.name == task.name}
        high, low = (sorted(planned & set(task.group(name))) for name in ("high", "low"))
        for system in plan.systems:
            scores = {
                each.language: each.mean for each in every if (each.system, each.task) == (system, task.name)
            }
            if high and low and scores.keys() >= {*high, *low}:
                gap = language_gap(scores, high=high, low=low)
                rows.append(GapRow(system=system, task=task.name, gap=gap, parameters=size[system]))
    return rows


def robustness(plan: Plan, found: Sequence[RunScores]) -> list[RobustnessRow]:
    """Return the effect of every query noise on every system that can rank changed questions."""
    return [
        _robustness_row(system, task, each, runs, plan.study)
        for task in dict.fromkeys(task.name for task, _ in plan.languages)
        for each in plan.study.noises
        for system in plan.systems
        if (
            runs := [
                run for run in _runs_of(found, system, task) if plan.study.noisy_measure(each) in run.scores
            ]
        )
    ]


def _robustness_row(
    system: str, task: str, noise: QueryNoise, runs: Sequence[RunScores], study: Study
) -> RobustnessRow:
    clean, noisy = {}, {}
    for language in sorted({each.run.language for each in runs}):
        own = [each for each in runs if each.run.language == language]
        clean[language] = fmean(each.mean(study.measures[0]) for each in own)
        noisy[language] = fmean(each.mean(study.noisy_measure(noise)) for each in own)
    drops = {
        language: relative_drop(clean[language], noisy[language]) for language in clean if clean[language] > 0
    }
    worst = max(sorted(drops), key=drops.__getitem__, default=None)
    return RobustnessRow(
        system=system,
        task=task,
        noise=noise.label,
        score=fmean(noisy.values()),
        clean=fmean(clean.values()),
        worst_language=worst,
        worst_drop=None if worst is None else drops[worst],
        overlap=fmean(each.overlap[noise.label] for each in runs),
        changed=_mean(each.changed.get(noise.label) for each in runs),
    )


def geometries(plan: Plan, found: Sequence[RunScores]) -> list[GeometryRow]:
    """Return the geometry of every system with a vector space."""
    return [
        GeometryRow(system=system, task=task.name, language=language, space=_means(spaces))
        for task, language in plan.languages
        for system in plan.systems
        if (
            spaces := [
                each.geometry for each in _runs_of(found, system, task.name, language) if each.geometry
            ]
        )
    ]


def biases(plan: Plan, found: Sequence[RunScores]) -> list[BiasRow]:
    """Return the language bias of every system in pooled tasks."""
    return [
        BiasRow(system=system, task=task.name, language=language, bias=_means(measured))
        for task, language in plan.languages
        for system in plan.systems
        if (measured := [each.bias for each in _runs_of(found, system, task.name, language) if each.bias])
    ]


def gains(plan: Plan, found: Sequence[RunScores]) -> list[GainRow]:
    """Return the declared gain in the first measure, for languages in which the system and a rival are computed.

    The best rival of a language is chosen by its score on the same questions, which favours the rivals. A system with
    several models has a row per model. Its rivals are those with the same model and those without a model.
    """
    declared = plan.study.gain
    if declared is None:
        return []
    rows = []
    for task, language in plan.languages:
        scores = {
            each.system: each.mean
            for each in effectiveness(plan, found)
            if (each.task, each.language, each.measure) == (task.name, language, plan.study.measures[0])
        }
        for system in _variants(declared.system, scores):
            rivals = [name for each in declared.rivals for name in _variants(each, scores, rival_of=system)]
            if rivals:
                best = max(rivals, key=scores.__getitem__)
                rows.append(
                    GainRow(system=system, task=task.name, language=language, score=scores[system], best_rival=best,
                            rival_score=scores[best])
                )  # fmt: skip
    return rows


def _variants(declared: str, systems: Iterable[str], *, rival_of: str = "") -> list[str]:
    """Return the system of this name, or its variants by model; as a rival, only those with the same model."""
    model = rival_of.partition("@")[2]
    split = [(system, *system.partition("@")) for system in systems]
    return [
        system
        for system, name, _, own in split
        if name == declared and (not own or not model or own == model)
    ]


def _means(found: Sequence[_Measures]) -> _Measures:
    """Return the mean of each field; None if a value is missing."""
    means: dict[str, Any] = {
        entry.name: _mean(getattr(each, entry.name) for each in found) for entry in fields(found[0])
    }
    return replace(found[0], **means)


def _mean(values: Iterable[float | None]) -> float | None:
    """Return the mean of the values; None if one is missing."""
    there = list(values)
    known = [value for value in there if value is not None]
    return fmean(known) if len(known) == len(there) else None


def _runs_of(
    found: Sequence[RunScores], system: str, task: str, language: str | None = None
) -> list[RunScores]:
    return [
        each
        for each in found
        if (each.run.name, each.run.task) == (system, task) and language in (None, each.run.language)
    ]
