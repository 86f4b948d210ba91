import math

import numpy as np
import pytest
import pytrec_eval

from opticlir.data import read_run, write_run
from opticlir.errors import DataError
from opticlir.evaluation import (
    DEFAULT_MEASURES,
    check_measures,
    check_same_collection,
    evaluate,
    mean_scores,
    tied_queries,
)

TREC_NAMES = {"AP": "map", "nDCG@10": "ndcg_cut_10", "R@100": "recall_100", "RR": "recip_rank", "P@5": "P_5"}


def random_case(rng, *, with_ties):
    """Judgements with grades -2 to 3; a run that misses queries, ranks unjudged documents and adds a query."""
    doc_ids = [f"d{number}" for number in range(30)]
    qrels, run = {}, {}
    for query in range(rng.integers(1, 6)):
        judged = rng.choice(doc_ids, rng.integers(1, 20), replace=False)
        qrels[f"q{query}"] = {doc_id: int(rng.integers(-2, 4)) for doc_id in judged}
        if query == 0 or rng.random() < 0.8:
            found = rng.choice(doc_ids, rng.integers(1, 30), replace=False)
            scores = rng.integers(-3, 4, len(found)) if with_ties else rng.permutation(len(found)) / 7 - 2
            run[f"q{query}"] = dict(zip(found.tolist(), scores.astype(float).tolist(), strict=True))
    run["unjudged query"] = {"d1": 1.0}
    return run, qrels


def by_trec_eval(run, qrels):
    """trec_eval on a run without ties."""
    survivable = {query_id: grades for query_id, grades in qrels.items() if max(grades.values()) >= 0}
    values = pytrec_eval.RelevanceEvaluator(survivable, set(TREC_NAMES.values())).evaluate(run)
    return {
        name: {query_id: values.get(query_id, {}).get(trec, 0.0) for query_id in qrels}
        for name, trec in TREC_NAMES.items()
    }


def by_definition(run, qrels):
    """The formulas, over the ranking that `best score first, then the last document id` gives."""
    scores = {name: {} for name in TREC_NAMES}
    for query_id, grades in qrels.items():
        found = run.get(query_id, {})
        by_id = sorted(found, reverse=True)
        ranking = [grades.get(doc_id, 0) for doc_id in sorted(by_id, key=lambda each: -found[each])]
        is_relevant = [grade > 0 for grade in ranking]
        n_relevant = max(sum(grade > 0 for grade in grades.values()), 1)
        precision = [sum(is_relevant[: rank + 1]) / (rank + 1) for rank in range(len(ranking))]
        scores["AP"][query_id] = (
            sum(p for p, hit in zip(precision, is_relevant, strict=True) if hit) / n_relevant
        )
        scores["R@100"][query_id] = sum(is_relevant[:100]) / n_relevant
        scores["P@5"][query_id] = sum(is_relevant[:5]) / 5
        scores["RR"][query_id] = 1 / (is_relevant.index(True) + 1) if any(is_relevant) else 0.0

        def dcg(gains):
            return sum(max(gain, 0) / math.log2(rank + 2) for rank, gain in enumerate(gains[:10]))

        ideal = dcg(sorted(grades.values(), reverse=True))
        scores["nDCG@10"][query_id] = dcg(ranking) / ideal if ideal else 0.0
    return scores


@pytest.mark.parametrize("with_ties", [False, True])
def test_measures_equal_trec_eval_and_the_formulas(with_ties):
    rng = np.random.default_rng(16)
    for _ in range(1000):
        run, qrels = random_case(rng, with_ties=with_ties)
        found = evaluate(run, qrels, list(TREC_NAMES))
        expected = by_definition(run, qrels)
        for name in TREC_NAMES:
            assert found[name] == pytest.approx(expected[name], abs=1e-6), (name, run, qrels)
            assert found[name] == pytest.approx(by_trec_eval(run, qrels)[name], abs=1e-6)


