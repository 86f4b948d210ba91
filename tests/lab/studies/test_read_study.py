"""A study file that is not as it should be is refused by file, table, key and what was meant."""

import pytest

import tiny_models
from opticlir.errors import DataError
from opticlir.lab.studies import plan_study, read_study

BAD = {
    "no TOML": (("[budget.small]", "[budget.small"), "tiny.toml: not readable as TOML"),
    "unknown key": (("answer_if", "answer_of"), "tiny.toml: unknown key 'answer_of'; did you mean 'answer_if'?"),
    "missing key": (("answer_if", "#"), "tiny.toml: no key 'answer_if', expected str"),
    "old key of the systems": (("[systems.mse]", "[arms.mse]"), "unknown key 'arms': it is called 'systems' now"),
    "old key of the gain": (
        ("[train]", '[gain]\narm = "mse"\nrivals = ["optical"]\n[train]'),
        "[gain]: unknown key 'arm': it is called 'system' now",
    ),
    "empty list": (("seeds = [0, 1]", "seeds = []"), "tiny.toml: seeds is []: expected a list with entries"),
    "misspelt key": (("seeds = [0, 1]", "sedes = [0, 1]"), "tiny.toml: unknown key 'sedes'; did you mean 'seeds'?"),
    "misspelt key of a task": (("data =", "date ="), "tiny.toml: [task 1]: unknown key 'date'; did you mean 'data'?"),
    "misspelt key of a language": (
        ("bitext = [\"yor.tsv\"]", "bitexts = [\"yor.tsv\"]"),
        "tiny.toml: [task 1.languages.yor]: unknown key 'bitexts'; did you mean 'bitext'?",
    ),
    "misspelt key of a budget": (
        ("steps = 2", "stepps = 2"), "tiny.toml: [budget.small]: unknown key 'stepps'; did you mean 'steps'?"
    ),
    "type": (("seeds = [0, 1]", 'seeds = "0"'), "tiny.toml: seeds is '0', expected a list of int"),
    "type in a list": (
        ("seeds = [0, 1]", "seeds = [0, true]"),
        "tiny.toml: seeds is [0, True], expected a list of int"
    ),
    "equal seeds": (("seeds = [0, 1]", "seeds = [1, 1]"), "seeds is [1, 1]: expected different numbers"),
    "unknown baseline": (
        ('baseline = "optical"', 'baseline = "optcal"'), "baseline: unknown 'optcal'; did you mean 'optical'?; e"
    ),
    "unknown measure": (('"RR@10"', '"RRR@10"'), "tiny.toml: measures: unknown measure 'RRR@10'; did you mean"),
    "unknown benchmark": (
        ('benchmark = "beir"', 'benchmark = "bier"'),
        "tiny.toml: [task 1]: benchmark is 'bier'; did you mean 'beir'?; expected one of africlirmatrix",
    ),
    "unknown language": (
        ("languages.yor", "languages.yoruba"), "[task 1.languages.yoruba]: unknown language code 'yoruba'"
    ),
    "one language twice": (
        ("languages.yor", "languages.sw"), "tiny.toml: [task 1.languages.sw]: swa is given twice, under two codes"
    ),
    "unknown group": (
        ('group = "low"', 'group = "lower"'),
        "group is 'lower', expected 'high' or 'low' | None; did you mean 'low'?"
    ),
    "two sources": (
        ("[systems.mse]", '[systems.mse]\nmodel = "minilm"'),
        "tiny.toml: [systems.mse]: expected one of train, model, translate, runs, found train and model",
    ),
    "no source": (
        ("[systems.mse]", "[systems.none]\n[systems.mse]"), "expected one of train, model, translate, runs, found none"
    ),
    "unknown translator": (
        ("[systems.mse]", '[systems.x]\ntranslate = "word_table"\n[systems.mse]'),
        "[systems.x]: by is 'word_table', expected 'word-table' or",
    ),
    "seq2seq without a model": (
        ("[systems.mse]", '[systems.x]\ntranslate = "seq2seq"\n[systems.mse]'),
        "[systems.x]: seq2seq needs the folder of a model"
    ),
    "unknown removal": (
        ("[systems.mse]", '[systems.x]\nmodel = "minilm"\nremove = "lri"\n[systems.mse]'),
        "[systems.x]: remove is 'lri', expected 'lir' or 'lsar' | None; did you mean 'lir'?",
    ),
    "rank of nothing": (
        ("[systems.mse]", '[systems.x]\nmodel = "minilm"\nrank = 2\n[systems.mse]'),
        "[systems.x]: rank is given without remove: choose lir or lsar"
    ),
    "rank 0": (
        ("[systems.mse]", '[systems.x]\nmodel = "minilm"\nremove = "lir"\nrank = 0\n[systems.mse]'),
        "[systems.x]: rank is 0: lir expects 1 or more",
    ),
    "rank of two means": (
        ("[systems.mse]", '[systems.x]\nmodel = "minilm"\nremove = "lsar"\nrank = 2\n[systems.mse]'),
        "[systems.x]: rank is 2: lsar expects 1, the direction in which two means differ",
    ),
    **{
        f"runs of {pattern}": (
            ("[systems.mse]", f'[systems.x]\nruns = "{pattern}"\n[systems.mse]'),
            f"tiny.toml: [systems.x]: runs is '{pattern}': {reason}; expected {{task}}, {{language}}, {{seed}}, "
            "{model}",
        )
        for pattern, reason in {
            "a.{lang}.run": "no field {lang}", "a.{}.run": "no field {}", "a.{0}.run": "no field {0}",
            "a.{task.x}.run": "no field {task.x}", "a.{seed:03d}.run": "no field {seed:03d}",
            "a.{.run": "expected '}' before end of string", "a.}.run": "Single '}' encountered in format string",
        }.items()
    },
    "unknown ranking": (
        ("[systems.mse]", '[systems.mse]\nranking = "sparse"'),
        "ranking is 'sparse', expected 'hybrid' or 'dense' or 'bm25'"
    ),
    "seed of a system": (
        ('{method = "mse"}', '{method = "mse", seed = 3}'), "[systems.mse]: train: the study sets seed: remove it"
    ),
    "two budgets": (("steps = 2", "steps = 2\nepochs = 1.0"), "[budget.small]: give one budget, not steps and epochs"),
    **{
        f"{name} of {value}": (
            ("steps = 2", f"{name} = {value}"),
            f"tiny.toml: [budget.small]: {name} is {shown}: expected a finite number",
        )
        for name, value, shown in (
            ("minutes", "inf", "inf"), ("minutes", "nan", "nan"), ("minutes", "0", "0.0"), ("minutes", "-1", "-1.0"),
            ("translator_minutes", "inf", "inf"), ("translator_minutes", "0.0", "0.0"),
            ("epochs", "inf", "inf"), ("epochs", "nan", "nan"), ("epochs", "-1", "-1.0"), ("steps", "-1", "-1"),
        )
    },
    "minutes of a translator": (
        ("[systems.mse]", '[systems.x]\ntranslate = {by = "nmt", minutes = -3}\n[systems.mse]'),
        "tiny.toml: [systems.x.translate]: minutes is -3.0: expected a finite number above 0",
    ),
    **{
        f"depth {depth}": (
            ("[train]", f"depth = {depth}\n[train]"), f"tiny.toml: depth is {depth}: expected at least 1"
        )
        for depth in (0, -5)
    },
    "name of a system": (("[systems.mse]", '[systems."m/se"]'), "the name of a system is 'm/se': expected only"),
    "unknown report": (
        ("[train]", 'reports = ["gaps"]\n[train]'),
        "reports is ['gaps'], expected a list of 'effectiveness' or 'gap' or 'geometry' or"
    ),
    "report without its need": (
        ("[train]", 'reports = ["robustness"]\n[train]'),
        "the report 'robustness' needs query noise under [robustness]",
    ),
    "no noise": (("[train]", "[robustness]\ntypos = [2.0]\n[train]"), "[robustness]: the rate of typos is 2.0"),
    "one noise twice": (
        ("[train]", "[robustness]\ntypos = [0.1, 0.2, 0.1]\n[train]"),
        "tiny.toml: [robustness]: typos 10 % is given twice",
    ),
    "family of the baseline": (
        ("[train]", '[family.f]\nsystems = ["optical"]\n[train]'),
        "[family.f]: systems: unknown 'optical'; expected one of mse"
    ),
    "unknown system of a family": (
        ("[train]", '[family.f]\nsystems = ["msee"]\n[train]'),
        "[family.f]: systems: unknown 'msee'; did you mean 'mse'?"
    ),
    "unknown measure of a family": (
        ("[train]", '[family.f]\nmeasures = ["RR"]\n[train]'),
        "[family.f]: measures: unknown 'RR'; expected one of AP, RR@10",
    ),
    "unknown language of a family": (
        ("[train]", '[family.f]\nlanguages = ["hau"]\n[train]'), "[family.f]: languages: unknown 'hau'; expected one of"
    ),
    "unknown system of a budget": (
        ("steps = 2", 'steps = 2\nsystems = ["optical", "ms"]'),
        "[budget.small]: systems: unknown 'ms'; did you mean 'mse'?; expected one of mse, optical",
    ),
    "budget without the baseline": (
        ("steps = 2", 'steps = 2\nsystems = ["mse"]'),
        "[budget.small]: systems: add 'optical', the baseline of 'mse'",
    ),
    "unknown system of the gain": (
        ("[train]", '[gain]\nsystem = "opticl"\nrivals = ["mse"]\n[train]'),
        "[gain]: system: unknown 'opticl'; did you mean 'optical'?",
    ),
    "unknown rival": (
        ("[train]", '[gain]\nsystem = "optical"\nrivals = ["word-table"]\n[train]'),
        "[gain]: rivals: unknown 'word-table'; expected one of mse, optical",
    ),
    "one system": (
        ('[systems.mse]\ntrain = {method = "mse"}\n', ""), "a study compares two systems or more, found optical"
    ),
    "gain without rivals": (("[train]", '[gain]\nsystem = "mse"\n[train]'), "[gain]: no key 'rivals'"),
    "model without models": (
        ("[systems.mse]", '[systems.z]\nmodel = "{model}"\n[systems.mse]'), "no models, but the system 'z' has {model}"
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_refused_by_name(study_file, kind):
    change, message = BAD[kind]
    with pytest.raises(DataError) as refused:
        read_study(study_file(change))
    assert message in str(refused.value)
    assert str(refused.value).startswith(str(study_file()))


UNPLANNABLE = {
    "unknown setting": (
        ('{method = "mse"}', '{method = "mse", droput = 0.1}'),
        "tiny.toml: [systems.mse]: unknown key 'droput'; did you mean 'dropout'?",
    ),
    "unknown method": (('{method = "mse"}', '{method = "mes"}'), "unknown method 'mes'; did you mean 'mse'?"),
    "missing collection": (('data = "collection"', 'data = "nowhere"'), "nowhere: no such folder"),
    "missing language": (("languages.yor", "languages.hau"), "hau"),
    "missing bitext": (('["yor.tsv"]', '["yoruba.tsv"]'), "yoruba.tsv: no such file, which the study names"),
    "no bitext": (
        ('bitext = ["yor.tsv"], ', ""), "task beir, language yor: no bitext, but the system 'optical' learns from it"
    ),
    "missing run": (
        ("[systems.mse]", '[systems.r]\nruns = "{language}.run"\n[systems.mse]'),
        "swa.run: no such file, which the study names"
    ),
    "no dictionary": (
        ("[systems.mse]", '[systems.d]\ntranslate = "dictionary"\n[systems.mse]'),
        "language swa: no dictionary, but the system 'd' translates with it",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", UNPLANNABLE)
def test_what_cannot_be_done_is_refused_before_anything_is(study_file, planned, kind):
    change, message = UNPLANNABLE[kind]
    with pytest.raises(DataError) as refused:
        planned(study_file(change))
    assert message in str(refused.value)


def test_a_person_cannot_have_translated_what_nobody_did(study_file, study_data, tmp_path):
    data = tiny_models.copy_folder(study_data, tmp_path / "data")
    english = data / "collection" / "queries" / "eng.jsonl"
    kept = english.read_text().splitlines()[:3]
    english.write_text("".join(f"{line}\n" for line in kept))
    study = read_study(study_file(("[systems.mse]", '[systems.people]\ntranslate = "human"\n[systems.mse]')))
    with pytest.raises(DataError, match=(
        "task beir, language swa: 2 of 5 questions have no English form, such as 'q3', but the system 'people' needs"
    )):  # fmt: skip
        plan_study(study, "small", data)


def test_an_unknown_budget_is_refused_with_the_nearest(study_file, planned):
    with pytest.raises(DataError, match="no budget 'smal'; did you mean 'small'\\?; expected one of small"):
        planned(study_file(), budget="smal")


def test_an_arm_per_model_is_compared_with_the_baseline_of_its_model(study_file, planned):
    models = 'models = ["org/big", "small"]'
    path = study_file(
        ("[systems.mse]", '[systems.zero]\nmodel = "{model}"\n[systems.deep]\nmodel = "{model}"\n[systems.mse]'),
        ('baseline = "optical"', 'baseline = "zero"'), ("steps = 2", f"steps = 2\n{models}"),
    )  # fmt: skip
    with pytest.raises(
        DataError, match="the system 'optical' has no baseline: 'zero' is one system per model"
    ):
        planned(path)
    plan = planned(study_file(
        ("[systems.mse]", '[systems.deep]\nmodel = "{model}"\n[systems.mse]'), ("steps = 2", f"steps = 2\n{models}"),
    ))  # fmt: skip
    assert plan.baselines == {
        "optical": "optical",
        "deep@big": "optical",
        "deep@small": "optical",
        "mse": "optical",
    }
    assert plan.systems["deep@big"].source.model == "org/big"


def test_a_family_may_name_a_baseline_that_has_one_of_its_own(study_file):
    change = ("[systems.optical]", '[family.f]\nsystems = ["optical"]\n[systems.optical]\nbaseline = "mse"')
    assert read_study(study_file(change)).families[0].systems == ("optical",)
    with pytest.raises(DataError, match="systems: unknown 'optical'; expected one of mse"):
        read_study(study_file((change[0], change[1].replace('"mse"', '"optical"'))))


def test_a_budget_without_the_arm_of_many_models_names_none(study_file, planned):
    systems = 'steps = 2\nsystems = ["optical", "mse"]'
    change = ("[systems.mse]", '[systems.deep]\nmodel = "{model}"\n[systems.mse]')
    assert set(planned(study_file(change, ("steps = 2", systems))).systems) == {"optical", "mse"}


def test_models_of_one_name_are_refused(study_file, planned):
    path = study_file(
        ("[systems.mse]", '[systems.deep]\nmodel = "{model}"\n[systems.mse]'),
        ("steps = 2", 'steps = 2\nmodels = ["a/m", "b/m"]'),
    )
    with pytest.raises(DataError, match="two models have the same last name: m, m"):
        planned(path)


def test_stages_of_an_arm_win_over_the_shared_method(study_file, planned):
    staged = 'train = {stages = [{method = "mse", share = 0.5}, {method = "optical", share = 0.5}]}'
    plan = planned(
        study_file(('train = {method = "mse"}', staged), ("[train]", '[train]\nmethod = "greedy"'))
    )
    assert [len(cell.system.config.stages) for cell in plan.runs if cell.name == "mse"] == [2] * 4


def test_a_budget_may_leave_languages_and_seeds_out(study_file, planned):
    plan = planned(study_file(("steps = 2", 'steps = 2\nlanguages = ["yo"]\nseeds = [7]')))
    assert [(cell.name, cell.language, cell.seed) for cell in plan.runs] == [
        ("optical", "yor", 7),
        ("mse", "yor", 7),
    ]
    assert {cell.system.config.steps for cell in plan.runs} == {2}


def test_a_measure_that_is_named_twice_is_one(study_file):
    """Twice in a family it would double what Holm corrects for."""
    path = study_file(('measures = ["AP", "RR@10"]', 'measures = ["AP", "RR@10", "AP", "MAP"]'))
    assert read_study(path).measures == ("AP", "RR@10")


@pytest.mark.parametrize("nothing", ["steps = 0", "epochs = 0"])
def test_a_budget_of_nothing_is_that_of_initialised_students(study_file, nothing):
    assert list(read_study(study_file(("steps = 2", nothing))).budgets["small"].of_training().values()) == [0]


def test_a_collection_of_a_library_needs_no_folder(study_file):
    path = study_file(('benchmark = "beir"', 'benchmark = "irds:vaswani/x"'), ('data = "collection"', ""))
    (task,) = read_study(path).tasks
    assert (task.name, task.benchmark, task.data) == ("irds-vaswani-x", "irds:vaswani/x", None)
