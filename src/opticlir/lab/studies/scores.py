"""Measures of the study runs: the score of every question, robustness, geometry and language bias."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from statistics import fmean

from opticlir.data.own_documents import without_own
from opticlir.evaluation import evaluate
from opticlir.lab.probes.geometry import Geometry
from opticlir.lab.probes.language_bias import max_at_r, peer, rank_distance
from opticlir.lab.probes.robustness import mean_overlap
from opticlir.lab.studies.compute import GEOMETRY
from opticlir.lab.studies.declaration import POOLED, StudyTask
from opticlir.lab.studies.noisy_questions import changed_shares
from opticlir.lab.studies.plan import Plan
from opticlir.lab.studies.rankings import CLEAN_RUN, noisy_run, read_ranking
from opticlir.lab.studies.study_runs import RunStore, StudyRun
from opticlir.records import DocumentId, Qrels, QueryId, RetrievalTask, Run


@dataclass(frozen=True, kw_only=True)
class Bias:
    """Language bias in a pooled collection: means over the questions that show it."""

    rank_distance: float | None
    """None if no question has two relevant documents."""
    max_at_r: float | None
    """None if no question has a relevant document."""
    peer: float | None
    """None if no question has two in one language: PEER is then the same for every ranking."""


@dataclass(frozen=True, kw_only=True)
class RunScores:
    """One study run, measured."""

    run: StudyRun
    counts: Mapping[str, int]
    """`pairs`, `steps` and `parameters`, if known."""
    scores: Mapping[str, Mapping[QueryId, float]]
    """Score by question, for each measure of `Study.compared`."""
    overlap: Mapping[str, float] = field(default_factory=dict)
    """Mean RBO of the clean and the noisy ranking, by label of the query noise."""
    changed: Mapping[str, float] = field(default_factory=dict)
    """Share of the questions that change, by label of the query noise."""
    geometry: Geometry | None = None
    bias: Bias | None = None

    def mean(self, measure: str) -> float:
        """Mean over the questions."""
        return fmean(self.scores[measure].values())


def measure_runs(plan: Plan, store: RunStore) -> list[RunScores]:
    """Measure every finished run, in the order of the plan.

    Raises:
        DataError: a collection changed since the study was planned.
        ArtefactError: a run is damaged.
    """
    declared = {task.name: task for task, _ in plan.languages}

    @cache  # the same for every system, and slow
    def changed(task: str, language: str) -> dict[str, float]:
        return changed_shares(plan, declared[task], language)

    return [
        _measured(plan, study_run, declared[study_run.task], store, changed)
        for study_run in plan.runs
        if store.holds(study_run)
    ]  # fmt: skip


def _measured(
    plan: Plan,
    study_run: StudyRun,
    declared: StudyTask,
    store: RunStore,
    changed: Callable[[str, str], Mapping[str, float]],
) -> RunScores:
    study, folder = plan.study, store.folder(study_run)
    task, is_noisy = plan.tasks.load(declared, study_run.language), bool(study_run.asked.get("noises"))
    run = judged_ranking(folder / CLEAN_RUN, task.qrels)
    first = study.measures[0]
    scores = evaluate(run, task.qrels, study.measures)
    overlap = {}
    for each in study.noises if is_noisy else ():
        other = judged_ranking(folder / noisy_run(each), task.qrels)
        scores[study.noisy_measure(each)] = evaluate(other, task.qrels, [first])[first]
        overlap[each.label] = mean_overlap(run, other, task.qrels)
    geometry = folder / GEOMETRY
    return RunScores(
        run=study_run,
        counts=store.manifest(study_run).counts,
        scores=scores,
        overlap=overlap,
        changed=changed(study_run.task, study_run.language) if is_noisy else {},
        geometry=Geometry(**json.loads(geometry.read_text(encoding="utf-8"))) if geometry.exists() else None,
        bias=language_bias(run, task) if declared.benchmark in POOLED and "bias" in study.reports else None,
    )


def judged_ranking(path: Path, qrels: Qrels) -> Run:
    """Read the ranking of the judged questions, without their own documents."""
    return without_own(read_ranking(path, qrels), qrels)


def language_bias(run: Run, task: RetrievalTask) -> Bias:
    """Measure a ranking of a pooled task, in which a document id begins with its language."""
    n_documents = len(task.documents)
    languages = {document.doc_id: _language_of(document.doc_id) for document in task.documents}
    return Bias(
        rank_distance=_mean(rank_distance(run, task.qrels, n_documents=n_documents)),
        max_at_r=_mean(max_at_r(run, task.qrels, n_documents=n_documents)),
        peer=_mean(peer(run, task.qrels, languages)) if _has_two_of_a_language(task.qrels) else None,
    )


def _language_of(doc_id: DocumentId) -> str:
    return doc_id.partition(".")[0]


def _has_two_of_a_language(qrels: Qrels) -> bool:
    """Whether some question has two relevant documents in one language."""
    counts = (
        Counter(_language_of(doc_id) for doc_id, grade in grades.items() if grade > 0)
        for grades in qrels.values()
    )
    return any(count > 1 for each in counts for count in each.values())


def _mean(values: Mapping[QueryId, float]) -> float | None:
    return fmean(values.values()) if values else None
