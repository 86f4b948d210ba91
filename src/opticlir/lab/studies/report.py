"""The report of a study as sections of prose, tables and pictures. `report_text.py` writes them as text."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from statistics import fmean, stdev
from typing import Any

from opticlir.evaluation.comparison_table import significance_mark
from opticlir.lab.studies.declaration import POOL, Recorded, SystemSpec
from opticlir.lab.studies.differences import Difference, taken_together
from opticlir.lab.studies.findings import Effectiveness
from opticlir.lab.studies.plan import Plan
from opticlir.lab.studies.report_pictures import (
    decline_of_systems,
    forest_of_differences,
    gap_by_size,
    plane_of_spaces,
)
from opticlir.lab.studies.result import StudyResult
from opticlir.languages import language_name
from opticlir.manifest import environment
from opticlir.pictures import Block, Picture, Prose, Section, Table
from opticlir.pictures.report import Cell


def study_sections(result: StudyResult) -> list[Section]:
    """Return the whole report, without empty sections.

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
        Section("Runs that failed", list(_failures(result))),
        Section("Setup", [_setup(result)]),
    ]
    return [section for section in sections if section.blocks]


def _table(rows: Sequence[Any], columns: Mapping[str, Callable[[Any], Cell]], note: str) -> Table:
    """Return a table with a row for each object."""
    return Table(tuple(columns), [[cell(row) for cell in columns.values()] for row in rows], note=note)


def _question(result: StudyResult) -> str:
    study = result.plan.study
    return (
        f"{study.question}\n\nThe answer rule, declared before anything was computed: {study.answer_if}\n\n"
        f"Baseline: {study.baseline}. Budget: {result.plan.budget.name}."
    )


def _terms(result: StudyResult) -> Table:
    systems = result.plan.systems
    return _table(
        result.terms,
        {
            "system": lambda row: row.system,
            "ranked by": lambda row: _ranked_by(systems[row.system]),
            "pairs": lambda row: _rounded(row.pairs),
            "steps": lambda row: _rounded(row.steps),
            "parameters": lambda row: _rounded(row.parameters),
            "runs": lambda row: row.runs,
        },
        "Means over the runs of a system: sentence pairs for learning, training steps, and weights of the query "
        "encoder. Empty: the system has no such number.",
    )


def _rounded(value: float | None) -> int | None:
    return None if value is None else round(value)


def _ranked_by(spec: SystemSpec) -> str:
    """Structured queries always use BM25, and a run file has its own ranking."""
    if isinstance(spec.source, Recorded):
        return "its own"
    return "bm25" if getattr(spec.source, "by", "") == "structured" else spec.ranking


def _effectiveness(result: StudyResult) -> Iterator[Block]:
    """Yield a table per task and measure, with a row per system and a column per language."""
    marks = {
        (each.system, each.task, each.language, each.measure): significance_mark(each.comparison.p_holm)
        for each in result.differences
    }
    for task in dict.fromkeys(task.name for task, _ in result.plan.languages):
        for measure in result.plan.study.measures:
            own = [each for each in result.effectiveness if (each.task, each.measure) == (task, measure)]
            languages = list(dict.fromkeys(each.language for each in own))
            systems = list(dict.fromkeys(each.system for each in own))
            score_of = {(each.system, each.language): each for each in own}
            rows: list[Sequence[Cell]] = [
                [system, *(_score(score_of.get((system, code)), marks.get((system, task, code, measure), ""))
                           for code in languages), _mean_of(own, system, len(languages))]
                for system in systems
            ]  # fmt: skip
            if rows:
                baselines = result.plan.baselines.values()
                yield Table(
                    (f"{task}: {measure}", *map(language_name, languages), "mean"), rows, note=_seeds_note(own),
                    strong_rows=frozenset(number for number, name in enumerate(systems) if name in baselines),
                )  # fmt: skip


def _score(found: Effectiveness | None, mark: str) -> str:
    if found is None:
        return ""
    spread = f" ± {stdev(found.by_seed):.3f}" if len(found.by_seed) > 1 else ""
    return f"{found.mean:.3f}{spread}{mark}"


def _mean_of(rows: Sequence[Effectiveness], system: str, n_languages: int) -> float | None:
    """Return the mean over the languages; None if one is missing."""
    own = [each.mean for each in rows if each.system == system]
    return fmean(own) if len(own) == n_languages else None


def _seeds_note(rows: Sequence[Effectiveness]) -> str:
    spread = "; ± is the standard deviation over seeds" if any(len(each.by_seed) > 1 for each in rows) else ""
    return (
        f"Mean over the questions{spread}. Stars: p of the difference from the baseline, Holm-corrected within its "
        "family, is at most .05 (*), .01 (**) or .001 (***). The baseline is in bold. A mean needs every language."
    )


