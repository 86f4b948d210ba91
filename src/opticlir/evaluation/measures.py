"""Scores a run against judgements with the measures of ir-measures and of trec_eval, with one rule for ties.

ir-measures uses several evaluators, which break ties differently: a tied pair has RR = .5 and RR@10 = 1. So the
scores of a run are first replaced by strictly decreasing ones, in the order of trec_eval.
"""

import math
import re
from collections.abc import Mapping, Sequence
from subprocess import SubprocessError
from typing import Any

import ir_measures
import ir_measures.measures

from opticlir.errors import DataError
from opticlir.evaluation.trec_names import MAX_DOCUMENTS, TrecMeasure, over_queries, parse_trec_name
from opticlir.records import DocumentId, Qrels, QueryId, Run, has_ties, ranked
from opticlir.settings import nearest

DEFAULT_MEASURES = ("AP", "nDCG@10", "R@100", "RR@10")

_MAX_GRADE = 1_000_000


def evaluate(
    run: Run, qrels: Qrels, measures: Sequence[str] = DEFAULT_MEASURES
) -> dict[str, dict[str, float]]:
    """Score a run per measure and query.

    Every judged query counts, as in `trec_eval -c`: a query missing in the run scores 0. Queries without
    judgements are ignored. Equal scores are ordered as in trec_eval (see `ranked`).

    Args:
        run: scores per query and document, higher is better.
        qrels: integer grades; grade 1 and above is relevant, unless the measure says otherwise.
        measures: names of ir-measures (`AP`, `nDCG@10`, `R@100`, `P(rel=2)@5`) or of trec_eval (`map`,
            `ndcg_cut_10`, `recall_100`, `P_5`).

    Returns:
        Value by measure name (as given) and query id.

    Raises:
        DataError: no query of the run is judged, a score is NaN, a grade is above a million, or the evaluator
            of a rare measure fails.
        ValueError: a measure is unknown, or no installed evaluator can compute it.

    Example:
        >>> evaluate({"q1": {"a": 2.0, "b": 1.0}}, {"q1": {"b": 1}, "q2": {"c": 1}}, ["RR@10"])
        {'RR@10': {'q1': 0.5, 'q2': 0.0}}
    """
    parsed = {name: _parse(name) for name in measures}
    if not run.keys() & qrels.keys():
        raise DataError(
            f"run and qrels share no query: the run begins with {next(iter(run), None)!r}, "
            f"the qrels with {next(iter(qrels), None)!r}"
        )
    rankings = {
        query_id: _strictly_decreasing(query_id, run[query_id]) for query_id in qrels if query_id in run
    }
    grades = _evaluable(qrels)
    values: dict[Any, dict[str, float]] = {
        measure: dict.fromkeys(qrels, 0.0) for measure in dict.fromkeys(parsed.values())
    }
    by_trec_eval = [measure for measure in values if isinstance(measure, TrecMeasure)]
    for measure in by_trec_eval:
        values[measure] = measure.scores(rankings, grades)
    try:
        others = [measure for measure in values if measure not in by_trec_eval]
        for metric in ir_measures.iter_calc(others, grades, rankings) if others else ():
            values[metric.measure][metric.query_id] = float(metric.value)
    except (ArithmeticError, OSError, SubprocessError) as error:  # from programs that ir-measures starts
        raise DataError(f"the evaluator behind {', '.join(measures)} failed on this run: {error}") from error
    return {name: dict(values[measure]) for name, measure in parsed.items()}


def tied_queries(run: Run, qrels: Qrels) -> list[QueryId]:
    """Return the judged queries for which two documents have the same score, so that a rule orders them.

    Example:
        >>> tied_queries({"q1": {"a": 1.0, "b": 1.0}, "q2": {"a": 1.0}}, {"q1": {"a": 1}, "q2": {"a": 1}})
        ['q1']
    """
    return [query_id for query_id in qrels if query_id in run and has_ties(run[query_id])]


def check_measures(measures: Sequence[str]) -> None:
    """Check measures before any file is read.

    Raises:
        ValueError: a measure is unknown, or no installed evaluator can compute it.
    """
    for name in measures:
        _parse(name)


def distinct_measures(measures: Sequence[str]) -> tuple[str, ...]:
    """Return each measure once, under its first name. A repetition would be a second test in a family.

    Raises:
        ValueError: as in `check_measures`.

    Example:
        >>> distinct_measures(["AP", "nDCG@10", "MAP", "AP"])
        ('AP', 'nDCG@10')
    """
    names: dict[Any, str] = {}
    for name in measures:
        names.setdefault(_parse(name), name)
    return tuple(names.values())


