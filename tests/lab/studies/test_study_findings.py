"""Differences and findings against numbers worked by hand."""

import pytest

from opticlir.evaluation import compare_systems
from opticlir.lab.probes.geometry import Geometry
from opticlir.lab.probes.query_noise import QueryNoise
from opticlir.lab.studies.declaration import Family, Gain
from opticlir.lab.studies.differences import differences, taken_together
from opticlir.lab.studies.findings import biases, effectiveness, gains, gaps, geometries, robustness, terms
from opticlir.lab.studies.noisy_questions import changed_shares
from opticlir.lab.studies.rankings import write_ranking
from opticlir.lab.studies.scores import Bias, RunScores, judged_ranking, language_bias
from opticlir.records import Document, Query, RetrievalTask


def changed(record, **fields):
    return type(record)(**{**vars(record), **fields})


@pytest.fixture
def plan(planned, study_file):
    return planned(study_file())


def measured(plan, values, scores=None, **others):
    """A run per (system, language, seed), each with two questions in AP; `scores` and `others` are of every run."""
    runs = {(run.name, run.language, run.seed): run for run in plan.runs}
    return [
        RunScores(
            run=runs[name], counts={"pairs": 20, "steps": 2 + name[2]},
            scores={
                "AP": dict(zip(("q0", "q1"), found, strict=True)), "RR@10": {"q0": 1.0, "q1": 0.5}, **(scores or {}),
            },
            **others,
        )
        for name, found in values.items()
    ]  # fmt: skip


VALUES = {
    ("optical", "swa", 0): (0.6, 0.8), ("optical", "swa", 1): (0.8, 0.8),
    ("mse", "swa", 0): (0.4, 0.6), ("mse", "swa", 1): (0.4, 0.8),
    ("optical", "yor", 0): (0.5, 0.3), ("optical", "yor", 1): (0.5, 0.3),
    ("mse", "yor", 0): (0.4, 0.2), ("mse", "yor", 1): (0.4, 0.2),
}  # fmt: skip


def test_differences_by_hand(plan):
    found = {
        (each.language, each.measure): each for each in differences(plan, measured(plan, VALUES), draws=200)
    }
    swahili = found["swa", "AP"]
    assert (swahili.system, swahili.baseline, swahili.task) == ("mse", "optical", "beir")
    # means over seeds by question: optical .7, .8; mse .4, .7
    assert swahili.comparison.mean_first == pytest.approx(0.55)
    assert swahili.comparison.mean_second == pytest.approx(0.75)
    assert swahili.comparison.mean_difference == pytest.approx(-0.2)
    assert found["yor", "AP"].comparison.mean_difference == pytest.approx(-0.1)
    assert found["swa", "RR@10"].comparison.ties == 2


def test_all_languages_together_take_a_question_as_one_unit(plan):
    found = {
        (each.language, each.measure): each for each in differences(plan, measured(plan, VALUES), draws=200)
    }
    pooled = found["all", "AP"]
    assert pooled.comparison.mean_difference == pytest.approx(-0.15)
    assert pooled.comparison.n_queries == 4
    # two units, q0 and q1 of both languages: of the 4 patterns of exchange 2 are as extreme
    assert pooled.comparison.p_value == 0.5
    assert (pooled.task, pooled.family, pooled.comparison.p_holm) == ("all", None, None)


def test_without_families_all_languages_and_measures_are_one(plan):
    found = differences(plan, measured(plan, VALUES), draws=200)
    assert {each.family for each in found if each.language != "all"} == {"all comparisons by language"}
    by_hand = compare_systems(
        [{"q0": 0.4, "q1": 0.6}, {"q0": 0.4, "q1": 0.8}],
        [{"q0": 0.6, "q1": 0.8}, {"q0": 0.8, "q1": 0.8}],
        draws=200,
    )
    swahili = next(each for each in found if (each.language, each.measure) == ("swa", "AP"))
    assert swahili.comparison.p_value == by_hand.p_value == 0.5
    assert swahili.comparison.p_holm == 1.0, "the least of four p of .5, .5, 1 and 1"


def test_a_declared_family_corrects_its_own_and_leaves_the_rest_alone(plan):
    families = (Family(name="one", languages=("swa",), measures=("AP",)),)
    declared = changed(plan, study=changed(plan.study, families=families))
    found = differences(declared, measured(plan, VALUES), draws=200)
    assert [(each.language, each.measure) for each in found if each.family] == [("swa", "AP")]
    (only,) = [each.comparison for each in found if each.family]
    assert only.p_holm == only.p_value


def test_an_arm_that_is_not_there_is_not_compared(plan):
    only = {name: scores for name, scores in VALUES.items() if name[:2] != ("optical", "yor")}
    found = differences(plan, measured(plan, only), draws=50)
    assert {each.language for each in found} == {"swa"}


