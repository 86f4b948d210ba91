"""A translator from scratch, on a language of twelve words: it learns them, and a folder of it translates."""

import json

import pytest
import torch

from opticlir.errors import ArtefactError, DataError
from opticlir.lab.rivals import nmt
from opticlir.lab.rivals.nmt import NmtConfig, copies_of, train_translator
from opticlir.records import SentencePair
from opticlir.translation.neural import Seq2Seq

WORDS = dict(
    zip(
        ["ana", "boro", "kete", "mudu", "sila", "tano"],
        ["one", "water", "house", "road", "clean", "far"],
        strict=True,
    )
)
PAIRS = [
    SentencePair(f"{WORDS[first]} {WORDS[second]}", f"{first} {second}")
    for first in WORDS
    for second in WORDS
]
CONFIG = NmtConfig(
    minutes=1.0, vocabulary=120, width=32, layers=1, heads=2, dropout=0.0, label_smoothing=0.0, batch_size=12,
    learning_rate=1e-2,
)  # fmt: skip


@pytest.fixture
def planned(monkeypatch):
    """So many steps, whatever the machine."""

    def plan(steps):
        monkeypatch.setattr(
            nmt, "_planned", lambda path, *_: json.loads(path.read_text()) if path.exists() else steps
        )

    return plan


@pytest.fixture
def translator(tmp_path, planned):
    planned(150)
    told = []
    assert train_translator(PAIRS, tmp_path / "model", CONFIG, lambda _, *step: told.append(step)) == 150
    assert told[-1] == (150, 150)
    assert not (tmp_path / "model.run").exists()
    return tmp_path / "model"


def test_it_learns_the_language(translator):
    texts = [pair.foreign for pair in PAIRS]
    found = Seq2Seq(translator, beams=2).translate_all(texts)
    assert sum(one == pair.english for one, pair in zip(found, PAIRS, strict=True)) >= 30  # of 36


def test_one_that_has_learned_nothing_is_stopped_before_its_last_position(tmp_path, planned):
    planned(1)
    train_translator(PAIRS, tmp_path / "model", CONFIG)
    model = Seq2Seq(tmp_path / "model", beams=1)
    with torch.no_grad():  # as if it had learned never to end
        model._model.final_logits_bias[:, model._model.config.eos_token_id] = -1e4
        model._model.generation_config.forced_eos_token_id = None
    assert len(model.translate_all(["ana boro"])) == 1


def test_a_killed_run_goes_on_from_its_last_checkpoint(tmp_path, planned, monkeypatch):
    planned(6)
    arguments = nmt.Seq2SeqTrainingArguments
    monkeypatch.setattr(
        nmt, "Seq2SeqTrainingArguments", lambda **given: arguments(**{**given, "save_steps": 2})
    )

    def die(_name, done, _total):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_translator(PAIRS, tmp_path / "model", CONFIG, die)
    assert not (tmp_path / "model").exists()
    told = []
    train_translator(PAIRS, tmp_path / "model", CONFIG, lambda _, *step: told.append(step))
    assert told == [(5, 6), (6, 6)]
    Seq2Seq(tmp_path / "model")


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.pt", "trainer_state.json", "complete.json"])
@pytest.mark.parametrize("left", [0, 0.5])
def test_a_run_that_was_killed_inside_a_checkpoint_write_goes_on_from_the_one_before(
    tmp_path, planned, monkeypatch, name, left
):
    planned(6)
    arguments = nmt.Seq2SeqTrainingArguments
    monkeypatch.setattr(
        nmt, "Seq2SeqTrainingArguments", lambda **given: arguments(**{**given, "save_steps": 2})
    )

    def die(_name, done, _total):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_translator(PAIRS, tmp_path / "model", CONFIG, die)
    torn = tmp_path / "model.run" / "checkpoint-4" / name
    if left:
        torn.write_bytes(torn.read_bytes()[: int(left * torn.stat().st_size)])
    else:
        torn.unlink()
    told = []
    train_translator(PAIRS, tmp_path / "model", CONFIG, lambda _, *step: told.append(step))
    assert told[0] == (3, 6)


@pytest.mark.parametrize("name", ["settings.json", "plan.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_a_damaged_record_of_a_run_is_named(tmp_path, name, content):
    run = tmp_path / "model.run"
    run.mkdir()
    (run / name).write_bytes(content)
    with pytest.raises(ArtefactError, match=rf"{name} is damaged: .* or remove the folder and train again"):
        train_translator(PAIRS, tmp_path / "model", CONFIG)


def test_the_budget_plans_the_steps(tmp_path):
    config = NmtConfig(minutes=0.005, vocabulary=120, width=32, layers=1, heads=2, batch_size=12)
    assert train_translator(PAIRS, tmp_path / "model", config) >= 1


def test_other_settings_do_not_go_on(tmp_path, planned):
    planned(3)

    def die(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_translator(PAIRS, tmp_path / "model", CONFIG, die)
    with pytest.raises(ArtefactError, match=r"model\.run holds another run: pairs was"):
        train_translator(PAIRS[:30], tmp_path / "model", CONFIG)


def test_what_stands_is_not_overwritten(translator):
    with pytest.raises(ArtefactError, match=r"model: exists already"):
        train_translator(PAIRS, translator, CONFIG)


def test_without_a_pair_nothing_is_learned(tmp_path):
    with pytest.raises(DataError, match="no sentence pair to learn to translate from"):
        train_translator([], tmp_path / "model", CONFIG)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_a_translator_is_refused(tmp_path, checkpoints):
    with pytest.raises(ArtefactError, match=r"nothing: no such model folder"):
        Seq2Seq(tmp_path / "nothing")
    with pytest.raises(ArtefactError, match=r"no translation model can be loaded from it"):
        Seq2Seq(checkpoints["plain"])


def test_a_language_the_model_does_not_know_is_refused(translator):
    with pytest.raises(ArtefactError, match=r"the model has no language 'hau_Latn': use its own codes"):
        Seq2Seq(translator, target="hau_Latn")


def test_a_pair_stands_among_the_examples_as_often_as_it_weighs():
    pairs = [SentencePair("water", "maji", weight=weight) for weight in [3.0] + [0.25] * 4000 + [1.5] * 4000]
    first, *rest = copies_of(pairs, 0)
    light, heavy = rest[:4000], rest[4000:]
    assert first == 3
    assert (set(light), set(heavy)) == ({0, 1}, {1, 2})
    # four standard deviations of 4,000 lots
    assert sum(light) == pytest.approx(1000, abs=4 * (4000 * 0.25 * 0.75) ** 0.5)
    assert sum(heavy) == pytest.approx(6000, abs=4 * (4000 * 0.25) ** 0.5)
    assert copies_of(pairs, 0) == [first, *rest] != copies_of(pairs, 1)