def _differences(result: StudyResult) -> Iterator[Block]:
    first, place = result.plan.study.measures[0], partial(_place, result.plan)
    shown = [each for each in result.differences if each.measure == first]
    if not shown:
        yield Prose("There is no comparison: the baseline, or every other system, is not computed.")
        return
    yield Picture(
        forest_of_differences(shown, result.plan),
        description="; ".join(
            f"{each.system} in {place(each)} {each.comparison.mean_difference:+.3f}" for each in shown
        ),
        caption=f"{first}, system minus baseline, with 95 % bootstrap intervals over "
        f"{_drawn(result.plan)}. Filled: p at most .05 after Holm's correction within its family.",
    )
    for measure in result.plan.study.measures:
        own = [each for each in result.differences if each.measure == measure]
        places = list(dict.fromkeys(map(place, own)))
        own.sort(key=lambda each: (each.language == POOL, places.index(place(each))))
        yield _difference_table(measure, own, place)


def _drawn(plan: Plan) -> str:
    """Name what the intervals resample. With one seed, they say nothing about other trainings."""
    seeds = plan.budget.seeds or plan.study.seeds
    return "questions and seeds" if len(seeds) > 1 else "questions; there is one seed"


def _difference_table(title: str, found: Sequence[Difference], what: Callable[[Difference], str]) -> Table:
    """Return a row per difference, named by `what`. Empty columns are left out."""
    columns: dict[str, Callable[[Difference], str]] = {
        title: what,
        "system": lambda each: each.system,
        "difference": lambda each: (
            f"{each.comparison.mean_difference:+.3f}{significance_mark(each.comparison.p_holm)}"
        ),
        "95 % interval": lambda each: "[{:+.3f}, {:+.3f}]".format(*each.comparison.interval),
        "gain": lambda each: _share(each.comparison.relative_difference, sign="+"),
        "p": lambda each: f"{each.comparison.p_value:.4f}",
        "p (Holm)": lambda each: "" if each.comparison.p_holm is None else f"{each.comparison.p_holm:.4f}",
        "p (equivalent)": lambda each: "" if each.p_equivalent is None else f"{each.p_equivalent:.4f}",
        "family": lambda each: each.family or "",
        "+/-/=": lambda each: f"{each.comparison.wins}/{each.comparison.losses}/{each.comparison.ties}",
    }
    kept = {name: text for name, text in columns.items() if any(text(each) for each in found)}
    return _table(found, kept, f"p by the paired randomisation test. {_equivalence(found)}{_families(found)}")


def _equivalence(rows: Sequence[Difference]) -> str:
    if all(each.p_equivalent is None for each in rows):
        return ""
    return (
        "p (equivalent): two one-sided t-tests of a difference below the declared margin, over questions; at most .05 "
        "means equivalent. "
    )


def _families(rows: Sequence[Difference]) -> str:
    sizes: dict[str, int] = {}
    for each in rows:
        if each.family:
            sizes[each.family] = sizes.get(each.family, 0) + 1
    counted = "; ".join(f"{name}: {size} tests here" for name, size in sizes.items())
    alone = any(each.family is None for each in rows)
    return (f"Families: {counted}. " if counted else "") + (
        "A comparison without a family is a description, not a test: it has no corrected p." if alone else ""
    )


def _place(plan: Plan, each: Difference) -> str:
    if each.language == POOL:
        return taken_together(each, plan)
    return f"{each.task}, {language_name(each.language)}"


def _gains(result: StudyResult) -> Iterator[Block]:
    if not result.gains or (declared := result.plan.study.gain) is None:
        return
    known: dict[str, list[float]] = {}
    for each in result.gains:
        if each.gain is not None:
            known.setdefault(each.system, []).append(each.gain)
    means = ", ".join(f"{system} {fmean(values):+.1f} %" for system, values in known.items())
    published = "" if declared.published is None else f" Published: {declared.published:+.1f} %."
    mean = f" Mean over the languages: {means}." if means else ""
    for whole in result.mean_gains:
        mean += (
            f" {whole.system}: {whole.mean:+.1f} % [{whole.low:+.1f}, {whole.high:+.1f}] over {whole.n_places} sets of "
            "questions, by a bootstrap that draws languages, then questions and seeds within them."
        )
    yield _table(
        result.gains,
        {
            "task": lambda row: row.task,
            "language": lambda row: language_name(row.language),
            "system": lambda row: row.system,
            "score": lambda row: row.score,
            "best rival": lambda row: row.best_rival,
            "its score": lambda row: row.rival_score,
            "gain": lambda row: "" if row.gain is None else f"{row.gain:+.1f} %",
        },
        f"{result.plan.study.measures[0]}. The best rival of a language is chosen on the same questions, which favours "
        f"the rivals.{mean}{published}",
    )


def _gaps(result: StudyResult) -> Iterator[Block]:
    if not result.gaps:
        return
    if any(each.parameters for each in result.gaps):
        yield Picture(
            gap_by_size(result.gaps),
            description="; ".join(
                f"{each.system}: gap {each.gap.high_minus_low:+.3f}" for each in result.gaps
            ),
            caption="High minus low-resource languages, by the number of weights of the query encoder.",
        )
    yield _table(
        result.gaps,
        {
            "task": lambda row: row.task,
            "system": lambda row: row.system,
            "high": lambda row: row.gap.high,
            "low": lambda row: row.gap.low,
            "gap": lambda row: row.gap.high_minus_low,
            "low / high": lambda row: row.gap.low_to_high,
            "worst": lambda row: language_name(row.gap.worst),
            "parameters": lambda row: _rounded(row.parameters),
        },
        f"{result.plan.study.measures[0]}; the groups are those of the study file, fixed before scoring.",
    )


