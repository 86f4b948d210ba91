"""Each system against its baseline, by language and over all languages, corrected within declared families."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TypeAlias

from opticlir.evaluation import Comparison, compare_systems, correct_family
from opticlir.evaluation.significance import equivalence_test
from opticlir.lab.studies.declaration import POOL, Family
from opticlir.lab.studies.plan import Plan
from opticlir.lab.studies.scores import RunScores
from opticlir.records import QueryId

Place: TypeAlias = tuple[str, str]
"""Task and language."""
Scores: TypeAlias = Mapping[QueryId, float]

EVERYTHING = Family(name="all comparisons by language")
"""The family of a study that declares none."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One system minus its baseline in one measure."""

    system: str
    baseline: str
    task: str
    """`all`: the questions of all tasks together."""
    language: str
    """`all`: the questions of several languages together."""
    measure: str
    """A measure, or a measure and a query noise: one of `Study.compared`."""
    places: int
    """Number of pairs of task and language. It is lower than planned if a system lacks languages or runs."""
    comparison: Comparison
    p_equivalent: float | None = None
    """p of the test that the two differ by less than the margin of the study, over questions; None without a margin."""
    family: str | None = None
    """The family of its corrected p. None means that no family has it: it is a description, not a test."""


def taken_together(difference: Difference, plan: Plan) -> str:
    """Name the languages of a difference over several languages: all of the plan, or their number."""
    planned = len(plan.languages)
    if difference.places == planned:
        return "all languages"
    has_one_task = len({task.name for task, _ in plan.languages}) == 1
    return f"{difference.places} of {planned} {'languages' if has_one_task else 'pairs of task and language'}"


def differences(plan: Plan, found: Sequence[RunScores], *, draws: int = 10_000) -> list[Difference]:
    """Compare every system with its baseline, wherever both have been computed.

    Over several languages, a question with the same id in the same task is one unit of the tests. Its difficulty is
    similar in all languages. Under query noise, only systems that rank changed questions are compared.

    Args:
        plan: systems, baselines and families.
        found: the measured runs.
        draws: number of draws of each test and interval.
    """
    once, margin = places_once(plan, found), plan.study.equivalence_margin
    every = [
        difference
        for system, baseline in plan.baselines.items()
        if system != baseline
        for measure in plan.study.compared
        for difference in _of_system(system, baseline, measure, found, draws=draws, once=once, margin=margin)
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
        and (family.systems is None or difference.system.partition("@")[0] in family.systems)
        and (family.measures is None or difference.measure in family.measures)
    )


def _of_system(
    system: str,
    baseline: str,
    measure: str,
    found: Sequence[RunScores],
    *,
    draws: int,
    once: Collection[Place],
    margin: float | None,
) -> Iterator[Difference]:
    first, second = by_place(found, system, measure), by_place(found, baseline, measure)
    shared = [place for place in first if place in second]
    for task, language in shared:
        yield Difference(
            system=system, baseline=baseline, task=task, language=language, measure=measure, places=1,
            comparison=compare_systems(first[task, language], second[task, language], draws=draws),
            p_equivalent=_p_equivalent(first[task, language], second[task, language], margin),
        )  # fmt: skip
    shared = [place for place in shared if place in once]
    if len(shared) > 1:
        left, right = _together(first, shared), _together(second, shared)
        clusters = {
            _known_as(place, query): (place[0], query) for place in shared for query in first[place][0]
        }
        yield Difference(
            system=system, baseline=baseline, task=POOL, language=POOL, measure=measure, places=len(shared),
            comparison=compare_systems(left, right, draws=draws, clusters=clusters),
            p_equivalent=_p_equivalent(left, right, margin, clusters),
        )  # fmt: skip


def _p_equivalent(
    first: Sequence[Scores],
    second: Sequence[Scores],
    margin: float | None,
    clusters: Mapping[QueryId, object] | None = None,
) -> float | None:
    """Test the means over seeds. It says nothing about other trainings."""
    queries = sorted(first[0])
    if margin is None or len(queries) < 2:
        return None
    means = [[fmean(seed[query] for seed in side) for query in queries] for side in (first, second)]
    labels = None if clusters is None else [str(clusters[query]) for query in queries]
    if labels is not None and len(set(labels)) < 2:
        return None
    return equivalence_test(*means, margin=margin, clusters=labels)


def places_once(plan: Plan, found: Sequence[RunScores]) -> list[Place]:
    """Return the measured pairs of task and language whose questions are in no earlier task of the same language.

    XQuAD and LAReQA ask the same questions. Over several languages, each set of questions counts once.
    """
    measured = {(each.run.task, each.run.language) for each in found}
    seen: dict[str, set[str]] = {}
    kept = []
    for task, language in plan.languages:
        if (task.name, language) not in measured:
            continue
        texts = {query.text for query in plan.tasks.load(task, language).queries}
        before = seen.setdefault(language, set())
        if len(texts & before) <= len(texts) / 2:
            kept.append((task.name, language))
        before |= texts
    return kept


def by_place(found: Sequence[RunScores], system: str, measure: str) -> dict[Place, list[Scores]]:
    """Scores of each seed by task and language."""
    places: dict[Place, list[Scores]] = {}
    for each in found:
        if each.run.name == system and measure in each.scores:
            places.setdefault((each.run.task, each.run.language), []).append(each.scores[measure])
    return places


def _together(places: Mapping[Place, Sequence[Scores]], shared: Sequence[Place]) -> list[Scores]:
    """Join the questions of several places, seed by seed, for the seeds that every place has."""
    n_seeds = min(len(places[place]) for place in shared)
    return [
        {_known_as(place, query): score for place in shared for query, score in places[place][seed].items()}
        for seed in range(n_seeds)
    ]


def _known_as(place: Place, query: QueryId) -> QueryId:
    """Return an id that differs between places: one question in two languages is two questions of one cluster."""
    return "\0".join((*place, query))
