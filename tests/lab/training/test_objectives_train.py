"""Every objective through the whole of training, on an encoder of a few kilobytes made here."""

import pytest

import tiny_models
from opticlir.encoder import load_model
from opticlir.lab.training import LabTrainConfig, distil, make_config
from opticlir.lab.training.english_side import EnglishInputs
from opticlir.records import SentencePair
from opticlir.storage import sha256_file
from opticlir.training.run_folder import RunFolder

PAIRS = [
    SentencePair(english=english, foreign=foreign)
    for english, foreign in zip(tiny_models.ENGLISH[:8], tiny_models.SWAHILI[:8], strict=True)
]


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    return str(tiny_models.save_encoder(tmp_path_factory.mktemp("teacher"), positions=64))


def settings(teacher, **others):
    return {
        "language": "swa", "teacher": teacher, "vocabulary": "keep", "batch_size": 4, "epochs": 1.0,
        "precision": "float32", **others,
    }  # fmt: skip


@pytest.mark.parametrize("name", LabTrainConfig.known_objectives)
def test_two_steps_of_every_objective_move_the_student(name, teacher, tmp_path):
    config = LabTrainConfig(**settings(teacher, method=name))
    outcome = distil(config, PAIRS, tmp_path / "model")
    assert outcome.steps == 2
    trained, start = load_model(tmp_path / "model"), load_model(teacher)
    foreign = [pair.foreign for pair in PAIRS]
    moved = [
        (after - before).abs().max().item()
        for after, before in zip(trained.encode_query(foreign), start.encode_query(foreign), strict=True)
    ]
    assert max(moved) > 5e-3


def test_a_student_that_starts_as_the_teacher_has_nothing_to_retain(teacher, tmp_path):
    """Its English is what it should be, but for the float16 of the teacher's stored vectors."""
    distil(LabTrainConfig(**settings(teacher, method="retention", epochs=3.0)), PAIRS, tmp_path)
    (first, *_) = [line["retention"] for line in RunFolder(tmp_path).read_log() if "retention" in line]
    assert first < 1e-3


STAGES = [{"method": "contrastive", "share": 0.5}, {"method": "optical+retention", "share": 0.5}]


def two_stages(teacher):
    return make_config(settings(teacher, stages=STAGES, epochs=3.0, checkpoint_steps=2), source="train.toml")


def weights(folder):
    return {path.parent.name: sha256_file(path) for path in folder.rglob("*.safetensors")}


@pytest.fixture(scope="module")
def unbroken(teacher, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken") / "model"
    assert distil(two_stages(teacher), PAIRS, folder).steps == 6
    return folder


def test_a_line_of_the_log_speaks_of_one_stage(unbroken):
    lines = {line["step"]: line.keys() for line in RunFolder(unbroken).read_log()}
    assert "contrastive" in lines[3]
    assert "optical" not in lines[3]
    assert {"optical", "retention"} <= lines[5]
    assert "contrastive" not in lines[5]


def test_the_card_names_the_stages(unbroken):
    card = (unbroken / "README.md").read_text()
    assert "`contrastive (50 % of the steps), then optical+retention (50 % of the steps)`" in card


@pytest.mark.parametrize("step", [3, 5])
def test_a_run_broken_before_or_after_the_switch_ends_in_the_same_bits(step, teacher, unbroken, tmp_path):
    class KilledError(Exception):
        pass

    def kill(event):
        if getattr(event, "step", None) == step:
            raise KilledError

    with pytest.raises(KilledError):
        distil(two_stages(teacher), PAIRS, tmp_path / "model", on_event=kill)
    distil(two_stages(teacher), PAIRS, tmp_path / "model")
    assert weights(tmp_path / "model") == weights(unbroken)


def test_english_is_the_same_where_both_cut_it_alike(teacher, tmp_path):
    """A student that knows Swahili alone spells English words, and letters as its teacher does."""
    tokenizer = tiny_models.wordpiece_tokenizer(tiny_models.SWAHILI)
    student = load_model(tiny_models.save_encoder(tmp_path / "student", tokenizer, positions=64))
    texts = ["the water is clean", "a b c", "sleep under a net"]
    inputs = EnglishInputs(texts, student, load_model(teacher)).of([0, 1])
    assert inputs.is_same.tolist() == [False, True]
    assert inputs.inputs["input_ids"].shape == inputs.inputs["attention_mask"].shape
    assert inputs.inputs["attention_mask"][1].sum() == 5  # [CLS] a b c [SEP]
