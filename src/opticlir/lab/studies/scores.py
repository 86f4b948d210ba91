"""What the cells say: every question's score in every measure, and what was measured beside it."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from statistics import fmean

from opticlir.evaluation import evaluate
from opticlir.lab.probes.geometry import Geometry
from opticlir.lab.probes.language_bias import max_at_r, peer, rank_distance
from opticlir.lab.probes.robustness import mean_overlap
from opticlir.lab.studies.cells import Cell, CellStore
from opticlir.lab.studies.declaration import POOLED, StudyTask
from opticlir.lab.studies.perturbed import changed_shares
from opticlir.lab.studies.plan import Plan
from opticlir.lab.studies.rankings import CLEAN_RUN, perturbed_run, read_ranking
from opticlir.lab.studies.run import GEOMETRY
from opticlir.records import DocumentId, Qrels, QueryId, RetrievalTask, Run


@dataclass(frozen=True, kw_only=True)
class Bias:
    """How far a pooled collection is ranked by language; means over the questions that can tell."""

    rank_distance: float | None
    """None where no question has two relevant documents."""
    max_at_r: float | None
    """None where none has any."""
    peer: float | None
    """None where none has two in one language: it is the same for every ranking then."""


@dataclass(frozen=True, kw_only=True)
class CellScores:
    """One cell, measured."""

    cell: Cell
    facts: Mapping[str, int]
    """`pairs`, `steps`, `parameters`, where they are known."""
    scores: Mapping[str, Mapping[QueryId, float]]
    """measure, or measure and perturbation (`Study.compared`) -> question -> score."""
    overlap: Mapping[str, float] = field(default_factory=dict)
    """Label of a perturbation -> mean RBO of the clean and the perturbed ranking."""
    changed: Mapping[str, float] = field(default_factory=dict)
    """Label of a perturbation -> share of the questions that it changes at all."""
    geometry: Geometry | None = None
    bias: Bias | None = None

    def mean(self, measure: str) -> float:
        """Mean over the questions."""
        return fmean(self.scores[measure].values())


def measure_cells(plan: Plan, store: CellStore) -> list[CellScores]:
    """Measure every cell that is there, in the order of the plan.

    Raises:
        DataError: a collection is not what it was.
        ArtefactError: a cell is damaged.
    """
    declared = {task.name: task for task, _ in plan.languages}

    @cache  # the same for every arm, and words are not known for nothing
    def changed(task: str, language: str) -> dict[str, float]:
        return changed_shares(plan, declared[task], language)

    return [
        _measured(plan, cell, declared[cell.task], store, changed)
        for cell in plan.cells
        if store.holds(cell)
    ]  # fmt: skip


def _measured(
    plan: Plan,
    cell: Cell,
    declared: StudyTask,
    store: CellStore,
    changed: Callable[[str, str], Mapping[str, float]],
) -> CellScores:
    study, folder = plan.study, store.folder(cell)
    task, is_perturbed = plan.tasks.load(declared, cell.language), bool(cell.asked.get("perturbations"))
    run = read_ranking(folder / CLEAN_RUN, task.qrels)
    first = study.measures[0]
    scores = evaluate(run, task.qrels, study.measures)
    overlap = {}
    for each in study.perturbations if is_perturbed else ():
        other = read_ranking(folder / perturbed_run(each), task.qrels)
        scores[study.disturbed(each)] = evaluate(other, task.qrels, [first])[first]
        overlap[each.label] = mean_overlap(run, other, task.qrels)
    geometry = folder / GEOMETRY
    return CellScores(
        cell=cell,
        facts=store.manifest(cell).counts,
        scores=scores,
        overlap=overlap,
        changed=changed(cell.task, cell.language) if is_perturbed else {},
        geometry=Geometry(**json.loads(geometry.read_text(encoding="utf-8"))) if geometry.exists() else None,
        bias=language_bias(run, task) if declared.benchmark in POOLED and "bias" in study.reports else None,
    )


def language_bias(run: Run, task: RetrievalTask) -> Bias:
    """Measure a ranking of a pooled task, whose document ids begin with their languages."""
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
