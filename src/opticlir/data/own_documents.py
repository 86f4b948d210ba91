"""Queries that are documents of the collection, as in ArguAna and Quora: their own document is no answer."""

from collections.abc import Collection, Mapping

from opticlir.records import Qrels, QueryId, Run


def own_documents(run: Run, qrels: Qrels) -> list[QueryId]:
    """Find the queries for which the document with the query's own id is ranked, though it is not relevant.

    Some collections take their queries from their documents, under the same id. The own document then ranks first,
    so BEIR leaves it out. A document that is judged relevant stays: queries and documents may share ids by
    chance, or because they translate each other.

    Args:
        run: the rankings.
        qrels: the judgements.

    Returns:
        Ids of queries, in the order of the run.

    Example:
        >>> own_documents({"a": {"a": 2.0, "b": 1.0}, "c": {"b": 1.0}}, {"a": {"b": 1}})
        ['a']
    """
    return [each for each, ranking in run.items() if each in ranking and qrels.get(each, {}).get(each, 0) < 1]


def without_own_documents(run: Run, query_ids: Collection[QueryId]) -> Run:
    """Return a run without the own documents of some queries.

    Example:
        >>> without_own_documents({"a": {"a": 2.0, "b": 1.0}}, ["a"])
        {'a': {'b': 1.0}}
    """
    chosen = set(query_ids)
    return {each: _without(ranking, each) if each in chosen else ranking for each, ranking in run.items()}


def without_own(run: Run, qrels: Qrels) -> Run:
    """Return a run without the documents that `own_documents` finds.

    Example:
        >>> without_own({"a": {"a": 2.0, "b": 1.0}, "c": {"c": 1.0}}, {"a": {"b": 1}, "c": {"c": 1}})
        {'a': {'b': 1.0}, 'c': {'c': 1.0}}
    """
    return without_own_documents(run, own_documents(run, qrels))


def own_documents_note(n_queries: int, *, are_left_out: bool) -> str:
    """A sentence about queries that rank their own document.

    Example:
        >>> own_documents_note(3, are_left_out=True)
        '3 queries have the id of a document that they rank: this document is left out'
    """
    done = "is left out" if are_left_out else "counts as any other; --without-own leaves it out, as BEIR does"
    return f"{n_queries} queries have the id of a document that they rank: this document {done}"


def _without(ranking: Mapping[str, float], doc_id: str) -> dict[str, float]:
    return {each: score for each, score in ranking.items() if each != doc_id}
