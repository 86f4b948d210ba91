"""Language bias: whether a pooled collection of many languages is ranked by language rather than by answer.

In a pool with parallel documents every query has one relevant document per language. A fair system ranks
them next to each other; a biased one puts those of its favourite languages first. A relevant document that
the run leaves out could be anywhere behind those it ranks: as far off as the pool allows, unless said otherwise.

Reference: Elmahdy, Lin and Ahmad, Synergistic approach for simultaneous optimization of monolingual,
cross-lingual, and multilingual information retrieval, 2024, arXiv 2408.10536 (rank distance). Yang, Jaenich,
Mayfield and Lawrie, Language fairness in multilingual information retrieval, SIGIR 2024, arXiv 2405.00978
(PEER). arXiv 2604.05684 (Max@R).
"""

import math
from collections.abc import Mapping

import numpy as np
from scipy import stats

from opticlir.errors import DataError
from opticlir.records import DocumentId, Qrels, QueryId, Run, ranked


def rank_distance(run: Run, qrels: Qrels, *, n_documents: int) -> dict[QueryId, float]:
    """Distance between the best and the worst rank of a query's relevant documents; 0 is not reachable.

    With one relevant document per language the least distance is the number of languages minus 1. A query of which
    the run leaves a relevant document out has the largest distance, that of the first and the last rank: what was
    not found is not ranked evenly.

    Args:
        run: scores on the pooled collection.
        qrels: a document is relevant from grade 1 on.
        n_documents: size of the pool, which is the last rank.

    Returns:
        Query id -> distance in ranks, for queries with two relevant documents or more.

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
    """How deep one has to read to have seen every relevant document: the worst of their ranks.

    Arguments, result and errors as `rank_distance`; queries with one relevant document count too, and one that the run
    leaves out has the last rank.

    Example:
        >>> max_at_r({"q": {"en": 3.0, "x": 2.0}}, {"q": {"en": 1, "sw": 1}}, n_documents=9)
        {'q': 9.0}
    """
    return {
        query: float(max(n_documents if rank is None else rank for rank in ranks))
        for query, ranks in _relevant_ranks(run, qrels, n_documents).items()
    }


def peer(
    run: Run,
    qrels: Qrels,
    language_of: Mapping[DocumentId, str],
    *,
    weights: Mapping[int, float] | None = None,
    cutoff: int | None = None,
) -> dict[QueryId, float]:
    """Probability that the languages have equal expected ranks (PEER), 1 is fair and 0 is biased.

    Within each relevance grade the ranks of the documents are compared between languages by a
    Kruskal-Wallis test; PEER is the mean of its p-values by grade, weighted. As in the authors'
    implementation the ranks are those of the whole list, judged documents that the list leaves out share
    the mean of the ranks behind it, and a grade with documents of one language alone is fair.

    The test looks at how ranks differ within a language, so it needs a language with two documents of a grade or more.
    With one per language it is the same number for every ranking (.317 for two languages, .44 for eleven; 1 if nothing
    was retrieved), and says nothing about fairness: use `rank_distance`.

    Args:
        run: scores on the pooled collection.
        qrels: grades; unjudged documents have grade 0.
        language_of: language of each document.
        weights: share of each grade, sums to 1; None weighs the grades above 0 that a query has equally.
        cutoff: number of ranks that count; None is all.

    Returns:
        Query id -> PEER, in [0, 1].

    Raises:
        ValueError: the weights do not sum to 1, or `cutoff` is below 1.
        DataError: a document has no language.

    Example:
        >>> order = {"q": {"e1": 4.0, "s1": 3.0, "s2": 2.0, "e2": 1.0}}
        >>> languages = {"e1": "eng", "e2": "eng", "s1": "swa", "s2": "swa"}
        >>> peer(order, {"q": dict.fromkeys(languages, 1)}, languages)  # both have mean rank 2.5
        {'q': 1.0}
    """
    if weights is not None and not math.isclose(math.fsum(weights.values()), 1.0, abs_tol=1e-9):
        raise ValueError(f"the weights sum to {math.fsum(weights.values())}: expected 1")
    if cutoff is not None and cutoff < 1:
        raise ValueError(f"cutoff is {cutoff}: expected 1 or more")
    values = {}
    for query, grades in qrels.items():
        by_grade = _ranks_by_grade(ranked(run.get(query, {}))[:cutoff], grades, language_of)
        above_0 = sorted({grade for grade in grades.values() if grade > 0})
        if shares := weights or {grade: 1 / len(above_0) for grade in above_0}:
            values[query] = math.fsum(
                share * _fairness(by_grade.get(grade, {})) for grade, share in shares.items()
            )
    return values


def _ranks_by_grade(
    ranking: list[DocumentId], grades: Mapping[DocumentId, int], language_of: Mapping[DocumentId, str]
) -> dict[int, dict[str, list[float]]]:
    """Ranks by grade and language; of relevant documents that are not ranked, the mean rank behind the list."""
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
    """P-value of the Kruskal-Wallis test on ranks as they stand in the list."""
    groups = [np.array(ranks) for ranks in ranks_by_language.values()]
    ranks = np.concatenate(groups) if groups else np.empty(0)
    spread = float(np.square(ranks - ranks.mean()).sum()) if len(groups) > 1 else 0.0
    if not spread:  # one language alone, or nothing that was retrieved
        return 1.0
    between = sum(len(group) * (group.mean() - ranks.mean()) ** 2 for group in groups)
    return float(stats.chi2.sf((len(ranks) - 1) * between / spread, len(groups) - 1))


def _relevant(qrels: Qrels) -> dict[QueryId, set[DocumentId]]:
    found = {
        query: {doc_id for doc_id, grade in grades.items() if grade > 0} for query, grades in qrels.items()
    }
    return {query: relevant for query, relevant in found.items() if relevant}


def _relevant_ranks(run: Run, qrels: Qrels, n_documents: int) -> dict[QueryId, list[int | None]]:
    """Ranks of the relevant documents, at least one; None of those that the run leaves out."""
    found = {}
    for query, relevant in _relevant(qrels).items():
        ranking = ranked(run.get(query, {}))
        if len(ranking) > n_documents:
            raise ValueError(f"query {query!r} ranks {len(ranking)} documents, n_documents is {n_documents}")
        ranks = {doc_id: rank for rank, doc_id in enumerate(ranking, start=1)}
        found[query] = [ranks.get(doc_id) for doc_id in sorted(relevant)]
    return found
