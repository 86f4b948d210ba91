"""The report of a study as sections of prose, tables and pictures; `report_text.py` writes them otherwise."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import fmean, stdev
from typing import TypeAlias

from opticlir.evaluation.comparison_table import significance_mark
from opticlir.lab.studies.declaration import POOL, Arm, Recorded
from opticlir.lab.studies.differences import Difference, taken_together
from opticlir.lab.studies.findings import Effectiveness
from opticlir.lab.studies.plan import Plan
from opticlir.lab.studies.report_pictures import (
    decline_of_arms,
    forest_of_differences,
    gap_by_size,
    plane_of_spaces,
)
from opticlir.lab.studies.result import StudyResult
from opticlir.languages import language_name
from opticlir.manifest import environment
from opticlir.pictures import Block, Picture, Prose, Section, Table
from opticlir.pictures.report import Cell

Rows: TypeAlias = list[Sequence[Cell]]


def study_sections(result: StudyResult) -> list[Section]:
    """The whole report, what the study asks for and nothing empty.

    Raises:
        SetupError: matplotlib is not installed.
    """
    sections = [
        Section("Question", [Prose(_question(result))]),
        Section("Terms", [_terms(result)]),
        Section("Effectiveness", list(_effectiveness(result))),
        Section("Differences from the baseline", list(_differences(result))),
        Section("Gain over the best rival", list(_gains(result))),
        Section("Gap between groups of languages", list(_gaps(result))),
        Section("Geometry", list(_geometry(result))),
        Section("Robustness", list(_robustness(result))),
        Section("Language bias", list(_bias(result))),
        Section("Cells that failed", list(_failures(result))),
        Section("What was run", [_facts(result)]),
    ]
    return [section for section in sections if section.blocks]


def _question(result: StudyResult) -> str:
    study = result.plan.study
    return (
        f"{study.question}\n\nAn answer, declared before anything was run: {study.answer_if}\n\n"
        f"Baseline: {study.baseline}. Budget: {result.plan.budget.name}."
    )


def _terms(result: StudyResult) -> Table:
    rows: Rows = [
        [
            each.arm,
            _ranked_by(result.plan.arms[each.arm]),
            *(None if value is None else round(value) for value in (each.pairs, each.steps, each.parameters)),
            each.cells,
        ]
        for each in result.terms
    ]
    return Table(
        ("arm", "ranked by", "pairs", "steps", "parameters", "cells"),
        rows,
        note="Means over the cells of an arm: sentence pairs it learned from, training steps, weights of what reads "
        "the question. Empty where an arm learned nothing or has no such number.",
    )


def _ranked_by(arm: Arm) -> str:
    """Structured queries are BM25 whatever the study says, and a run file is what it is."""
    if isinstance(arm.source, Recorded):
        return "its own"
    return "bm25" if getattr(arm.source, "by", "") == "structured" else arm.ranking


def _effectiveness(result: StudyResult) -> Iterator[Block]:
    """A table per task and measure: arms below each other, languages side by side."""
    marks = {
        (each.arm, each.task, each.language, each.measure): significance_mark(each.comparison.p_holm)
        for each in result.differences
    }
    study = result.plan.study
    for task in dict.fromkeys(task.name for task, _ in result.plan.languages):
        for measure in study.measures:
            own = [each for each in result.effectiveness if (each.task, each.measure) == (task, measure)]
            languages = list(dict.fromkeys(each.language for each in own))
            arms = list(dict.fromkeys(each.arm for each in own))
            cell_of = {(each.arm, each.language): each for each in own}
            rows: Rows = [
                [arm, *(_score(cell_of.get((arm, code)), marks.get((arm, task, code, measure), ""))
                        for code in languages), _mean_of(own, arm, len(languages))]
                for arm in arms
            ]  # fmt: skip
            if rows:
                yield Table(
                    (f"{task}: {measure}", *map(language_name, languages), "mean"), rows, note=_seeds_note(own),
                    strong_rows=frozenset(
                        number for number, arm in enumerate(arms) if arm in result.plan.baselines.values()
                    ),
                )  # fmt: skip


def _score(cell: Effectiveness | None, mark: str) -> str:
    if cell is None:
        return ""
    spread = f" ± {stdev(cell.by_seed):.3f}" if len(cell.by_seed) > 1 else ""
    return f"{cell.mean:.3f}{spread}{mark}"


def _mean_of(rows: Sequence[Effectiveness], arm: str, n_languages: int) -> float | None:
    """Mean over the languages; None where one is missing, which would make it another mean."""
    own = [each.mean for each in rows if each.arm == arm]
    return fmean(own) if len(own) == n_languages else None


def _seeds_note(rows: Sequence[Effectiveness]) -> str:
    spread = "; ± is the standard deviation over seeds" if any(len(each.by_seed) > 1 for each in rows) else ""
    return (
        f"Mean over the questions{spread}. Stars: p of the difference from the baseline, Holm-corrected within its "
        "family, at most .05 (*), .01 (**), .001 (***). The baseline is set off; a mean is given where every language "
        "is there."
    )


def _differences(result: StudyResult) -> Iterator[Block]:
    first, place = result.plan.study.measures[0], partial(_place, result.plan)
    shown = [each for each in result.differences if each.measure == first]
    if not shown:
        yield Prose("Nothing can be compared: the baseline, or every other arm, has not been computed.")
        return
    yield Picture(
        forest_of_differences(shown, result.plan),
        description="; ".join(
            f"{each.arm} in {place(each)} {each.comparison.mean_difference:+.3f}" for each in shown
        ),
        caption=f"{first}, arm minus baseline, with 95 % bootstrap intervals over questions and seeds. Filled: p at "
        "most .05 after Holm's correction within its family.",
    )
    for measure in result.plan.study.measures:
        own = [each for each in result.differences if each.measure == measure]
        places = list(dict.fromkeys(map(place, own)))
        own.sort(key=lambda each: (each.language == POOL, places.index(place(each))))
        yield _difference_table(measure, own, place)


def _difference_table(title: str, found: Sequence[Difference], what: Callable[[Difference], str]) -> Table:
    """The first column says of each row `what` it is; what no row has, as a family, is no column."""
    header = (title, "arm", "difference", "95 % interval", "gain", "p", "p (Holm)", "family", "+/-/=")
    rows = [[what(each), *_difference_row(each)] for each in found]
    kept = [column for column in range(len(header)) if any(row[column] != "" for row in rows)]
    return Table(
        [header[column] for column in kept],
        [[row[column] for column in kept] for row in rows],
        note=f"p by the paired randomisation test. {_families(found)}",
    )


def _families(rows: Sequence[Difference]) -> str:
    sizes: dict[str, int] = {}
    for each in rows:
        if each.family:
            sizes[each.family] = sizes.get(each.family, 0) + 1
    counted = "; ".join(f"{name}: {size} tests here" for name, size in sizes.items())
    alone = any(each.family is None for each in rows)
    return (f"Families: {counted}. " if counted else "") + (
        "A comparison without a family is a description, no test: it has no corrected p." if alone else ""
    )


def _place(plan: Plan, each: Difference) -> str:
    if each.language == POOL:
        return taken_together(each, plan)
    return f"{each.task}, {language_name(each.language)}"


def _difference_row(each: Difference) -> list[Cell]:
    found = each.comparison
    low, high = found.interval
    relative = found.relative_difference
    return [
        each.arm,
        f"{found.mean_difference:+.3f}{significance_mark(found.p_holm)}",
        f"[{low:+.3f}, {high:+.3f}]",
        "" if relative is None else f"{relative:+.1%}",
        f"{found.p_value:.4f}",
        "" if found.p_holm is None else f"{found.p_holm:.4f}",
        each.family or "",
        f"{found.wins}/{found.losses}/{found.ties}",
    ]


def _gains(result: StudyResult) -> Iterator[Block]:
    if not result.gains or (declared := result.plan.study.gain) is None:
        return
    rows: Rows = [
        [each.task, language_name(each.language), each.arm, each.score, each.best_rival, each.rival_score,
         _percent(each.gain)]
        for each in result.gains
    ]  # fmt: skip
    known: dict[str, list[float]] = {}
    for each in result.gains:
        if each.gain is not None:
            known.setdefault(each.arm, []).append(each.gain)
    means = ", ".join(f"{arm} {fmean(values):+.1f} %" for arm, values in known.items())
    published = "" if declared.published is None else f" Published: {declared.published:+.1f} %."
    mean = f" Mean over the languages: {means}." if means else ""
    yield Table(
        ("task", "language", "arm", "score", "best rival", "its score", "gain"),
        rows,
        note=f"{result.plan.study.measures[0]}. The best rival of a language is chosen on the very questions, which "
        f"favours the rivals.{mean}{published}",
    )


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:+.1f} %"


def _gaps(result: StudyResult) -> Iterator[Block]:
    if not result.gaps:
        return
    if any(each.parameters for each in result.gaps):
        yield Picture(
            gap_by_size(result.gaps),
            description="; ".join(f"{each.arm}: gap {each.gap.high_minus_low:+.3f}" for each in result.gaps),
            caption="High minus low-resource languages, by the number of weights of what reads the question.",
        )
    rows: Rows = [
        [each.task, each.arm, each.gap.high, each.gap.low, each.gap.high_minus_low, each.gap.low_to_high,
         language_name(each.gap.worst), None if each.parameters is None else round(each.parameters)]
        for each in result.gaps
    ]  # fmt: skip
    yield Table(
        ("task", "arm", "high", "low", "gap", "low / high", "worst", "parameters"),
        rows,
        note=f"{result.plan.study.measures[0]}; the groups are those of the study file, fixed before scoring.",
    )


def _geometry(result: StudyResult) -> Iterator[Block]:
    if not result.geometry:
        return
    yield Picture(
        plane_of_spaces(result.geometry),
        description="; ".join(
            f"{each.arm}, {each.language}: alignment {each.alignment:.3f}, uniformity {each.uniformity:.3f}"
            for each in result.geometry
        ),
        caption="Alignment: how far translations lie apart. Uniformity: how crowded the questions of the language are. "
        "Lower is better in both.",
    )
    rows: Rows = [
        [each.task, language_name(each.language), each.arm, each.alignment, each.uniformity, each.uniformity_cross,
         each.cosine_margin, each.csls, each.language_identity]
        for each in result.geometry
    ]  # fmt: skip
    yield Table(
        (
            "task",
            "language",
            "arm",
            "alignment",
            "uniformity",
            "cross-lingual",
            "cosine margin",
            "CSLS accuracy",
            "language told",
        ),
        rows,
        note="Foreign questions by the query route, their English forms by the document route, a sentence as the mean "
        "of its tokens. Cosine margin: of translations minus of random pairs. Language told: accuracy of a linear "
        "probe, chance is .5.",
    )


def _robustness(result: StudyResult) -> Iterator[Block]:
    if not result.robustness:
        return
    measure = result.plan.study.measures[0]
    if picture := decline_of_arms(result.robustness, result.plan.study.perturbations, measure):
        yield Picture(
            picture,
            description="; ".join(
                f"{each.arm}, {each.perturbation}: {each.score:.3f} of {each.clean:.3f}"
                for each in result.robustness
            ),
            caption=f"{measure} as more of each question is disturbed; mean over languages and seeds.",
        )
    rows: Rows = [
        [each.task, each.perturbation, each.arm, each.clean, each.score, _share(each.drop),
         each.worst_language and language_name(each.worst_language), _share(each.worst_drop), each.overlap,
         _share(each.changed)]
        for each in result.robustness
    ]  # fmt: skip
    yield Table(
        (
            "task",
            "perturbation",
            "arm",
            "clean",
            "perturbed",
            "drop",
            "worst language",
            "its drop",
            "RBO",
            "changed",
        ),
        rows,
        note=f"{measure}; drop relative to the clean score; RBO (persistence .9) of clean and perturbed rankings; "
        "changed: share of the questions that are not what they were, since of few letters or words a small share is "
        "none.",
    )
    disturbed = [each for each in result.differences if each.measure not in result.plan.study.measures]
    # languages one by one where there is nothing to take together
    if shown := [each for each in disturbed if each.language == POOL] or disturbed:
        shown.sort(key=lambda each: result.plan.study.compared.index(each.measure))
        yield _difference_table(
            "disturbed", shown, lambda each: f"{each.measure}; {_place(result.plan, each)}"
        )


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _bias(result: StudyResult) -> Iterator[Block]:
    if not result.bias:
        return
    rows: Rows = [
        [
            each.task,
            language_name(each.language),
            each.arm,
            each.bias.rank_distance,
            each.bias.max_at_r,
            each.bias.peer,
        ]
        for each in result.bias
    ]
    yield Table(
        ("task", "language of the questions", "arm", "rank distance", "Max@R", "PEER"),
        rows,
        note="Rank distance and Max@R are ranks, lower is fairer; an answer that was not found is as far off as the "
        "pool allows. PEER goes from 0, ranked by language, to 1; where each language of the pool has one right answer "
        "it is the same for every ranking, and left empty.",
    )


def _failures(result: StudyResult) -> Iterator[Block]:
    if result.failures:
        yield Table(("cell", "reason"), [[str(each.cell), each.reason] for each in result.failures])


def _facts(result: StudyResult) -> Table:
    plan = result.plan
    seeds = plan.budget.seeds or plan.study.seeds
    budget = plan.budget.of_training() or {"epochs": "the default"}
    rows: Rows = [
        ["study file", plan.study.path.name],
        ["budget", f"{plan.budget.name}: " + ", ".join(f"{name} {value}" for name, value in budget.items())],
        ["seeds", ", ".join(map(str, seeds))],
        ["most questions per language", "all" if plan.budget.queries is None else str(plan.budget.queries)],
        ["teacher", plan.budget.teacher],
        ["cells", str(len(plan.cells))],
        *([name, version] for name, version in environment().items()),
    ]
    return Table(("", ""), rows)
