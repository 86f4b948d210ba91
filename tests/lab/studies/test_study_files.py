"""The study files of this repository: each can be read, and planned where the data are there."""

from collections import Counter
from pathlib import Path

import pytest

from opticlir.data import bitext_files
from opticlir.encoder import split_layers
from opticlir.lab.studies import plan_study, read_study
from opticlir.lab.studies.contents import bitext_paths
from opticlir.training import TrainConfig

ROOT = Path(__file__).parents[3]
SHARED = ROOT.parent / "shared" / "data"
FILES = {path.stem: path for path in sorted((ROOT / "studies").glob("*.toml"))}
NEEDED = {"q1-adversarial": ("noise", "discriminator"), "q4-hybrid": ("monolingual",)}

with_data = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the public data sets are not beside this checkout"
)


QUESTIONS = ["headline", "q0-robustness", "q1-adversarial", "q2-scale", "q3-geometry", "q4-hybrid"]
PREPARATIONS = ["tuning", "variants"]
OTHERS = ["main", "models", "plan-sharpness"]
BETWEEN = ("evening", "adversaries", "controls", "least", "curve")
"""Budgets of some studies beside the three that each has."""


def test_there_is_one_per_question_and_what_their_settings_were_chosen_by():
    assert sorted(FILES) == sorted([*QUESTIONS, *PREPARATIONS, *OTHERS])


@pytest.mark.parametrize("name", FILES)
def test_each_is_whole_and_says_its_command(name):
    study = read_study(FILES[name])
    assert [budget for budget in study.budgets if budget not in BETWEEN] == ["small", "night", "full"]
    assert f"opticlir lab study studies/{name}.toml" in FILES[name].read_text()
    assert all(family.measures for family in study.families)


@pytest.mark.parametrize("name", QUESTIONS)
def test_each_question_is_asked_of_many_encoders(name):
    budgets = read_study(FILES[name]).budgets
    assert {split_layers(model)[0] for model in budgets["small"].models} == {"minilm"}, "no download"
    assert len(budgets["full"].models) >= 6


@pytest.mark.parametrize("name", PREPARATIONS)
def test_settings_are_chosen_on_languages_that_the_headline_does_not_report(name):
    chosen, reported = (
        {code for task in read_study(FILES[file]).tasks for code in task.languages}
        for file in (name, "headline")
    )
    assert not chosen & reported


CHOSEN_ON = {"hau", "ibo", "zul", "yor"}
"""Languages of AfriQA whose questions decided settings: docs/decisions/0001."""


def test_the_headline_decides_about_transport_on_languages_without_chosen_settings():
    study = read_study(FILES["headline"])
    families = {family.name: family for family in study.families}
    decided = set(families["transport"].languages) - {"all"}
    tuned = {
        code for name in PREPARATIONS for task in read_study(FILES[name]).tasks for code in task.languages
    }
    assert decided
    assert not decided & (CHOSEN_ON | tuned)
    assert set(study.budgets["least"].languages) & decided, "the least budget has one of them"


def test_the_least_headline_convinces():
    study = read_study(FILES["headline"])
    least, curve = study.budgets["least"], study.budgets["curve"]
    assert (least.steps, study.seeds, least.seeds, least.queries) == (600, (0, 1, 2), None, None)
    assert study.equivalence_margin == 0.01
    for name in least.systems:
        system = study.systems[name]
        if system.ranking == "dense" and name not in ("human", "structured-queries"):
            assert f"{name}-hybrid" in least.systems, "every arm in the same rankings"
    steps = {
        study.systems[name].source.train.get("steps", 600) for name in curve.systems if name != "initialised"
    }
    assert steps == {40, 200, 600}


def test_each_method_has_as_many_trials():
    trials = Counter(system.baseline or name for name, system in read_study(FILES["tuning"]).systems.items())
    assert len(trials) == 12
    assert set(trials.values()) == {4}


def test_the_scale_question_has_its_ladders():
    budgets = read_study(FILES["q2-scale"]).budgets
    assert [split_layers(model)[1] for model in budgets["small"].models] == [2, 4, None]
    models = budgets["full"].models
    assert sum("F2LLM-v2" in model for model in models) == 8
    assert sum("Qwen3-Embedding" in model for model in models) == 3


@with_data
@pytest.mark.parametrize("name", FILES)
def test_all_bitext_and_dictionaries_are_there(name):
    for task in read_study(FILES[name]).tasks:
        assert (SHARED / task.data).is_dir()
        for code, language in task.languages.items():
            for path, _ in bitext_paths(SHARED, language.bitext):
                assert all(file.exists() for file in bitext_files(path, language=code))
            assert all((SHARED / file).exists() for file in language.dictionary)


@with_data
@pytest.mark.parametrize("name", FILES)
def test_the_runs_of_the_small_budget_are_planned(name):
    if missing := [key for key in NEEDED.get(name, ()) if key not in TrainConfig.__dataclass_fields__]:
        pytest.skip(f"the training configuration has no {' or '.join(missing)} yet")
    study = read_study(FILES[name])
    plan = plan_study(study, "small", SHARED)
    assert {cell.name for cell in plan.runs} == set(plan.systems)
    assert len({cell.key for cell in plan.runs}) == len(plan.runs)
    trained = [cell for cell in plan.runs if cell.seed is not None]
    assert 0 < len({str(cell.system.content()) for cell in trained}) <= 64, "half an hour on two cores"
