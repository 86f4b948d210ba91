"""Matches topic numbers in topics (`AR26`, `C041`) with those in judgements (`26`, `41`)."""

import logging
import re
from collections.abc import Iterable

from opticlir.records import Qrels, Run

logger = logging.getLogger(__name__)

_ADDITIONS = ("[A-Za-z]+", "[A-Za-z]*0*")
"""What topics can have before the judged number, tried in this order."""


def judged_numbers(query_ids: Iterable[str], qrels: Qrels) -> dict[str, str]:
    """Find the ids under which topics are judged.

    NIST's topics in Arabic, Spanish and Chinese have AR26, SP26 and CH26, and the judgements 26. CLEF has C041 and
    41, for example. Ids do not change if topics and judgements already share one. They also do not change if
    removing letters and zeros finds no match, or makes two topics equal. A change is logged.

    Args:
        query_ids: ids of the topics, or of a run made with them.
        qrels: the judgements.

    Returns:
        Judged id by given id, in the same order.

    Example:
        >>> judged_numbers(["AR26", "AR27"], {"26": {"d": 1}}), judged_numbers(["C041"], {"41": {"d": 1}})
        ({'AR26': '26', 'AR27': '27'}, {'C041': '41'})
    """
    ids = list(query_ids)
    unchanged = dict(zip(ids, ids, strict=True))
    if not qrels.keys().isdisjoint(ids):
        return unchanged
    for addition in _ADDITIONS:
        numbers = {each: re.sub(rf"\A{addition}(?=[0-9])", "", each) for each in ids}
        shared = next((each for each, number in numbers.items() if number in qrels), None)
        if shared is not None and len(set(numbers.values())) == len(numbers):
            logger.warning("topics are judged by their number alone: %s as %s", shared, numbers[shared])
            return numbers
    return unchanged


def run_with_judged_numbers(run: Run, qrels: Qrels) -> Run:
    """Return the run under the ids that `judged_numbers` finds."""
    numbers = judged_numbers(run, qrels)
    return {numbers[query_id]: ranking for query_id, ranking in run.items()}