def check_same_collection(name: str, run: Run, qrels: Qrels) -> None:
    """Refuse judgements of another collection, with which every measure would be 0.

    Args:
        name: name of the run, for messages.
        run: the rankings.
        qrels: the judgements.

    Raises:
        DataError: they share no query, or no ranked document has a judgement.
    """
    shared = qrels.keys() & run.keys()
    if not shared:
        raise DataError(
            f"run {name} and the qrels share no query: the run begins with {next(iter(run), None)!r}, "
            f"the qrels with {next(iter(qrels), None)!r}"
        )
    judged = {doc_id for judgements in qrels.values() for doc_id in judgements}
    if all(run[query_id].keys().isdisjoint(judged) for query_id in shared):
        raise DataError(
            f"run {name} ranks no document that the qrels judge: are these the judgements of another "
            f"collection? The run has {_first_document(run)!r}, the qrels have {_first_document(qrels)!r}"
        )


def mean_scores(scores: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of each measure over the judged queries.

    Of trec_eval's counts (`num_rel_ret`) it is the sum, and of `gm_map` and `gm_bpref` the geometric mean.

    Example:
        >>> mean_scores({"AP": {"q1": 1.0, "q2": 0.5}})
        {'AP': 0.75}
    """
    return {name: over_queries(name, list(by_query.values())) for name, by_query in scores.items()}


def _first_document(by_query: Run | Qrels) -> str | None:
    return next((doc_id for documents in by_query.values() for doc_id in documents), None)


def _strictly_decreasing(query_id: str, scores: Mapping[DocumentId, float]) -> dict[DocumentId, float]:
    """The same ranking with the scores n, n - 1, ..., 1, so that no evaluator sees a tie."""
    for doc_id, score in scores.items():
        if math.isnan(score):
            raise DataError(f"the run's score of document {doc_id!r} for query {query_id!r} is NaN")
    if len(scores) >= MAX_DOCUMENTS:
        raise DataError(
            f"the run has {len(scores):,} documents for query {query_id!r}, the limit is {MAX_DOCUMENTS:,}"
        )
    ranking = ranked(scores)
    return {doc_id: float(len(ranking) - rank) for rank, doc_id in enumerate(ranking)}


def _evaluable(qrels: Qrels) -> Qrels:
    """The same judgements in a form that trec_eval can read.

    trec_eval crashes if all grades of a query are negative, so these become 0. Its memory grows with the highest
    grade, so very high grades are refused.
    """
    for query_id, grades in qrels.items():
        if (highest := max(grades.values(), default=0)) > _MAX_GRADE:
            raise DataError(
                f"the qrels have grade {highest} for query {query_id!r}, the limit is {_MAX_GRADE:,}"
            )
    return {
        query_id: grades if any(grade >= 0 for grade in grades.values()) else dict.fromkeys(grades, 0)
        for query_id, grades in qrels.items()
    }


def _parse(name: str) -> Any:
    try:
        measure = parse_trec_name(name) or ir_measures.parse_measure(name)
        if isinstance(measure, TrecMeasure):
            return measure
        measure.validate_params()
    except NameError:
        raise ValueError(f"unknown measure {name!r}; did you mean {_nearest(name)!r}?") from None
    except (AssertionError, SyntaxError, ValueError) as error:
        raise ValueError(f"measure {name!r} cannot be read: {error}; an example is 'nDCG@10'") from None
    # trec_eval aborts the whole process on a cutoff of 0
    for parameter in ("cutoff", "rel"):
        value = measure.params.get(parameter, 1)
        if not (isinstance(value, int) and 1 <= value < MAX_DOCUMENTS):
            raise ValueError(
                f"measure {name!r} has {parameter} {value!r}: expected a whole number, 1 or more"
            )
    if not ir_measures.DefaultPipeline.supports(measure):
        raise ValueError(f"no installed evaluator computes {name!r}: see the providers of ir-measures")
    return measure


def _nearest(name: str) -> str:
    """The most similar known measure, with the given cutoff."""
    known = {measure.casefold(): measure for measure in sorted(ir_measures.measures.registry)}
    head = re.split("[@(]", name, maxsplit=1)[0]
    found = nearest(head.casefold(), known, cutoff=0.0)
    return name.replace(head, known[found or ""], 1)