def test_what_is_taken_together_is_all_languages_only_where_it_is(plan):
    """A system that does two of three languages, or lost a run of the third, is told of two."""
    (task, _), *_ = plan.languages
    (together,) = [
        each for each in differences(plan, measured(plan, VALUES), draws=50)
        if (each.language, each.measure) == ("all", "AP")
    ]  # fmt: skip
    assert (together.places, taken_together(together, plan)) == (2, "all languages")
    third = changed(plan, languages=(*plan.languages, (task, "hau")))
    assert taken_together(together, third) == "2 of 3 languages"
    elsewhere = changed(plan, languages=(*plan.languages, (changed(task, name="xquad"), "swa")))
    assert taken_together(together, elsewhere) == "2 of 3 pairs of task and language"


def test_effectiveness_and_terms_by_hand(plan):
    found = measured(plan, VALUES)
    rows = {(row.system, row.language): row for row in effectiveness(plan, found) if row.measure == "AP"}
    assert rows["optical", "swa"].by_seed == pytest.approx((0.7, 0.8))
    assert rows["optical", "swa"].mean == pytest.approx(0.75)
    (optical, mse) = terms(plan, found)
    assert (optical.system, optical.pairs, optical.steps, optical.parameters, optical.runs) == (
        "optical", 20, 2.5, None, 4
    )  # fmt: skip
    assert mse.system == "mse"


def test_gaps_by_hand(plan):
    (optical, mse) = gaps(plan, measured(plan, VALUES))
    assert optical.gap.high_minus_low == pytest.approx(0.75 - 0.4)
    assert mse.gap.low_to_high == pytest.approx(0.3 / 0.55)
    assert (optical.gap.worst, optical.parameters) == ("yor", None)
    only = {name: scores for name, scores in VALUES.items() if name[1] == "swa"}
    assert gaps(plan, measured(plan, only)) == [], "a group that lost its language would be another group"


def test_robustness_by_hand(plan):
    typos = QueryNoise(kind="typos", rate=0.1)
    declared = changed(plan, study=changed(plan.study, noises=(typos,)))
    mistyped = {"AP, typos 10 %": {"q0": 0.1, "q1": 0.3}}
    found = measured(plan, VALUES, mistyped, overlap={"typos 10 %": 0.9}, changed={"typos 10 %": 0.8})
    (optical, mse) = robustness(declared, found)
    assert (optical.system, optical.noise, mse.system) == ("optical", "typos 10 %", "mse")
    assert optical.clean == pytest.approx((0.75 + 0.4) / 2)
    assert optical.drop == pytest.approx(1 - 0.2 / 0.575)
    assert (optical.worst_language, optical.worst_drop) == ("swa", pytest.approx(1 - 0.2 / 0.75))
    assert optical.overlap == pytest.approx(0.9)
    assert optical.changed == pytest.approx(0.8)


def test_questions_of_few_letters_are_not_changed_by_few_typos(planned, study_file):
    """The table did not say of how many questions it told."""
    plan = planned(study_file(added="\n[robustness]\ntypos = [0.01, 0.5]\ncode_switch = [1.0]\n"))
    (task, language), *_ = plan.languages
    queries = plan.tasks.load(task, language).queries
    assert max(sum(map(str.isalpha, query.text)) for query in queries) < 50, "so 1 % of them is no letter"
    shares = changed_shares(plan, task, language)
    assert (shares["typos 1 %"], shares["typos 50 %"], shares["code switch 100 %"]) == (0.0, 1.0, 1.0)


def test_disturbed_questions_are_compared_where_both_arms_were_asked_them(plan):
    typos = QueryNoise(kind="typos", rate=0.1)
    families = (Family(name="typing", languages=("all",), measures=("AP, typos 10 %",)),)
    declared = changed(plan, study=changed(plan.study, noises=(typos,), families=families))
    clean = measured(plan, VALUES)
    assert {each.measure for each in differences(declared, clean, draws=50)} == {"AP", "RR@10"}

    def mistyped(run):
        lost = 0.1 if run.run.name == "optical" else 0.3
        disturbed = {query: score - lost for query, score in run.scores["AP"].items()}
        return changed(run, scores={**run.scores, "AP, typos 10 %": disturbed})

    found = differences(declared, [mistyped(run) for run in clean], draws=50)
    (tested,) = [each for each in found if each.family]
    assert (tested.measure, tested.language) == ("AP, typos 10 %", "all")
    # clean -.15 over both languages, and mse loses .2 more by typing
    assert tested.comparison.mean_difference == pytest.approx(-0.35)


