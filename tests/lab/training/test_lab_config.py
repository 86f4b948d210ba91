import math

import pytest

from opticlir.encoder import VocabularyConfig
from opticlir.errors import DataError
from opticlir.lab.training import LabTrainConfig, make_config
from opticlir.lab.training.guided import LabTransportConfig
from opticlir.settings import read_toml


def made(**settings):
    return make_config({"language": "swa", **settings}, source="train.toml")


def test_what_is_not_given_has_its_default():
    assert made() == LabTrainConfig(language="swa")
    assert made().words == VocabularyConfig()
    assert made().transport == LabTransportConfig()


def test_settings_are_taken_as_they_are():
    config = made(
        teacher="minilm", student="other", vocabulary="keep", method="contrastive", train="embeddings",
        minutes=5, batch_size=8, learning_rate=1, dropout=0.1, seed=7, precision="float32",
        words={"n_pieces": 100, "threshold": 0}, transport={"solver": "sinkhorn", "epsilon": 1},
    )  # fmt: skip
    assert (config.student, config.vocabulary, config.method) == ("other", "keep", "contrastive")
    assert (config.minutes, config.epochs, config.batch_size) == (5.0, None, 8)
    assert config.words == VocabularyConfig(n_pieces=100, threshold=0.0)
    assert config.transport == LabTransportConfig(solver="sinkhorn", epsilon=1.0)
    # 1 and 1.0 are one setting: a run must be found again by either
    assert {type(value) for value in (config.minutes, config.learning_rate, config.words.threshold)} == {
        float
    }


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epoch": 3}, "train.toml: unknown key 'epoch'; did you mean 'epochs'?"),
        ({"learning_rat": 1.0}, "train.toml: unknown key 'learning_rat'; did you mean 'learning_rate'?"),
        ({"qqqq": 1}, "train.toml: unknown key 'qqqq'$"),
        ({"transport": {"epsilom": 0.1}}, r"train.toml: \[transport\]: unknown key 'epsilom'; did you mean 'epsilon'"),
        ({"words": {"n_piece": 1}}, r"train.toml: \[words\]: unknown key 'n_piece'; did you mean 'n_pieces'"),
        ({"method": "optica"}, "unknown method 'optica'; did you mean 'optical'.; there are optical, greedy"),
        ({"batch_size": "64"}, "train.toml: batch_size is '64', expected int"),
        ({"batch_size": 64.0}, "train.toml: batch_size is 64.0, expected int"),
        ({"batch_size": True}, "train.toml: batch_size is True, expected int"),
        ({"learning_rate": "fast"}, "train.toml: learning_rate is 'fast', expected float"),
        ({"learning_rate": True}, "train.toml: learning_rate is True, expected float"),
        ({"minutes": "5"}, r"train.toml: minutes is '5', expected float \| None"),
        ({"teacher": 3}, "train.toml: teacher is 3, expected str"),
        ({"teacher": None}, "train.toml: teacher is None, expected str"),
        ({"language": ["swa"]}, r"train.toml: language is \['swa'\], expected str"),
        ({"train": "embedding"}, "train.toml: train is 'embedding', expected 'all' or 'embeddings'"),
        ({"train": ["all"]}, "train.toml: train is .'all'., expected 'all' or 'embeddings'"),
        ({"precision": "float16"}, "expected 'auto' or 'float32' or 'bfloat16'"),
        ({"words": 3}, "train.toml: words is 3, expected a table"),
        ({"transport": [{"beta": 1.0}]}, "train.toml: transport is .*, expected a table"),
        ({"transport": {"solver": "emd"}}, r"\[transport\]: transport solver is 'emd': expected 'proximal'"),
        ({"transport": {"beta": 0}}, r"\[transport\]: beta is 0.0: expected a finite number above 0"),
        ({"words": {"n_pieces": 0}}, r"\[words\]: n_pieces is 0: expected at least 1"),
        ({"words": {"min_word_frequency": 0}}, r"\[words\]: min_word_frequency is 0: expected at least 1"),
        ({"words": {"alignment_pairs": -5}}, r"\[words\]: alignment_pairs is -5: expected at least 1"),
        ({"words": {"iterations": -1}}, r"\[words\]: iterations is -1: expected 0 or more"),
        ({"words": {"threshold": 1.5}}, r"\[words\]: threshold is 1.5: expected a number from 0 to 1"),
        ({"words": {"new_token_prior": 0}}, r"\[words\]: new_token_prior is 0.0: expected a finite number above 0"),
        ({"minutes": 1, "epochs": 1}, "give one budget, not minutes and epochs"),
        ({"epochs": 1, "steps": 9}, "give one budget, not epochs and steps"),
        ({"steps": -1}, "steps is -1: expected a finite number, 0 or more"),
        ({"steps": 1.5}, r"steps is 1.5, expected int \| None"),
        ({"minutes": 0}, "minutes is 0.0: expected a finite number above 0"),
        ({"minutes": math.inf}, "minutes is inf: expected a finite number above 0"),
        ({"epochs": -1}, "epochs is -1.0: expected a finite number, 0 or more"),
        ({"epochs": math.nan}, "epochs is nan: expected a finite number, 0 or more"),
        ({"learning_rate": math.nan}, "learning_rate is nan: expected a finite number above 0"),
        ({"embedding_learning_rate": -1}, "embedding_learning_rate is -1.0: expected a finite number above 0"),
        ({"temperature": 0}, "temperature is 0.0: expected a finite number above 0"),
        ({"batch_size": 0}, "batch_size is 0: expected a finite number above 0"),
        ({"checkpoint_steps": 0}, "checkpoint_steps is 0: expected a finite number above 0"),
        ({"seed": -1}, "seed is -1: expected a finite number, 0 or more"),
        ({"seed": 2**32}, "seed is 4294967296: expected a number below 4294967296"),
        ({"held_out": -1}, "held_out is -1: expected a finite number, 0 or more"),
        ({"dropout": 1.0}, "dropout is 1.0: expected a share, from 0 to less than 1"),
        ({"dropout": -0.1}, "dropout is -0.1: expected a share, from 0 to less than 1"),
        ({"warmup": 1.0}, "warmup is 1.0: expected a share, from 0 to less than 1"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_refused_by_name(settings, message):
    with pytest.raises(DataError, match=message):
        made(**settings)


def test_the_language_is_needed():
    with pytest.raises(DataError, match=r"train\.toml: .*language"):
        make_config({}, source="train.toml")


def test_no_training_at_all_is_a_budget():
    assert made(epochs=0).epochs == 0


def test_every_objective_is_a_method():
    for method in LabTrainConfig.known_objectives:
        assert made(method=method).method == method


def test_a_file_is_read_as_toml(tmp_path):
    path = tmp_path / "train.toml"
    path.write_text('minutes = 5\nmethod = "optical"\n[words]\nn_pieces = 100\n[transport]\nbeta = 0.25\n')
    settings = read_toml(path)
    assert settings == {
        "minutes": 5, "method": "optical", "words": {"n_pieces": 100}, "transport": {"beta": 0.25}
    }  # fmt: skip
    assert made(**settings).transport.beta == 0.25


@pytest.mark.parametrize(
    "content", [b"minutes = ", b"minutes = 5\nminutes = 6", b"a = '\xff'", b"\0", b"[[[["]
)
def test_broken_toml_is_named(tmp_path, content):
    path = tmp_path / "train.toml"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"train\.toml: not readable as TOML"):
        read_toml(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.toml: not readable as TOML: .*No such file"):
        read_toml(tmp_path / "nowhere.toml")


def test_a_byte_order_mark_is_no_setting(tmp_path):
    """Windows editors write one; TOML knows none. A line may end as they end it."""
    path = tmp_path / "train.toml"
    path.write_bytes(b"\xef\xbb\xbfseed = 3\r\n[words]\r\nn_pieces = 100\r\n")
    assert read_toml(path) == {"seed": 3, "words": {"n_pieces": 100}}