def _geometry(result: StudyResult) -> Iterator[Block]:
    if not result.geometry:
        return
    yield Picture(
        plane_of_spaces(result.geometry),
        description="; ".join(
            f"{each.system}, {each.language}: alignment {each.space.alignment:.3f}, "
            f"uniformity {each.space.uniformity_foreign:.3f}"
            for each in result.geometry
        ),
        caption="Alignment: distance between translations. Uniformity: how close the questions of the language are to "
        "each other. Lower is better in both.",
    )
    yield _table(
        result.geometry,
        {
            "task": lambda row: row.task,
            "language": lambda row: language_name(row.language),
            "system": lambda row: row.system,
            "alignment": lambda row: row.space.alignment,
            "uniformity": lambda row: row.space.uniformity_foreign,
            "cross-lingual": lambda row: row.space.uniformity_cross,
            "cosine margin": lambda row: row.space.cosine_margin,
            "CSLS accuracy": lambda row: row.space.csls_to_english,
            "language probe": lambda row: row.space.language_identity,
        },
        "The query route encodes foreign questions, the document route their English forms. A sentence is the mean of "
        "its tokens. Cosine margin: cosine of translations minus cosine of random pairs. Language probe: accuracy of a "
        "linear classifier of the language; chance is .5.",
    )


def _robustness(result: StudyResult) -> Iterator[Block]:
    if not result.robustness:
        return
    study = result.plan.study
    measure = study.measures[0]
    if picture := decline_of_systems(result.robustness, study.noises, measure):
        yield Picture(
            picture,
            description="; ".join(
                f"{each.system}, {each.noise}: {each.score:.3f} of {each.clean:.3f}"
                for each in result.robustness
            ),
            caption=f"{measure} as query noise grows; mean over languages and seeds.",
        )
    yield _table(
        result.robustness,
        {
            "task": lambda row: row.task,
            "query noise": lambda row: row.noise,
            "system": lambda row: row.system,
            "clean": lambda row: row.clean,
            "noisy": lambda row: row.score,
            "drop": lambda row: _share(row.drop),
            "worst language": lambda row: row.worst_language and language_name(row.worst_language),
            "its drop": lambda row: _share(row.worst_drop),
            "RBO": lambda row: row.overlap,
            "changed": lambda row: _share(row.changed),
        },
        f"{measure}. The drop is relative to the clean score. RBO (persistence .9) compares the clean and the noisy "
        "ranking. Changed: share of the questions that the noise changes (a small share of few letters rounds to 0).",
    )
    noisy = [each for each in result.differences if each.measure not in study.measures]
    # one row per language only where there is no row over several languages
    if shown := [each for each in noisy if each.language == POOL] or noisy:
        shown.sort(key=lambda each: study.compared.index(each.measure))
        yield _difference_table(
            "with query noise", shown, lambda each: f"{each.measure}; {_place(result.plan, each)}"
        )


def _share(value: float | None, *, sign: str = "") -> str:
    return "" if value is None else f"{value:{sign}.1%}"


def _bias(result: StudyResult) -> Iterator[Block]:
    if result.bias:
        yield _table(
            result.bias,
            {
                "task": lambda row: row.task,
                "language of the questions": lambda row: language_name(row.language),
                "system": lambda row: row.system,
                "rank distance": lambda row: row.bias.rank_distance,
                "Max@R": lambda row: row.bias.max_at_r,
                "PEER": lambda row: row.bias.peer,
            },
            "Rank distance and Max@R are ranks; lower is fairer. An answer that is not found has the worst rank of the "
            "pool. PEER is from 0 (ranked by language) to 1. If each language of the pool has one right answer, "
            "PEER is the same for every ranking and is left empty.",
        )


def _failures(result: StudyResult) -> Iterator[Block]:
    if result.failures:
        yield Table(("run", "reason"), [[str(each.run), each.reason] for each in result.failures])


def _setup(result: StudyResult) -> Table:
    plan = result.plan
    budget = plan.budget.of_training() or {"epochs": "the default"}
    rows: list[Sequence[Cell]] = [
        ["study file", plan.study.path.name],
        ["budget", f"{plan.budget.name}: " + ", ".join(f"{name} {value}" for name, value in budget.items())],
        ["seeds", ", ".join(map(str, plan.budget.seeds or plan.study.seeds))],
        ["most questions per language", "all" if plan.budget.queries is None else str(plan.budget.queries)],
        ["teacher", plan.budget.teacher],
        ["runs", str(len(plan.runs))],
        *([name, version] for name, version in environment().items()),
    ]
    return Table(("", ""), rows)
