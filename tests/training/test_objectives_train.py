"""Every objective through the whole of training, on an encoder of a few kilobytes made here."""

import string

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from opticlir.encoder import load_model
from opticlir.records import SentencePair
from opticlir.storage import sha256_file
from opticlir.training import TrainConfig, distil, make_config
from opticlir.training.english_side import EnglishInputs
from opticlir.training.losses import TransportConfig, objectives
from opticlir.training.run_folder import RunFolder

WORDS = ("the", "cow", "goat", "drinks", "water", "eats", "grass", "milk")
PAIRS = [
    SentencePair(english="the cow drinks water", foreign="ga mulo sefa tiri"),
    SentencePair(english="the goat eats grass", foreign="ga beko nama lusi"),
    SentencePair(english="the cow eats grass", foreign="ga mulo nama lusi"),
    SentencePair(english="the goat drinks water", foreign="ga beko sefa tiri"),
    SentencePair(english="goat drinks milk", foreign="beko sefa pora"),
    SentencePair(english="cow drinks milk", foreign="mulo sefa pora"),
    SentencePair(english="water", foreign="tiri"),
    SentencePair(english="the milk", foreign="ga pora"),
]


def save_encoder(folder, words):
    """A plain BERT of two layers with random weights, which spells words it does not know."""
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    letters = [*string.ascii_lowercase, *(f"##{letter}" for letter in string.ascii_lowercase)]
    vocabulary = {token: number for number, token in enumerate([*names.values(), *letters, *words])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = (
        normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    )  # fmt: skip
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=64, initializer_range=0.3,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **names).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    return save_encoder(tmp_path_factory.mktemp("teacher"), WORDS)


def settings(teacher, **others):
    return {
        "language": "qin", "teacher": teacher, "vocabulary": "keep", "batch_size": 4, "epochs": 1,
        "precision": "float32", **others,
    }  # fmt: skip


@pytest.mark.parametrize("name", list(objectives(TransportConfig(), 0.1)))
def test_two_steps_of_every_objective_move_the_student(name, teacher, tmp_path):
    config = TrainConfig(**settings(teacher, method=name))
    outcome = distil(config, PAIRS, tmp_path / "model")
    assert outcome.steps == 2
    trained, start = load_model(tmp_path / "model"), load_model(teacher)
    foreign = [pair.foreign for pair in PAIRS]
    moved = [
        (after - before).abs().max().item()
        for after, before in zip(trained.encode_query(foreign), start.encode_query(foreign), strict=True)
    ]
    # the student starts as the teacher: its English is what it should be, and there is nothing to learn
    assert (max(moved) < 1e-2) if name == "retention" else (max(moved) > 1e-2)


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
        if event.get("step") == step:
            raise KilledError

    with pytest.raises(KilledError):
        distil(two_stages(teacher), PAIRS, tmp_path / "model", report=kill)
    distil(two_stages(teacher), PAIRS, tmp_path / "model")
    assert weights(tmp_path / "model") == weights(unbroken)


def test_english_is_the_same_where_both_cut_it_alike(teacher, tmp_path):
    student = load_model(save_encoder(tmp_path / "student", [*WORDS[:5], *WORDS[6:]]))  # must spell "eats"
    inputs = EnglishInputs([pair.english for pair in PAIRS], student, load_model(teacher))([0, 1, 4])
    assert inputs["is_same"].tolist() == [True, False, True]
    assert (
        inputs["input_ids"].shape == inputs["attention_mask"].shape == (3, 9)
    )  # the goat e ##a ##t ##s grass
