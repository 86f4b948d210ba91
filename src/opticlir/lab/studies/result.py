"""The result of a study: all that its report shows, also as plain values."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from opticlir.lab.studies.compute import RunFailure
from opticlir.lab.studies.differences import Difference, differences
from opticlir.lab.studies.findings import (
    BiasRow,
    Effectiveness,
    GainRow,
    GapRow,
    GeometryRow,
    RobustnessRow,
    Terms,
    biases,
    effectiveness,
    gains,
    gaps,
    geometries,
    robustness,
    terms,
)
from opticlir.lab.studies.mean_gain import MeanGain, mean_gains
from opticlir.lab.studies.plan import Plan
from opticlir.lab.studies.scores import measure_runs
from opticlir.lab.studies.study_runs import RunStore
from opticlir.manifest import environment


@dataclass(frozen=True, kw_only=True)
class StudyResult:
    """All results of a study."""

    plan: Plan
    failures: tuple[RunFailure, ...]
    terms: tuple[Terms, ...]
    effectiveness: tuple[Effectiveness, ...]
    differences: tuple[Difference, ...]
    gaps: tuple[GapRow, ...]
    robustness: tuple[RobustnessRow, ...]
    geometry: tuple[GeometryRow, ...]
    bias: tuple[BiasRow, ...]
    gains: tuple[GainRow, ...]
    mean_gains: tuple[MeanGain, ...]


def study_result(
    plan: Plan, store: RunStore, failures: Sequence[RunFailure] = (), *, draws: int = 10_000
) -> StudyResult:
    """Measure the finished runs and compare them.

    Args:
        plan: the study.
        store: its runs.
        failures: runs that failed.
        draws: number of draws of each randomisation test and bootstrap interval.

    Raises:
        ArtefactError: a run is damaged.
    """
    found = measure_runs(plan, store)
    reports = plan.study.reports
    gained = gains(plan, found) if "gain" in reports else []
    return StudyResult(
        plan=plan,
        failures=tuple(failures),
        terms=tuple(terms(plan, found)),
        effectiveness=tuple(effectiveness(plan, found)),
        differences=tuple(differences(plan, found, draws=draws)),
        gaps=tuple(gaps(plan, found)) if "gap" in reports else (),
        robustness=tuple(robustness(plan, found)),
        geometry=tuple(geometries(plan, found)),
        bias=tuple(biases(plan, found)),
        gains=tuple(gained),
        mean_gains=tuple(mean_gains(plan, found, gained)),
    )


def result_json(result: StudyResult) -> dict[str, Any]:
    """Return the result as plain values, for `results.json`."""
    plan = result.plan
    return {
        "study": str(plan.study.path),
        "question": plan.study.question,
        "answer_if": plan.study.answer_if,
        "baseline": plan.study.baseline,
        "budget": asdict(plan.budget),
        "environment": environment(),
        "runs": [run.plain() for run in plan.runs],
        "failures": [{"run": str(each.run), "reason": each.reason} for each in result.failures],
        "terms": [asdict(row) for row in result.terms],
        "effectiveness": [asdict(row) | {"mean": row.mean} for row in result.effectiveness],
        "differences": [asdict(row) for row in result.differences],
        "gaps": [
            asdict(row) | {"high_minus_low": row.gap.high_minus_low, "low_to_high": row.gap.low_to_high}
            for row in result.gaps
        ],
        "robustness": [asdict(row) | {"drop": row.drop} for row in result.robustness],
        "geometry": [asdict(row) for row in result.geometry],
        "bias": [asdict(row) for row in result.bias],
        "mean_gains": [asdict(row) for row in result.mean_gains],
        "gains": [asdict(row) | {"gain": row.gain} for row in result.gains],
    }