def test_written_runs_have_no_tie_and_the_same_measures(tmp_path):
    rng = np.random.default_rng(17)
    run, qrels = {}, {}
    for number in range(1000):
        ranked, judged = random_case(rng, with_ties=True)
        run |= {f"{number}.{query_id.replace(' ', '-')}": ranking for query_id, ranking in ranked.items()}
        qrels |= {f"{number}.{query_id}": grades for query_id, grades in judged.items()}
    ours = evaluate(run, qrels, list(TREC_NAMES))
    write_run(run, tmp_path / "tied.run")
    with (tmp_path / "tied.run").open(encoding="utf-8") as lines:
        of_the_file = by_trec_eval(pytrec_eval.parse_run(lines), qrels)
    for name in TREC_NAMES:
        assert of_the_file[name] == pytest.approx(ours[name], abs=1e-6)
    assert evaluate(read_run(tmp_path / "tied.run"), qrels, list(TREC_NAMES)) == ours


def test_ties_have_one_order_for_every_measure():
    """The relevant document is second in trec_eval: .5 for its measure and for that of MS MARCO."""
    tied = {"q": {"a": 1.0, "b": 1.0}}
    scores = evaluate(tied, {"q": {"a": 1}}, ["RR", "RR@10", "AP", "map"])
    assert [by_query["q"] for by_query in scores.values()] == [0.5, 0.5, 0.5, 0.5]
    near = {"q": {"b": 1.0, "a": 1.0 + 1e-12}}  # one score in float32, as in trec_eval
    assert evaluate(near, {"q": {"a": 1}}, ["RR"]) == {"RR": {"q": 0.5}}
    assert tied_queries(tied | {"q2": {"x": 1.0}}, {"q": {"a": 1}, "q2": {"x": 1}}) == ["q"]
    assert tied_queries(near, {"q": {"a": 1}}) == ["q"]


NAMES_OF_TREC_EVAL = (
    "map", "gm_map", "Rprec", "bpref", "recip_rank", "P_5", "P_30", "P_3", "recall_100", "ndcg", "ndcg_cut_10",
    "map_cut_5", "success_1", "success_10", "set_P",
     "set_recall", "set_F", "set_map", "set_relative_P", "relative_P_5", "infAP",
    "iprec_at_recall_0.10", "11pt_avg", "num_ret", "num_rel_ret", "num_nonrel_judged_ret", "Rndcg",
    "ndcg_rel", "binG", "G", "utility", "gm_bpref", "Rprec_mult_0.20",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES_OF_TREC_EVAL)
def test_names_of_trec_eval_give_its_numbers(name):
    """Means over the queries of a complete run, so that `-c` makes no difference."""
    rng = np.random.default_rng(18)
    for _ in range(30):
        run, qrels = random_case(rng, with_ties=True)
        qrels = {query_id: grades for query_id, grades in qrels.items() if max(grades.values()) > 0}
        run = {query_id: run.get(query_id, {"x": 1.0}) for query_id in qrels}
        if not qrels:
            continue
        found = pytrec_eval.RelevanceEvaluator(qrels, {name}).evaluate(run)
        values = [
            value if value == value else 0.0 for by_name in found.values() for value in by_name.values()
        ]
        expected = pytrec_eval.compute_aggregated_measure(name, values)
        assert mean_scores(evaluate(run, qrels, [name]))[name] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", ["P.5", "ndcg_cut.10", "recall.100"])
def test_trec_eval_names_with_a_point(name):
    run, qrels = {"q": {"a": 2.0, "b": 1.0}}, {"q": {"b": 1}}
    assert (
        evaluate(run, qrels, [name])[name]
        == evaluate(run, qrels, [name.replace(".", "_")])[name.replace(".", "_")]
    )


def test_a_query_that_the_run_lacks_is_no_perfect_one_in_a_geometric_mean():
    found = evaluate({"q1": {"a": 1.0}}, {"q1": {"a": 1}, "q2": {"b": 1}}, ["gm_map"])
    assert mean_scores(found)["gm_map"] == pytest.approx(math.sqrt(1e-5))


