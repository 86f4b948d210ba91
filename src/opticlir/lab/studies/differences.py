"""Each arm against its baseline, by language and over all of them, corrected within declared families."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from opticlir.evaluation import Comparison, compare_systems, correct_family
from opticlir.lab.studies.declaration import POOL, Family
from opticlir.lab.studies.plan import Plan
from opticlir.lab.studies.scores import CellScores
from opticlir.records import QueryId

Place: TypeAlias = tuple[str, str]
"""Task and language."""
Scores: TypeAlias = Mapping[QueryId, float]

EVERYTHING = Family(name="all comparisons by language")
"""The family of a study that declares none."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One arm minus its baseline in one measure."""

    arm: str
    baseline: str
    task: str
    """`all` where the questions of all tasks are taken together."""
    language: str
    """`all` where those of several languages are."""
    measure: str
    """Or a measure and a perturbation: one of `Study.compared`."""
    places: int
    """How many pairs of task and language the questions are of: fewer than planned where an arm does not do all
    languages, or a cell is missing."""
    comparison: Comparison
    family: str | None = None
    """Whose tests its p was corrected with; None of one that no family names: it proves nothing."""


def taken_together(difference: Difference, plan: Plan) -> str:
    """What one of `POOL` is told of: all that the plan has, or how many of it."""
    planned = len(plan.languages)
    if difference.places == planned:
        return "all languages"
    has_one_task = len({task.name for task, _ in plan.languages}) == 1
    return f"{difference.places} of {planned} {'languages' if has_one_task else 'pairs of task and language'}"


def differences(plan: Plan, found: Sequence[CellScores], *, draws: int = 10_000) -> list[Difference]:
    """Compare every arm with its baseline, wherever both have been computed.

    Over all languages that both are there in, a question that several languages share (the same id in the same
    task) is one unit of the tests: what is easy in one language is easy in the others. Perturbed questions are
    compared where both arms can be asked other words.

    Args:
        plan: arms, baselines and families.
        found: the cells.
        draws: of the tests and intervals.
    """
    every = [
        difference
        for arm, baseline in plan.baselines.items()
        if arm != baseline
        for measure in plan.study.compared
        for difference in _of_arm(arm, baseline, measure, found, draws)
    ]
    for family in plan.study.families or (EVERYTHING,):
        members = [
            number
            for number, each in enumerate(every)
            if each.family is None and _belongs(each, family)
        ]  # fmt: skip
        corrected = correct_family([every[number].comparison for number in members])
        for number, comparison in zip(members, corrected, strict=True):
            every[number] = replace(every[number], comparison=comparison, family=family.name)
    return every


def _belongs(difference: Difference, family: Family) -> bool:
    if family.languages is None:
        is_in_language = difference.language != POOL
    else:
        is_in_language = difference.language in family.languages
    return (
        is_in_language
        and (family.arms is None or difference.arm.partition("@")[0] in family.arms)
        and (family.measures is None or difference.measure in family.measures)
    )


def _of_arm(
    arm: str, baseline: str, measure: str, found: Sequence[CellScores], draws: int
) -> Iterator[Difference]:
    first, second = _by_place(found, arm, measure), _by_place(found, baseline, measure)
    shared = [place for place in first if place in second]
    for task, language in shared:
        yield Difference(
            arm=arm, baseline=baseline, task=task, language=language, measure=measure, places=1,
            comparison=compare_systems(first[task, language], second[task, language], draws=draws),
        )  # fmt: skip
    if len(shared) > 1:
        left, right = _together(first, shared), _together(second, shared)
        clusters = {
            _known_as(place, query): (place[0], query) for place in shared for query in first[place][0]
        }
        yield Difference(
            arm=arm, baseline=baseline, task=POOL, language=POOL, measure=measure, places=len(shared),
            comparison=compare_systems(left, right, draws=draws, clusters=clusters),
        )  # fmt: skip


def _by_place(found: Sequence[CellScores], arm: str, measure: str) -> dict[Place, list[Scores]]:
    """Scores of each seed by task and language."""
    places: dict[Place, list[Scores]] = {}
    for each in found:
        if each.cell.arm == arm and measure in each.scores:
            places.setdefault((each.cell.task, each.cell.language), []).append(each.scores[measure])
    return places


def _together(places: Mapping[Place, Sequence[Scores]], shared: Sequence[Place]) -> list[Scores]:
    """The questions of several places as those of one, seed by seed; as many seeds as every place has."""
    n_seeds = min(len(places[place]) for place in shared)
    return [
        {_known_as(place, query): score for place in shared for query, score in places[place][seed].items()}
        for seed in range(n_seeds)
    ]


def _known_as(place: Place, query: QueryId) -> QueryId:
    """A question among those of all places: the same id in two languages is two questions, of one cluster."""
    return "\0".join((*place, query))
