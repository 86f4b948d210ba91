"""The measures of trec_eval under their own names: `map`, `P_5`, `ndcg_cut_10`, `gm_map`."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ir_measures.util
import pytrec_eval

from opticlir.records import Qrels, QueryId, Run

MAX_DOCUMENTS = 2**24
"""The evaluators store scores as float32, which cannot distinguish more ranks."""

_NAME = re.compile(
    rf"(?P<measure>{'|'.join(sorted(map(re.escape, pytrec_eval.supported_measures), key=len, reverse=True))})"
    r"(?:[._](?P<argument>[0-9]+(?:\.[0-9]+)?))?"
)
_NO_MEASURES = {"runid", "relstring"}
_WITH_CUTOFF = {"P", "recall", "map_cut", "ndcg_cut", "success", "relative_P"}
_GEOMETRIC = "gm_"


@dataclass(frozen=True, slots=True)
class TrecMeasure:
    """A measure that only trec_eval computes."""

    name: str

    def scores(self, run: Run, qrels: Qrels) -> dict[QueryId, float]:
        """Score each judged query; one that is missing in the run has an empty ranking, as in `trec_eval -c`.

        Args:
            run: rankings without ties.
            qrels: judgements that trec_eval can read.
        """
        evaluator = pytrec_eval.RelevanceEvaluator(qrels, {self.name})
        found = evaluator.evaluate({query_id: run.get(query_id, {}) for query_id in qrels})
        values = {query_id: next(iter(found[query_id].values())) for query_id in qrels}
        return {query_id: 0.0 if math.isnan(value) else float(value) for query_id, value in values.items()}


def parse_trec_name(name: str) -> Any:
    """Return the measure that a name means in trec_eval: one of ir-measures if it has it, or a `TrecMeasure`.

    Returns:
        The measure; None if trec_eval has no such name.

    Raises:
        ValueError: the name needs a cutoff and has none, has one below 1, or is no number per query.

    Example:
        >>> parse_trec_name("ndcg_cut_10"), parse_trec_name("gm_map"), parse_trec_name("nDCG@10")
        (nDCG@10, TrecMeasure(name='gm_map'), None)
    """
    match = _NAME.fullmatch(name)
    if not match:
        return None
    measure, argument = match["measure"], match["argument"]
    if measure in _NO_MEASURES:
        raise ValueError("trec_eval prints text for it")
    if measure in _WITH_CUTOFF:
        if argument is None:
            raise ValueError(f"it needs a cutoff, such as {measure}_10")
        if not (argument.isdecimal() and 1 <= int(argument) < MAX_DOCUMENTS):
            raise ValueError("the cutoff is a whole number, 1 or more")
    plain = measure if argument is None else f"{measure}.{argument}"
    try:
        (known,) = ir_measures.util.parse_trec_measure(plain)
    except ValueError:  # ir-measures does not have it, or it means several
        known = None
    return known or TrecMeasure(_single(plain))


def over_queries(name: str, values: Sequence[float]) -> float:
    """Return what trec_eval prints for all queries: the mean, the sum of a count, or a geometric mean."""
    if name.startswith("num_"):
        return math.fsum(values)
    mean = math.fsum(values) / len(values)
    return math.exp(mean) if name.startswith(_GEOMETRIC) else mean


def _single(plain: str) -> str:
    """Check that a name means one number."""
    found = pytrec_eval.RelevanceEvaluator({"q": {"d": 1}}, {plain}).evaluate({"q": {"d": 1.0}})["q"]
    if len(found) != 1:
        raise ValueError(f"it means several measures: {', '.join(sorted(found))}")
    return plain
