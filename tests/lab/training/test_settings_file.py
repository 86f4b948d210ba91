import tomllib
from dataclasses import fields

import pytest
from typer.testing import CliRunner

from opticlir.cli.app import app
from opticlir.encoder import AdapterConfig, VocabularyConfig
from opticlir.lab.training import LabTrainConfig, make_config
from opticlir.lab.training.code_switching import CodeSwitchingConfig
from opticlir.lab.training.discriminator import DiscriminatorConfig
from opticlir.lab.training.guided import LabTransportConfig
from opticlir.lab.training.perturbation import PerturbationConfig
from opticlir.settings import settings_toml
from opticlir.training import TrainConfig
from opticlir.training.optimisations import Optimisations

SETTINGS = [
    {},
    {
        "teacher": 'a "quoted" \\ name',
        "minutes": 2.5,
        "words": {"n_pieces": 10},
        "transport": {"epsilon": 0.5},
    },
    {"stages": [{"method": "contrastive", "share": 0.3}, {"method": "optical", "share": 0.7}], "patience": 4},
    {"perturbation": {"kind": "freelb", "radius": 2, "steps": 5}},
    {"discriminator": {"weight": 0.5, "level": "pooled", "hidden": 8}},
    {"code_switching": {"source": "dictionary", "dictionary": "a b.tsv", "rate": 1}},
    {"code_switching": {"source": "plan"}},
    {"code_switching": {"source": "embeddings", "mixup_alpha": 1}},
    {"both_directions": True, "monolingual": 0.25, "epochs": 0, "learning_rate": 1e-5, "student": "ngôn ngữ"},
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_what_is_printed_reads_back_as_the_same_settings(settings):
    config = make_config({"language": "swa", **settings}, source="test")
    without = ["method"] if config.stages else []
    printed = settings_toml(config, without=without)
    assert make_config(tomllib.loads(printed), source="printed") == config


@pytest.mark.parametrize(
    "kind",
    [
        TrainConfig,
        LabTrainConfig,
        VocabularyConfig,
        AdapterConfig,
        Optimisations,
        LabTransportConfig,
        PerturbationConfig,
        DiscriminatorConfig,
        CodeSwitchingConfig,
    ],
)
def test_every_field_has_its_meaning(kind):
    assert all(entry.metadata["help"] for entry in fields(kind))


def test_comments_are_the_documents_of_the_fields():
    lines = settings_toml(LabTrainConfig(language="swa")).splitlines()
    assert lines[lines.index("batch_size = 64") - 1] == "# Sentence pairs per step."
    assert lines[lines.index("# minutes =") - 1].startswith("# Budget of the training steps")
    assert "[transport]" in lines
    assert max(map(len, lines)) <= 100


def test_the_command_prints_it():
    done = CliRunner().invoke(
        app, ["train", "--bitext", "x.tsv", "--language", "sw", "--out", "x", "--seed", "7", "--print-config"]
    )
    assert done.exit_code == 0, done.output
    assert make_config(tomllib.loads(done.stdout), source="printed").seed == 7
