import pytest

from opticlir.lab.training import LabTrainConfig
from opticlir.lab.training.code_switching import SOURCES, CodeSwitchingConfig
from opticlir.lab.training.discriminator import LEVELS, DiscriminatorConfig
from opticlir.lab.training.extension import card_lines
from opticlir.lab.training.perturbation import KINDS, PerturbationConfig
from opticlir.training.model_card import Origin, model_card

NOWHERE = Origin()


def card(origin=NOWHERE, **settings):
    config = LabTrainConfig(language="swa", **settings)
    return model_card(
        config, pairs=1234, steps=50, initial={"RR": 0.25}, trained={"RR": 0.5}, held_out=50, origin=origin,
        more=card_lines(config),
    )  # fmt: skip


def test_the_command_and_the_files_are_told():
    origin = Origin(
        command="opticlir train --bitext 'my news.tsv:3'",
        inputs={"data/my news.tsv:3.0": "0123456789abcdef" * 4},
    )
    assert (
        "## How it was made\n\n```sh\nopticlir train --bitext 'my news.tsv:3'\n```\n\n"
        "Learned from:\n\n* `my news.tsv:3.0`, SHA-256 `0123456789abcdef`\n\nSettings, seed"
    ) in card(origin)


def test_the_method_alone():
    text = card(method="optical")
    assert "by `optical`\non 1,234 sentence pairs (50 steps, seed 0)" in text
    assert "* RR: 0.250 as initialised, 0.500 trained" in text
    assert "Besides the method" not in text
    assert "\n\n\n" not in text


def test_what_was_on_beside_it_has_a_line_each():
    text = card(
        perturbation=PerturbationConfig(kind="fgm", radius=0.2),
        discriminator=DiscriminatorConfig(weight=0.1, level="pooled"),
        monolingual=0.25,
        code_switching=CodeSwitchingConfig(source="plan", rate=0.4),
    )
    assert (
        "Besides the method:\n\n"
        "* adversarial perturbation of the word embeddings: fgm, radius 0.2\n"
        "* language discriminator with reversed gradient: by sentence, weight 0.1\n"
        "* mixed batches: 25 % of them in English only\n"
        "* code-switching: 40 % of the words that have an entry are read in English, by the transport plan of the "
        "initialised student\n\n"
        "Settings, seed"
    ) in text
    assert "\n\n\n" not in text


@pytest.mark.parametrize("kind", KINDS)
def test_every_perturbation_is_named(kind):
    lines = card_lines(LabTrainConfig(language="swa", perturbation=PerturbationConfig(kind=kind)))
    assert lines == [] if kind == "none" else kind in lines[0]


@pytest.mark.parametrize("level", LEVELS)
def test_every_discriminator_is_named(level):
    config = DiscriminatorConfig(weight=1.0, level=level)
    assert len(card_lines(LabTrainConfig(language="swa", discriminator=config))) == 1


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_of_words_is_named(source):
    config = CodeSwitchingConfig(source=source, dictionary="d.tsv" if source == "dictionary" else None)
    lines = card_lines(LabTrainConfig(language="swa", code_switching=config))
    assert len(lines) == (source != "none")