def test_every_judged_query_counts():
    scores = evaluate({"q1": {"a": 1.0}}, {"q1": {"a": 1}, "q2": {"b": 1}, "q3": {"c": 0}})
    assert list(scores) == list(DEFAULT_MEASURES)
    assert all(by_query == {"q1": 1.0, "q2": 0.0, "q3": 0.0} for by_query in scores.values())
    assert mean_scores(scores)["AP"] == pytest.approx(1 / 3)
    turned = evaluate({"q1": {"a": 1.0}}, {"q2": {"b": 1}, "q1": {"a": 1}})
    assert list(turned["AP"]) == ["q2", "q1"]


def test_an_evaluator_that_fails_is_a_condition_of_the_data():
    with pytest.raises(
        DataError, match=r"the evaluator behind AP, Accuracy@10 failed on this run: float division"
    ):
        evaluate({"q": {"a": 1.0}}, {"q": {"a": 1}}, ["AP", "Accuracy@10"])


def test_a_query_with_negative_grades_alone_scores_0():
    """trec_eval dies of a segmentation fault on it."""
    scores = evaluate({"q": {"a": 1.0}}, {"q": {"a": -1, "b": -2}})
    assert all(by_query == {"q": 0.0} for by_query in scores.values())


def test_names_that_mean_the_same_are_both_answered():
    scores = evaluate({"q": {"a": 1.0}}, {"q": {"a": 1}}, ["AP", "MAP"])
    assert scores["AP"] == scores["MAP"] == {"q": 1.0}


def test_a_nan_score_and_strangers_are_refused():
    with pytest.raises(DataError, match="score of document 'a' for query 'q' is NaN"):
        evaluate({"q": {"a": float("nan")}}, {"q": {"a": 1}})
    with pytest.raises(DataError, match="share no query: the run begins with 'Q1', the qrels with 'q1'"):
        evaluate({"Q1": {"a": 1.0}}, {"q1": {"a": 1}})
    with pytest.raises(DataError, match="have grade 1000000000 for query 'q', the limit is 1,000,000"):
        evaluate({"q": {"a": 1.0}}, {"q": {"a": 10**9}})
    with pytest.raises(DataError, match="the run begins with None"):
        evaluate({}, {"q1": {"a": 1}})


def test_judgements_of_another_collection_are_told_from_a_bad_run():
    qrels = {"q1": {"a": 1, "b": 0}, "q2": {"c": 1}}
    check_same_collection(
        "r", {"q1": {"b": 1.0, "x": 2.0}}, qrels
    )  # what it found is judged, if not relevant
    check_same_collection("r", {"q1": {"x": 2.0}, "q2": {"c": 1.0}}, qrels)
    check_same_collection(
        "r", {"q1": {"c": 2.0}, "q2": {"a": 1.0}}, qrels
    )  # all wrong, of the right collection
    with pytest.raises(
        DataError, match=r"run r ranks no document that the qrels judge: .* has 'x', the qrels have 'a'"
    ):
        check_same_collection("r", {"q1": {"x": 2.0}, "q2": {"y": 1.0}, "q3": {"c": 1.0}}, qrels)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nDGC@10", r"unknown measure 'nDGC@10'; did you mean 'nDCG@10'\?"),
        ("ndcg@5", r"did you mean 'nDCG@5'\?"),
        ("Recal@100", r"did you mean 'Recall@100'\?"),
        ("P@0", "has cutoff 0: expected a whole number, 1 or more"),
        ("P(rel=0)@5", "has rel 0"),
        ("P", "cannot be read: it needs a cutoff, such as P_10"),
        ("P_0", "cannot be read: the cutoff is a whole number, 1 or more"),
        ("ndcg_cut_99999999999", "cannot be read: the cutoff is a whole number"),
        ("iprec_at_recall", "cannot be read: it means several measures"),
        ("runid", "cannot be read: trec_eval prints text for it"),
        ("map_5x", "unknown measure 'map_5x'"),
        ("AP(", "cannot be read"),
        ("", "cannot be read"),
        ("alpha_nDCG@10", "no installed evaluator computes 'alpha_nDCG@10'"),
    ],
)
def test_a_wrong_measure_is_refused_with_the_nearest_name(name, message):
    with pytest.raises(ValueError, match=message):
        check_measures(["AP", name])
