"""Run the cells of a study that are missing: in any order, by any number of processes."""

import gc
import json
import logging
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from sentence_transformers import MultiVectorEncoder

from opticlir.encoder import encode_documents, encode_queries
from opticlir.errors import OpticlirError
from opticlir.lab.probes.geometry import measure_geometry, sentence_vectors
from opticlir.lab.studies.cells import Cell, CellStore
from opticlir.lab.studies.perturbed import perturbed_questions
from opticlir.lab.studies.plan import Plan, ranking_of
from opticlir.lab.studies.rankings import CLEAN_RUN, perturbed_run, write_ranking
from opticlir.lab.studies.systems import CellsDone, OnEvent, Question, StudyStoppedError, Workshop
from opticlir.records import Query
from opticlir.storage import LockedError
from opticlir.training.events import StageStarted

logger = logging.getLogger(__name__)

GEOMETRY = "geometry.json"
_POLL_SECONDS = 2.0

Wait = Callable[[float], None]


@dataclass(frozen=True, kw_only=True)
class CellFailure:
    """A cell that could not be computed, and why."""

    cell: Cell
    reason: str


def run_cells(
    plan: Plan,
    out: Path,
    *,
    keep_models: bool = True,
    on_event: OnEvent = lambda _: None,
    wait: Wait = time.sleep,
) -> list[CellFailure]:
    """Compute every cell that is not there. A cell that fails leaves the others as they are.

    Several processes may do this in one folder: each takes cells that nobody works on, and at the end
    waits for those of the others.

    Args:
        plan: the cells.
        out: the study's folder.
        keep_models: whether what was trained stays when no missing cell of the plan needs it; a report that is asked
            for later then trains nothing.
        on_event: called with the events of trainings, and with how many cells are done.
        wait: called with seconds while all that is left is in other hands.

    Returns:
        The cells that failed.

    Raises:
        StudyStoppedError: SIGTERM came.
    """
    store = CellStore(out)
    store.warn_of_outdated()
    worker = _Worker(plan, store, Workshop(out=out, on_event=on_event), keep_models=keep_models)
    failures: list[CellFailure] = []
    pending = list(plan.cells)
    while pending:
        held = []
        for number, cell in enumerate(pending, start=1):
            try:
                worker.do(cell)
            except LockedError:
                held.append(cell)
            except StudyStoppedError:
                raise
            except Exception as error:  # noqa: BLE001 - a night's work does not end with one bad cell
                failures.append(_failure(cell, error))
            n_done = len(plan.cells) - len(held) - (len(pending) - number)
            on_event(CellsDone(n_done, len(plan.cells), str(cell)))
        if len(held) == len(pending):
            wait(_POLL_SECONDS)
        pending = held
    return failures


def _failure(cell: Cell, error: Exception) -> CellFailure:
    if isinstance(error, OpticlirError | FloatingPointError):
        return CellFailure(cell=cell, reason=str(error))
    logger.exception("the cell %s failed", cell)
    return CellFailure(cell=cell, reason=f"{type(error).__name__}: {error}")


class _Worker:
    def __init__(self, plan: Plan, store: CellStore, workshop: Workshop, *, keep_models: bool) -> None:
        self._plan, self._store, self._workshop = plan, store, workshop
        self._keep_models = keep_models
        self._task_of = {task.name: task for task, _ in plan.languages}

    def do(self, cell: Cell) -> None:
        """Compute a cell, unless it is there."""
        if self._store.holds(cell):
            return
        with self._store.claimed(cell) as is_missing:
            if is_missing:
                self._compute(cell)
                gc.collect()  # a model refers to itself: few objects, so that Python is in no hurry, of 250 MB

    def _compute(self, cell: Cell) -> None:
        self._workshop.on_event(StageStarted(str(cell)))
        declared = self._task_of[cell.task]
        task = self._plan.tasks.load(declared, cell.language)
        question = Question(task=task, ranking=ranking_of(cell), depth=self._plan.study.depth)
        prepared = cell.system.prepare(question, self._workshop)
        with self._store.publish(cell, prepared.facts) as folder:
            write_ranking(prepared.rank(task.queries), folder / CLEAN_RUN)
            if cell.asked.get("perturbations"):
                for each, asked in perturbed_questions(self._plan, declared, cell.language).items():
                    write_ranking(prepared.rank(asked), folder / perturbed_run(each))
            if cell.asked.get("geometry") and prepared.model is not None:
                found = _geometry(prepared.model, task.queries, task.english_queries)
                (folder / GEOMETRY).write_text(json.dumps(found) + "\n", encoding="utf-8")
        if prepared.learned and not self._keep_models and not self._is_needed(cell):
            shutil.rmtree(prepared.learned, ignore_errors=True)

    def _is_needed(self, cell: Cell) -> bool:
        """Whether a cell that is missing has the system of this one."""
        system = cell.content["system"]
        return any(
            other.content["system"] == system and not self._store.holds(other) for other in self._plan.cells
        )


def _geometry(
    model: MultiVectorEncoder, queries: Sequence[Query], english: Sequence[Query]
) -> dict[str, float]:
    """The questions and their English forms in the space of the model."""
    text_of = {query.query_id: query.text for query in english}
    pairs = [(query.text, text_of[query.query_id]) for query in queries if query.query_id in text_of]
    foreign = sentence_vectors(encode_queries(model, [text for text, _ in pairs]))
    english_side = sentence_vectors(encode_documents(model, (text for _, text in pairs)))
    return asdict(measure_geometry(foreign, english_side, is_probed=True))
