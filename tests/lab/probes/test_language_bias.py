import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from opticlir.errors import DataError
from opticlir.lab.probes.language_bias import max_at_r, peer, rank_distance


def ranking(*doc_ids):
    return {doc_id: float(len(doc_ids) - at) for at, doc_id in enumerate(doc_ids)}


RUN = {"q1": ranking("e1", "x", "s1", "y", "h1"), "q2": ranking("x", "e2"), "q4": ranking("x")}
QRELS = {
    "q1": {"e1": 1, "s1": 2, "h1": 1, "x": 0}, "q2": {"e2": 1, "s2": 1}, "q3": {"e3": 1, "s3": 1}, "q4": {"x": 0},
}  # fmt: skip
POOL = 20


def test_by_hand():
    # q2 leaves one of two out, q3 both: they stand where the pool of 20 ends, as far apart as two can
    assert rank_distance(RUN, QRELS, n_documents=POOL) == {"q1": 4.0, "q2": 19.0, "q3": 19.0}
    assert max_at_r(RUN, QRELS, n_documents=POOL) == {"q1": 5.0, "q2": 20.0, "q3": 20.0}


def test_nothing_is_no_fairer_than_anything_that_was_found():
    """A query without a hit had distance 0 once, the best there is: all its documents shared the last rank."""
    found = {"q": ranking("x", "e1", "y", "z", "s1")}
    relevant = {"q": {"e1": 1, "s1": 1}}
    (nothing,) = rank_distance({}, relevant, n_documents=6).values()
    (something,) = rank_distance(found, relevant, n_documents=6).values()
    assert (something, nothing) == (3.0, 5.0)


def test_a_query_with_one_relevant_document_has_no_distance():
    assert rank_distance(RUN, {"q1": {"s1": 1}}, n_documents=POOL) == {}
    assert max_at_r(RUN, {"q1": {"s1": 1}}, n_documents=POOL) == {"q1": 3.0}


def test_equal_scores_are_ordered_by_id():
    tied = {"q": {"b": 1.0, "a": 1.0, "c": 1.0}}
    assert max_at_r(tied, {"q": {"b": 1}}, n_documents=3) == {"q": 2.0}


def test_wrong_arguments():
    with pytest.raises(ValueError, match="query 'q1' ranks 5 documents, n_documents is 4"):
        rank_distance(RUN, QRELS, n_documents=4)
    with pytest.raises(DataError, match="document 'e1' has no language"):
        peer(RUN, QRELS, {})


def languages_of(documents):
    return {doc_id: {"e": "eng", "s": "swa", "h": "hau"}.get(doc_id[0], "eng") for doc_id in documents}


def graded(order, grade=1):
    return {"q": dict.fromkeys(order, grade)}


def test_peer_by_hand():
    order = ["e1", "e2", "s1", "s2"]  # mean ranks 1.5 and 3.5 around 2.5: H = 3 * 4 / 5
    value = peer({"q": ranking(*order)}, graded(order), languages_of(order))["q"]
    assert value == pytest.approx(stats.chi2.sf(12 / 5, 1))
    fair = ["e1", "s1", "s2", "e2"]
    assert peer({"q": ranking(*fair)}, graded(fair), languages_of(fair)) == {"q": 1.0}


@settings(deadline=None)
@given(st.permutations(["e1", "e2", "e3", "s1", "s2", "s3", "h1", "h2"]))
def test_peer_of_a_fully_judged_list_is_the_kruskal_wallis_test_of_scipy(order):
    groups = [[at for at, doc_id in enumerate(order) if doc_id[0] == letter] for letter in "esh"]
    found = peer({"q": ranking(*order)}, graded(order), languages_of(order))["q"]
    assert found == pytest.approx(stats.kruskal(*groups).pvalue, abs=1e-12)


def test_peer_is_the_same_for_every_order_of_one_document_per_language():
    """What it says of such a pool is the number of languages, and 1 where nothing was found."""
    orders = [["e1", "s1", "h1", "x"], ["x", "h1", "e1", "s1"], ["h1", "x", "s1", "e1"]]
    judged, languages = graded(["e1", "s1", "h1"]), languages_of(["e1", "s1", "h1", "x"])
    values = [peer({"q": ranking(*order)}, judged, languages)["q"] for order in orders]
    assert values == pytest.approx([stats.chi2.sf(2, 2)] * 3)
    assert peer({}, judged, languages) == {"q": 1.0}


def test_peer_of_what_is_not_retrieved():
    order, absent = ["e1", "e2"], ["s1", "s2"]
    # the absent share rank 2 + 3 / 2, as two documents behind the list would on average
    value = peer({"q": ranking(*order)}, graded([*order, *absent]), languages_of([*order, *absent]))["q"]
    ranks = np.array([1, 2, 3.5, 3.5])
    statistic = 3 * (2 * (1.5 - 2.5) ** 2 + 2 * (3.5 - 2.5) ** 2) / np.square(ranks - 2.5).sum()
    assert value == pytest.approx(stats.chi2.sf(statistic, 1))
    assert peer({}, graded([*order, *absent]), languages_of([*order, *absent])) == {"q": 1.0}, (
        "nobody is preferred"
    )


def test_peer_is_the_mean_over_the_grades_above_0():
    order = ["e1", "e2", "s1", "s2", "e3", "s3", "s4", "e4"]
    grades = {"q": {doc_id: 1 if at < 4 else 2 for at, doc_id in enumerate(order)}}
    unfair = stats.chi2.sf(12 / 5, 1)
    run, languages = {"q": ranking(*order)}, languages_of(order)
    assert peer(run, grades, languages)["q"] == pytest.approx((unfair + 1.0) / 2)
    assert peer(run, {"q": {"e1": 1}}, languages) == {"q": 1.0}, "one language alone"
    assert peer(run, {"q": {"e1": 0}}, languages) == {}, "nothing is relevant"
