"""A method as text, stages of several, and what is said where they are written wrongly."""

import pytest

from opticlir.errors import DataError
from opticlir.lab.training import make_config as make_lab_config
from opticlir.training import TrainConfig, make_config, objective_names, parse_method
from opticlir.training.methods import Stage, describe, first_steps


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("optical", {"optical": 1.0}),
        ("optical+contrastive", {"optical": 1.0, "contrastive": 1.0}),
        ("optical+0.3*score_kl", {"optical": 1.0, "score_kl": 0.3}),
        (" 2 * mse + 1e-3*greedy ", {"mse": 2.0, "greedy": 0.001}),
    ],
)
def test_a_method_is_a_weighted_sum(text, weights):
    assert parse_method(text) == weights


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("optcal", r"unknown method 'optcal'; did you mean 'optical'\?; there are optical, greedy"),
        ("optical+scorekl", r"'optical\+scorekl': unknown objective 'scorekl'; did you mean 'score_kl'"),
        ("optical+", r"unknown objective ''"),
        ("", r"unknown method ''"),
        ("0.3optical", r"did you mean 'optical'"),
        ("mse+2*mse", "names mse twice"),
        ("0*mse", r"the weight '0': expected a finite number above 0"),
        ("-1*mse", r"the weight '-1'"),
        ("inf*mse", r"the weight 'inf'"),
        ("nan*mse", r"the weight 'nan'"),
        ("much*mse", r"the weight 'much'"),
        ("2*3*mse", r"the weight '2\*3'"),
    ],
)
def test_what_no_method_is(text, message):
    with pytest.raises(ValueError, match=message):
        parse_method(text)


def test_the_default_is_transport_and_then_a_choice_among_the_batch():
    halves = (Stage(method="optical", share=0.5), Stage(method="contrastive", share=0.5))
    assert TrainConfig(language="swa").schedule == halves


def test_methods_one_after_the_other_share_the_steps_alike():
    published = make_config({"language": "swa", "method": "optical"}, source="train.toml")
    assert published.schedule == (Stage(method="optical", share=1.0),)
    three = make_config(
        {"language": "swa", "method": "mse, optical+contrastive,optical"}, source="train.toml"
    )
    assert [stage.method for stage in three.schedule] == ["mse", "optical+contrastive", "optical"]
    assert first_steps(three.schedule, 90) == [0, 30, 60]
    with pytest.raises(DataError, match=r"unknown method 'contrastve'; did you mean 'contrastive'"):
        make_config({"language": "swa", "method": "optical,contrastve"}, source="train.toml")
    with pytest.raises(DataError, match="unknown method ''"):
        make_config({"language": "swa", "method": "optical,"}, source="train.toml")


TWO = [{"method": "contrastive", "share": 0.3}, {"method": "optical+0.5*retention", "share": 0.7}]


def test_stages_come_from_tables():
    config = make_lab_config({"language": "swa", "stages": TWO}, source="train.toml")
    assert config.schedule == (
        Stage(method="contrastive", share=0.3), Stage(method="optical+0.5*retention", share=0.7)
    )  # fmt: skip
    assert objective_names(config.schedule) == ["contrastive", "optical", "retention"]
    assert config.reads_english
    assert describe(config.schedule) == (
        "contrastive (30 % of the steps), then optical+0.5*retention (70 % of the steps)"
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"stages": [*TWO, *TWO]}, "the shares of the stages sum to 2: expected 1"),
        (
            {"stages": [{"method": "optical", "share": 0}]},
            "share of stage 'optical' is 0.0: expected above 0",
        ),
        ({"stages": [{"method": "optical"}]}, r"train.toml: stages\[0\]: .*share"),
        (
            {"stages": [{"method": "optical", "shre": 1}]},
            r"stages\[0\]: unknown key 'shre'; did you mean 'share'",
        ),
        ({"stages": [{"method": "optcal", "share": 1}]}, "did you mean 'optical'"),
        ({"stages": "optical"}, "train.toml: stages is 'optical': expected a list of tables such as"),
        ({"stages": TWO, "method": "optical"}, "method is 'optical' but there are stages"),
        ({"score_temperature": 0}, "score_temperature is 0.0: expected a finite number above 0"),
        ({"both_directions": 1}, "both_directions is 1, expected"),
    ],
)
def test_what_no_stages_are(settings, message):
    with pytest.raises(DataError, match=message):
        make_lab_config({"language": "swa", **settings}, source="train.toml")


def test_a_stage_begins_where_the_shares_before_it_end():
    stages = [Stage(method="mse", share=share) for share in (0.25, 0.25, 0.5)]
    assert first_steps(stages, 200) == [0, 50, 100]
    assert first_steps(stages, 0) == [0, 0, 0]
    assert first_steps(stages[:1], 200) == [0]
