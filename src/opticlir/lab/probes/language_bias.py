"""Language bias: whether a pooled collection of many languages is ranked by language rather than by relevance.

In a pool with parallel documents, every query has one relevant document per language. A fair system ranks them next to
each other. A biased system ranks those of some languages first. If a run leaves out a relevant document, its rank is
the worst that the pool allows, unless a measure says otherwise.

Reference: Elmahdy, Lin and Ahmad, Synergistic approach for simultaneous optimization of monolingual,
cross-lingual, and multilingual information retrieval, 2024, arXiv 2408.10536 (rank distance). Yang, Jaenich,
Mayfield and Lawrie, Language fairness in multilingual information retrieval, SIGIR 2024, arXiv 2405.00978
(PEER). arXiv 2604.05684 (Max@R).
"""

from collections.abc import Mapping
from statistics import fmean

import numpy as np
from scipy import stats

from opticlir.errors import DataError
from opticlir.records import DocumentId, Qrels, QueryId, Run, ranked


def rank_distance(run: Run, qrels: Qrels, *, n_documents: int) -> dict[QueryId, float]:
    """Distance between the best and the worst rank of the relevant documents of a query, at least 1.

    With one relevant document per language, the smallest distance is the number of languages minus 1. If the run leaves
    out a relevant document of a query, its distance is the largest: that of the first and the last rank.

    Args:
        run: scores on the pooled collection.
        qrels: a document with grade 1 or more is relevant.
        n_documents: size of the pool, which is the last rank.

    Returns:
        Distance in ranks by query id, for queries with two relevant documents or more.

    Raises:
        ValueError: the run ranks more documents than the pool has.

    Example:
        >>> pooled = {"q": {"en": 3.0, "x": 2.0, "sw": 1.0}}
        >>> rank_distance(pooled, {"q": {"en": 1, "sw": 1}}, n_documents=9)
        {'q': 2.0}
    """
    distances = {}
    for query, ranks in _relevant_ranks(run, qrels, n_documents).items():
        if len(ranks) > 1:
            known = [rank for rank in ranks if rank is not None]
            is_whole = len(known) == len(ranks)
            distances[query] = float(max(known) - min(known) if is_whole else n_documents - 1)
    return distances


def max_at_r(run: Run, qrels: Qrels, *, n_documents: int) -> dict[QueryId, float]:
    """Worst rank of the relevant documents of a query: how far one has to read to see all of them.

    Arguments, result and errors as in `rank_distance`. Queries with one relevant document count too. A document that
    the run leaves out has the last rank.

    Example:
        >>> max_at_r({"q": {"en": 3.0, "x": 2.0}}, {"q": {"en": 1, "sw": 1}}, n_documents=9)
        {'q': 9.0}
    """
    return {
        query: float(max(n_documents if rank is None else rank for rank in ranks))
        for query, ranks in _relevant_ranks(run, qrels, n_documents).items()
    }


def peer(run: Run, qrels: Qrels, language_of: Mapping[DocumentId, str]) -> dict[QueryId, float]:
    """Probability that the languages have equal expected ranks (PEER): 1 is fair, 0 is biased.

    Within each relevance grade, a Kruskal-Wallis test compares the ranks of the documents between languages. PEER is
    the mean of its p-values over the grades above 0. As in the authors' implementation, ranks are those of the whole
    list. Judged documents that the list leaves out share the mean of the ranks after its end. A grade with documents of
    one language alone is fair.

    The test compares ranks within a language too, so it needs a language with two documents of a grade or more. With
    one per language, PEER is the same number for every ranking: .317 for two languages, .44 for eleven, 1 if nothing
    was retrieved. It then says nothing about fairness: use `rank_distance`.

    Args:
        run: scores on the pooled collection.
        qrels: grades; unjudged documents have grade 0.
        language_of: language of each document.

    Returns:
        PEER by query id, in [0, 1].

    Raises:
        DataError: a document has no language.

    Example:
        >>> order = {"q": {"e1": 4.0, "s1": 3.0, "s2": 2.0, "e2": 1.0}}
        >>> languages = {"e1": "eng", "e2": "eng", "s1": "swa", "s2": "swa"}
        >>> peer(order, {"q": dict.fromkeys(languages, 1)}, languages)  # both have mean rank 2.5
        {'q': 1.0}
    """
    values = {}
    for query, grades in qrels.items():
        by_grade = _ranks_by_grade(ranked(run.get(query, {})), grades, language_of)
        if above_0 := sorted({grade for grade in grades.values() if grade > 0}):
            values[query] = fmean(_fairness(by_grade.get(grade, {})) for grade in above_0)
    return values


def _ranks_by_grade(
    ranking: list[DocumentId], grades: Mapping[DocumentId, int], language_of: Mapping[DocumentId, str]
) -> dict[int, dict[str, list[float]]]:
    """Return ranks by grade and language. Relevant documents without a rank share the mean rank after the list."""
    ranks = {doc_id: float(rank) for rank, doc_id in enumerate(ranking, start=1)}
    absent = [doc_id for doc_id, grade in grades.items() if grade > 0 and doc_id not in ranks]
    behind = len(ranking) + (len(absent) + 1) / 2
    found: dict[int, dict[str, list[float]]] = {}
    for doc_id, rank in [*ranks.items(), *((doc_id, behind) for doc_id in absent)]:
        if doc_id not in language_of:
            raise DataError(f"document {doc_id!r} has no language")
        by_language = found.setdefault(grades.get(doc_id, 0), {})
        by_language.setdefault(language_of[doc_id], []).append(rank)
    return found


def _fairness(ranks_by_language: Mapping[str, list[float]]) -> float:
    """Return the p-value of the Kruskal-Wallis test on the ranks of the list."""
    groups = [np.array(ranks) for ranks in ranks_by_language.values()]
    ranks = np.concatenate(groups) if groups else np.empty(0)
    spread = float(np.square(ranks - ranks.mean()).sum()) if len(groups) > 1 else 0.0
    if not spread:  # one language alone, or nothing was retrieved
        return 1.0
    between = sum(len(group) * (group.mean() - ranks.mean()) ** 2 for group in groups)
    return float(stats.chi2.sf((len(ranks) - 1) * between / spread, len(groups) - 1))


def _relevant(qrels: Qrels) -> dict[QueryId, set[DocumentId]]:
    found = {
        query: {doc_id for doc_id, grade in grades.items() if grade > 0} for query, grades in qrels.items()
    }
    return {query: relevant for query, relevant in found.items() if relevant}


def _relevant_ranks(run: Run, qrels: Qrels, n_documents: int) -> dict[QueryId, list[int | None]]:
    """Return the ranks of the relevant documents, at least one; None for those that the run leaves out."""
    found = {}
    for query, relevant in _relevant(qrels).items():
        ranking = ranked(run.get(query, {}))
        if len(ranking) > n_documents:
            raise ValueError(f"query {query!r} ranks {len(ranking)} documents, n_documents is {n_documents}")
        ranks = {doc_id: rank for rank, doc_id in enumerate(ranking, start=1)}
        found[query] = [ranks.get(doc_id) for doc_id in sorted(relevant)]
    return found
