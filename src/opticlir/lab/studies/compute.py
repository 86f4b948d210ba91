"""Compute the missing runs of a study: in any order, by any number of processes."""

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
from opticlir.lab.studies.noisy_questions import noisy_questions
from opticlir.lab.studies.plan import Plan, ranking_of
from opticlir.lab.studies.rankings import CLEAN_RUN, noisy_run, write_ranking
from opticlir.lab.studies.study_runs import RunStore, StudyRun
from opticlir.lab.studies.systems import OnEvent, Request, RunsDone, StudyStoppedError, Workspace
from opticlir.records import Query
from opticlir.storage import LockedError
from opticlir.training.events import StageStarted

logger = logging.getLogger(__name__)

GEOMETRY = "geometry.json"
_POLL_SECONDS = 2.0

Wait = Callable[[float], None]


@dataclass(frozen=True, kw_only=True)
class RunFailure:
    """A run that failed, and why."""

    run: StudyRun
    reason: str


def compute_runs(
    plan: Plan,
    out: Path,
    *,
    keep_models: bool = True,
    on_event: OnEvent = lambda _: None,
    wait: Wait = time.sleep,
) -> list[RunFailure]:
    """Compute every missing run. A run that fails leaves the others as they are.

    Several processes may share one folder. Each takes runs that no other process works on, and waits for the others at
    the end.

    Args:
        plan: the runs.
        out: the study's folder.
        keep_models: whether to keep trained models that no missing run needs. A report that is added later then needs
            no training.
        on_event: receives training events, and `RunsDone` after each run.
        wait: called with seconds while other processes work on all runs that are left.

    Returns:
        The runs that failed.

    Raises:
        StudyStoppedError: SIGTERM came.
    """
    store = RunStore(out)
    store.warn_of_outdated()
    worker = _Worker(plan, store, Workspace(out=out, on_event=on_event), keep_models=keep_models)
    failures: list[RunFailure] = []
    pending = list(plan.runs)
    while pending:
        held = []
        for number, run in enumerate(pending, start=1):
            try:
                worker.do(run)
            except LockedError:
                held.append(run)
            except StudyStoppedError:
                raise
            except Exception as error:  # noqa: BLE001 - one bad run does not end a night's work
                failures.append(_failure(run, error))
            n_done = len(plan.runs) - len(held) - (len(pending) - number)
            on_event(RunsDone(n_done, len(plan.runs), str(run)))
        if len(held) == len(pending):
            wait(_POLL_SECONDS)
        pending = held
    return failures


def _failure(run: StudyRun, error: Exception) -> RunFailure:
    if isinstance(error, OpticlirError | FloatingPointError):
        return RunFailure(run=run, reason=str(error))
    logger.exception("the run %s failed", run)
    return RunFailure(run=run, reason=f"{type(error).__name__}: {error}")


class _Worker:
    def __init__(self, plan: Plan, store: RunStore, workspace: Workspace, *, keep_models: bool) -> None:
        self._plan, self._store, self._workspace = plan, store, workspace
        self._keep_models = keep_models
        self._task_of = {task.name: task for task, _ in plan.languages}

    def do(self, run: StudyRun) -> None:
        """Compute a run if it is missing."""
        if self._store.holds(run):
            return
        with self._store.claimed(run) as is_missing:
            if is_missing:
                self._compute(run)
                gc.collect()  # a model is part of a reference cycle, and holds 250 MB until it is collected

    def _compute(self, run: StudyRun) -> None:
        self._workspace.on_event(StageStarted(str(run)))
        declared = self._task_of[run.task]
        task = self._plan.tasks.load(declared, run.language)
        request = Request(task=task, ranking=ranking_of(run), depth=self._plan.study.depth)
        prepared = run.system.prepare(request, self._workspace)
        with self._store.publish(run, prepared.counts) as folder:
            write_ranking(prepared.rank(task.queries), folder / CLEAN_RUN)
            if run.asked.get("noises"):
                for noise, queries in noisy_questions(self._plan, declared, run.language).items():
                    write_ranking(prepared.rank(queries), folder / noisy_run(noise))
            if run.asked.get("geometry") and prepared.model is not None:
                found = _geometry(prepared.model, task.queries, task.english_queries)
                (folder / GEOMETRY).write_text(json.dumps(found) + "\n", encoding="utf-8")
        if prepared.learned and not self._keep_models and not self._is_needed(run):
            shutil.rmtree(prepared.learned, ignore_errors=True)

    def _is_needed(self, run: StudyRun) -> bool:
        """Whether a missing run has the same system."""
        system = run.content["system"]
        return any(
            other.content["system"] == system and not self._store.holds(other) for other in self._plan.runs
        )


def _geometry(
    model: MultiVectorEncoder, queries: Sequence[Query], english: Sequence[Query]
) -> dict[str, float]:
    """Measure the questions and their English forms in the vector space of the model."""
    text_of = {query.query_id: query.text for query in english}
    pairs = [(query.text, text_of[query.query_id]) for query in queries if query.query_id in text_of]
    foreign = sentence_vectors(encode_queries(model, [text for text, _ in pairs]))
    english_side = sentence_vectors(encode_documents(model, (text for _, text in pairs)))
    return asdict(measure_geometry(foreign, english_side, is_probed=True))