def test_geometry_and_bias_are_means_over_seeds(plan):
    names = [("optical", "swa", 0), ("optical", "swa", 1)]
    found = [
        measured(
            plan,
            {name: VALUES[name]},
            geometry=space(at),
            bias=Bias(rank_distance=at, max_at_r=4.0, peer=0.5),
        )[0]
        for name, at in zip(names, (0.2, 0.6), strict=True)
    ]
    (row,) = geometries(plan, found)
    assert (row.system, row.language, row.space.alignment) == ("optical", "swa", pytest.approx(0.4))
    assert row.space.language_identity is None, "these spaces are older than the probe"
    assert (row.space.cosine_margin, row.space.csls_to_english) == (pytest.approx(0.5), 0.7)
    (bias,) = biases(plan, found)
    assert bias.bias.rank_distance == pytest.approx(0.4)


def space(alignment):
    return Geometry(
        alignment=alignment, uniformity_english=-2.0, uniformity_foreign=-2.5, uniformity_cross=-2.2, cosine_pairs=0.8,
        cosine_random=0.3, csls_to_english=0.7, csls_from_english=0.6,
    )  # fmt: skip


def pooled(*relevant):
    """A task of one question over two documents in each of two languages."""
    documents = tuple(Document(name, name) for name in ("en.1", "en.2", "sw.1", "sw.2"))
    asked = (Query("q", "homa", "swa"),)
    return RetrievalTask("pool", documents, asked, {"q": dict.fromkeys(relevant, 1)})


def test_peer_is_left_open_where_it_is_the_same_for_every_ranking():
    run = {"q": {"en.1": 4.0, "en.2": 3.0, "sw.1": 2.0, "sw.2": 1.0}}
    one_each = language_bias(run, pooled("en.1", "sw.1"))
    assert one_each == Bias(rank_distance=2.0, max_at_r=3.0, peer=None)
    two_each = language_bias(run, pooled("en.1", "en.2", "sw.1", "sw.2"))
    assert two_each.peer == pytest.approx(0.1213, abs=1e-4), "chi2.sf(12 / 5, 1)"


def test_bias_of_questions_with_one_answer_or_none_is_left_open():
    run = {"q": {"en.1": 1.0}}
    assert language_bias(run, pooled("en.1")) == Bias(rank_distance=None, max_at_r=1.0, peer=None)
    assert language_bias(run, pooled()) == Bias(rank_distance=None, max_at_r=None, peer=None)


def test_bias_that_is_open_in_a_seed_is_open_in_the_mean(plan):
    names = [("optical", "swa", 0), ("optical", "swa", 1)]
    found = [
        measured(plan, {name: VALUES[name]}, bias=Bias(rank_distance=4.0, max_at_r=4.0, peer=value))[0]
        for name, value in zip(names, (0.5, None), strict=True)
    ]
    (row,) = biases(plan, found)
    assert row.bias == Bias(rank_distance=4.0, max_at_r=4.0, peer=None)


def test_gain_by_hand(plan):
    gain = Gain(system="optical", rivals=("mse",), published=13.7)
    declared = changed(plan, study=changed(plan.study, gain=gain))
    swahili, yoruba = gains(declared, measured(plan, VALUES))
    assert (swahili.language, swahili.best_rival) == ("swa", "mse")
    assert swahili.gain == pytest.approx(100 * (0.75 / 0.55 - 1))
    assert yoruba.gain == pytest.approx(100 * (0.4 / 0.3 - 1))
    assert gains(plan, measured(plan, VALUES)) == []


def test_the_gain_of_an_arm_per_model_is_one_per_model(planned, study_file):
    """Beside the rivals of its own model and those of none; the section was empty once."""
    plan = planned(study_file(
        ("[systems.mse]", '[systems.deep]\nmodel = "{model}"\n[systems.zero]\nmodel = "{model}"\n[systems.mse]'),
        ("steps = 2", 'steps = 2\nmodels = ["a/big", "a/small"]\nlanguages = ["swa"]'),
        ("[train]", '[gain]\nsystem = "deep"\nrivals = ["zero", "mse"]\n[train]'),
    ))  # fmt: skip
    score = {
        "deep@big": 0.6,
        "deep@small": 0.4,
        "zero@big": 0.2,
        "zero@small": 0.5,
        "mse": 0.3,
        "optical": 0.9,
    }
    found = [
        RunScores(run=run, counts={}, scores={"AP": {"q0": score[run.name]}, "RR@10": {"q0": 1.0}})
        for run in plan.runs
    ]
    big, small = gains(plan, found)
    assert (big.system, big.best_rival, big.gain) == ("deep@big", "mse", pytest.approx(100.0))
    assert (small.system, small.best_rival, small.gain) == ("deep@small", "zero@small", pytest.approx(-20.0))


def test_the_own_document_of_a_question_is_not_measured(tmp_path):
    write_ranking({"a": {"a": 2.0, "b": 1.0}, "c": {"c": 2.0, "b": 1.0}}, tmp_path / "clean.run")
    qrels = {"a": {"b": 1}, "c": {"c": 1}, "d": {"b": 1}}
    assert judged_ranking(tmp_path / "clean.run", qrels) == {
        "a": {"b": 1.0},
        "c": {"c": 2.0, "b": 1.0},
        "d": {},
    }
