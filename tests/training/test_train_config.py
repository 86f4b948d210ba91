"""The settings of the product: few, refused by name, and none of the laboratory's."""

from dataclasses import fields, is_dataclass

import pytest

from opticlir.errors import DataError
from opticlir.lab.training import LabTrainConfig
from opticlir.lab.training.guided import LabTransportConfig
from opticlir.training import TrainConfig, make_config
from opticlir.training.config import LABORATORY
from opticlir.training.objectives import TransportConfig


def leaves(kind):
    found = []
    for entry in fields(kind):
        found += leaves(entry.type) if is_dataclass(entry.type) else [entry.name]
    return found


def names(kind):
    return {entry.name for entry in fields(kind)}


def made(**settings):
    return make_config({"language": "swa", **settings}, source="train.toml")


def test_the_product_has_at_most_26_settings():
    assert len(leaves(TrainConfig)) <= 26


def test_every_setting_of_the_laboratory_is_refused_with_the_command_that_takes_it():
    own = names(LabTrainConfig) - names(TrainConfig) | {"levers"}
    assert own == set(LABORATORY)
    for name in own:
        with pytest.raises(
            DataError, match=rf"train\.toml: {name} is a laboratory setting: use `opticlir lab train`"
        ):
            made(**{name: {}})
    for name in names(LabTransportConfig) - names(TransportConfig):
        with pytest.raises(DataError, match=rf"\[transport\] {name} is a laboratory setting"):
            made(transport={name: 1})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epoch": 3}, "train.toml: unknown key 'epoch'; did you mean 'epochs'"),
        ({"method": "optical+retention"}, "unknown objective 'retention'; there are optical, greedy"),
        ({"transport": {"solver": "unbalanced"}}, "transport solver is 'unbalanced': expected 'proximal'"),
        ({"device": "gpu"}, "train.toml: device is 'gpu': expected 'auto' or 'cpu' or 'cuda' or 'mps'"),
        ({"seed": 2**32}, "seed is 4294967296: expected a number below 4294967296"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(settings, message):
    with pytest.raises(DataError, match=message):
        made(**settings)


def test_the_defaults_are_those_of_the_laboratory():
    """One training, whichever command starts it."""
    product, laboratory = TrainConfig(language="swa"), LabTrainConfig(language="swa")
    for name in names(TrainConfig) - {"transport"}:
        assert getattr(product, name) == getattr(laboratory, name)
    for name in ("words", "adapters", "optimisations", "score_temperature", "dropout", "warmup", "schedule"):
        assert getattr(product, name) == getattr(laboratory, name)
    for name in names(TransportConfig):
        assert getattr(product.transport, name) == getattr(laboratory.transport, name)
