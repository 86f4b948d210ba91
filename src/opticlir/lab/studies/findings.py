"""What a study finds beside the differences: gap, robustness, geometry, bias and gain, a row for each arm."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from opticlir.lab.probes.geometry import Geometry
from opticlir.lab.probes.language_gap import LanguageGap, language_gap
from opticlir.lab.probes.robustness import relative_drop
from opticlir.lab.studies.declaration import Study
from opticlir.lab.studies.perturbation import Perturbation
from opticlir.lab.studies.plan import Plan
from opticlir.lab.studies.scores import Bias, CellScores


@dataclass(frozen=True, kw_only=True)
class Effectiveness:
    """One arm in one language of one task, in one measure."""

    arm: str
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
    """What an arm was given: means over its cells, None where it learned or counted nothing."""

    arm: str
    pairs: float | None
    steps: float | None
    parameters: float | None
    cells: int


@dataclass(frozen=True, kw_only=True)
class GapRow:
    """The language gap of an arm in one task and the first measure, beside the size of what reads the question."""

    arm: str
    task: str
    gap: LanguageGap
    parameters: float | None


@dataclass(frozen=True, kw_only=True)
class RobustnessRow:
    """What one perturbation costs an arm in one task: means over languages and seeds."""

    arm: str
    task: str
    perturbation: str
    score: float
    clean: float
    worst_language: str | None
    """The language that loses most; None where no language has a clean score above 0."""
    worst_drop: float | None
    """Its relative drop."""
    overlap: float
    changed: float | None
    """Share of the questions that are not what they were."""

    @property
    def drop(self) -> float | None:
        """Relative drop of the means."""
        return relative_drop(self.clean, self.score) if self.clean > 0 else None


@dataclass(frozen=True, kw_only=True)
class GeometryRow:
    """The space of an arm in one language: means over its seeds."""

    arm: str
    task: str
    language: str
    alignment: float
    uniformity: float
    """Of the foreign questions."""
    uniformity_cross: float
    cosine_margin: float
    csls: float
    """Share of foreign questions that find their English form."""
    language_identity: float | None
    """Share of questions whose language a linear probe tells; None where a cell is older than the probe."""


@dataclass(frozen=True, kw_only=True)
class BiasRow:
    """Language bias of an arm in one language of a pooled task: means over its seeds, None where one has none."""

    arm: str
    task: str
    language: str
    bias: Bias


@dataclass(frozen=True, kw_only=True)
class GainRow:
    """How much more an arm finds than the best of its rivals."""

    arm: str
    """The declared one, or one of those that it stands for."""
    task: str
    language: str
    score: float
    best_rival: str
    rival_score: float

    @property
    def gain(self) -> float | None:
        """Relative, in percent; None where the rival scores 0."""
        return 100 * (self.score / self.rival_score - 1) if self.rival_score else None


def effectiveness(plan: Plan, found: Sequence[CellScores]) -> list[Effectiveness]:
    """Every arm in every language and measure."""
    return [
        Effectiveness(arm=arm, task=task.name, language=language, measure=measure,
                      by_seed=tuple(each.mean(measure) for each in cells))
        for task, language in plan.languages
        for arm in plan.arms
        for measure in plan.study.measures
        if (cells := _cells(found, arm, task.name, language))
    ]  # fmt: skip


def terms(plan: Plan, found: Sequence[CellScores]) -> list[Terms]:
    """What each arm was given: for a comparison on equal terms, the same."""

    def mean_of(cells: Sequence[CellScores], name: str) -> float | None:
        values = [each.facts[name] for each in cells if name in each.facts]
        return fmean(values) if values else None

    rows = []
    for arm in plan.arms:
        cells = [each for each in found if each.cell.arm == arm]
        pairs, steps, parameters = (mean_of(cells, name) for name in ("pairs", "steps", "parameters"))
        rows.append(Terms(arm=arm, pairs=pairs, steps=steps, parameters=parameters, cells=len(cells)))
    return rows


def gaps(plan: Plan, found: Sequence[CellScores]) -> list[GapRow]:
    """The gap of each arm, in tasks that have languages of both groups, all of them computed."""
    size = {each.arm: each.parameters for each in terms(plan, found)}
    rows = []
    every = [each for each in effectiveness(plan, found) if each.measure == plan.study.measures[0]]
    for task in {task.name: task for task, _ in plan.languages}.values():
        planned = {language for each, language in plan.languages if each.name == task.name}
        high, low = (sorted(planned & set(task.group(name))) for name in ("high", "low"))
        for arm in plan.arms:
            scores = {each.language: each.mean for each in every if (each.arm, each.task) == (arm, task.name)}
            if high and low and scores.keys() >= {*high, *low}:
                gap = language_gap(scores, high=high, low=low)
                rows.append(GapRow(arm=arm, task=task.name, gap=gap, parameters=size[arm]))
    return rows


def robustness(plan: Plan, found: Sequence[CellScores]) -> list[RobustnessRow]:
    """What every perturbation costs every arm that can be asked other words."""
    return [
        _robustness_row(arm, task, each, cells, plan.study)
        for task in dict.fromkeys(task.name for task, _ in plan.languages)
        for each in plan.study.perturbations
        for arm in plan.arms
        if (cells := [cell for cell in _cells(found, arm, task) if plan.study.disturbed(each) in cell.scores])
    ]


def _robustness_row(
    arm: str, task: str, perturbation: Perturbation, cells: Sequence[CellScores], study: Study
) -> RobustnessRow:
    clean, perturbed = {}, {}
    for language in sorted({each.cell.language for each in cells}):
        own = [each for each in cells if each.cell.language == language]
        clean[language] = fmean(each.mean(study.measures[0]) for each in own)
        perturbed[language] = fmean(each.mean(study.disturbed(perturbation)) for each in own)
    drops = {
        language: relative_drop(clean[language], perturbed[language])
        for language in clean
        if clean[language] > 0
    }
    worst = max(sorted(drops), key=drops.__getitem__, default=None)
    return RobustnessRow(
        arm=arm,
        task=task,
        perturbation=perturbation.label,
        score=fmean(perturbed.values()),
        clean=fmean(clean.values()),
        worst_language=worst,
        worst_drop=None if worst is None else drops[worst],
        overlap=fmean(each.overlap[perturbation.label] for each in cells),
        changed=_mean(each.changed.get(perturbation.label) for each in cells),
    )


def geometries(plan: Plan, found: Sequence[CellScores]) -> list[GeometryRow]:
    """The space of every arm that has one."""
    rows = []
    for task, language in plan.languages:
        for arm in plan.arms:
            spaces = [each.geometry for each in _cells(found, arm, task.name, language) if each.geometry]
            if spaces:
                rows.append(_geometry_row(arm, task.name, language, spaces))
    return rows


def _geometry_row(arm: str, task: str, language: str, spaces: Sequence[Geometry]) -> GeometryRow:
    return GeometryRow(
        arm=arm,
        task=task,
        language=language,
        alignment=fmean(space.alignment for space in spaces),
        uniformity=fmean(space.uniformity_foreign for space in spaces),
        uniformity_cross=fmean(space.uniformity_cross for space in spaces),
        cosine_margin=fmean(space.cosine_margin for space in spaces),
        csls=fmean(space.csls_to_english for space in spaces),
        language_identity=_mean(space.language_identity for space in spaces),
    )


def biases(plan: Plan, found: Sequence[CellScores]) -> list[BiasRow]:
    """Language bias of every arm, in pooled tasks."""
    rows = []
    for task, language in plan.languages:
        for arm in plan.arms:
            measured = [each.bias for each in _cells(found, arm, task.name, language) if each.bias]
            if measured:
                bias = Bias(
                    rank_distance=_mean(each.rank_distance for each in measured),
                    max_at_r=_mean(each.max_at_r for each in measured),
                    peer=_mean(each.peer for each in measured),
                )
                rows.append(BiasRow(arm=arm, task=task.name, language=language, bias=bias))
    return rows


def gains(plan: Plan, found: Sequence[CellScores]) -> list[GainRow]:
    """The declared gain in the first measure, wherever the arm and a rival have been computed.

    The best rival of a language is chosen by its score on the very questions: that favours the rivals. Of an arm per
    model each has a row, beside the rivals of the same model and those of none.
    """
    declared = plan.study.gain
    if declared is None:
        return []
    rows = []
    for task, language in plan.languages:
        scores = {
            each.arm: each.mean
            for each in effectiveness(plan, found)
            if (each.task, each.language, each.measure) == (task.name, language, plan.study.measures[0])
        }
        for arm in _standing_for(declared.arm, scores):
            rivals = [name for each in declared.rivals for name in _standing_for(each, scores, beside=arm)]
            if rivals:
                best = max(rivals, key=scores.__getitem__)
                rows.append(
                    GainRow(arm=arm, task=task.name, language=language, score=scores[arm], best_rival=best,
                            rival_score=scores[best])
                )  # fmt: skip
    return rows


def _standing_for(declared: str, arms: Iterable[str], *, beside: str = "") -> list[str]:
    """The arm of this name, or those of its models; beside an arm of a model those of another are none."""
    model = beside.partition("@")[2]
    split = [(arm, *arm.partition("@")) for arm in arms]
    return [arm for arm, name, _, own in split if name == declared and (not own or not model or own == model)]


def _mean(values: Iterable[float | None]) -> float | None:
    """Mean of one or more; None where one is missing, which would make it another mean."""
    there = list(values)
    known = [value for value in there if value is not None]
    return fmean(known) if len(known) == len(there) else None


def _cells(found: Sequence[CellScores], arm: str, task: str, language: str | None = None) -> list[CellScores]:
    return [
        each
        for each in found
        if (each.cell.arm, each.cell.task) == (arm, task) and language in (None, each.cell.language)
    ]
