"""Measure how much query noise (typing errors, missing diacritics) costs a model on a test collection."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from sentence_transformers import MultiVectorEncoder

from opticlir.benchmark import cached_retriever
from opticlir.lab.probes.robustness import RankingRobustness, ranking_robustness
from opticlir.progress import Progress, silent
from opticlir.records import Query, RetrievalTask, Run
from opticlir.search import Ranking


def run_perturbed(
    task: RetrievalTask,
    model: MultiVectorEncoder,
    index_cache: Path,
    perturbed: Mapping[str, Sequence[Query]],
    *,
    measure: str = "AP",
    progress: Progress = silent,
) -> dict[Ranking, RankingRobustness]:
    """Ask the questions as they are and with each kind of query noise, and compare the rankings.

    Args:
        task: the collection.
        model: encodes queries and documents.
        index_cache: as of `run_benchmark`.
        perturbed: the same questions with noise, under the same ids, by the name of the noise.
        measure: ir-measures name.
        progress: called after each form of the questions.

    Returns:
        What remains of the measure, by ranking (`hybrid`, `dense`, `bm25`).
    """
    retriever = cached_retriever(task.documents, model, index_cache, progress)
    forms = [task.queries, *perturbed.values()]
    found: list[dict[Ranking, Run]] = []
    for asked in forms:
        progress("asking in all forms", len(found), len(forms))
        found.append(retriever.rank_by_each(asked))
    progress("asking in all forms", len(found), len(forms))
    clean, *others = found
    return {
        ranking: ranking_robustness(
            run,
            {name: other[ranking] for name, other in zip(perturbed, others, strict=True)},
            task.qrels,
            measure,
        )
        for ranking, run in clean.items()
    }
