import json
import logging
import math
import os
import signal
import sys
from collections import Counter

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import tiny_models
from opticlir.encoder import (
    VocabularyConfig,
    document_fingerprint,
    encode_queries,
    load_model,
    new_student,
    vocabulary_for,
)
from opticlir.errors import ArtefactError, DataError
from opticlir.lab.training import distil, make_config
from opticlir.records import SentencePair
from opticlir.storage import sha256_file
from opticlir.training import budget
from opticlir.training.events import Evaluated, StageStarted, StepsDone
from opticlir.training.losses import DistillationLoss
from opticlir.training.run_folder import RunFolder
from opticlir.training.trainer import RunCallback, StudentTrainer

distil_module = sys.modules["opticlir.training.distil"]

PAIRS = tiny_models.PAIRS
SETTINGS = {
    "language": "swa", "batch_size": 4, "epochs": 2, "checkpoint_steps": 3, "precision": "float32",
    "words": {"n_pieces": 200, "min_piece_frequency": 2},
}  # fmt: skip


@pytest.fixture
def config_of(checkpoints):
    def make(**settings):
        merged = {"teacher": str(checkpoints["plain"]), **SETTINGS, **settings}
        return make_config({name: value for name, value in merged.items() if value is not ...}, source="test")

    return make


def query_weights(out):
    """What decides the query vectors."""
    return [
        sha256_file(out / "query_0_Transformer" / name) for name in ("model.safetensors", "tokenizer.json")
    ]


def log_of(out):
    return RunFolder(out).read_log()


class PowerCut(BaseException):
    pass


# what comes out


def test_a_run_leaves_a_model_and_its_record(config_of, teacher, tmp_path):
    told = []
    outcome = distil(config_of(), PAIRS, tmp_path, inputs={"a.tsv:1.0": "ab"}, on_event=told.append)
    assert outcome.is_finished
    assert outcome.steps == 10  # 20 pairs by 4, twice
    model = load_model(tmp_path)
    assert document_fingerprint(model) == document_fingerprint(teacher)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "cut.json", "log.jsonl", "plan.json", "report.html", "report.jsonl", "run.json", "words.txt"
    ]  # fmt: skip
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["inputs"]["a.tsv:1.0"] == "ab"
    assert len(record["inputs"]) == 2  # and the teacher
    assert record["config"]["words"]["n_pieces"] == 200
    assert record["counts"] == {"pairs": 20, "held_out": 0, "steps": 10, "finished": 1}
    counts = Counter(word for text in tiny_models.SWAHILI for word in text.split())
    assert (tmp_path / "run" / "words.txt").read_text().split() == sorted(
        counts, key=lambda word: (-counts[word], word)
    )
    steps = [event for event in told if isinstance(event, StepsDone)]
    assert [event.step for event in steps] == [5, 10]
    assert all(event.steps == 10 and event.pairs_per_second > 0 for event in steps)
    per_pair = [event.tokens_per_second / event.pairs_per_second for event in steps]
    longest = max(len(text.split()) for text in tiny_models.SWAHILI)
    assert all(2 < tokens < 4 * longest for tokens in per_pair)  # markers, and words cut into pieces
    assert steps[-1].seconds_left == 0
    assert [event.name for event in told if isinstance(event, StageStarted)] == [
        "loading the encoders", "aligning words", "encoding the English side", "training", "saving the model"
    ]  # fmt: skip
    assert [line["step"] for line in log_of(tmp_path)] == [5, 10]


def test_training_brings_the_student_nearer_to_the_teacher(config_of, tmp_path):
    distil(config_of(epochs=10), PAIRS, tmp_path)
    losses = [line["optical"] for line in log_of(tmp_path) if "optical" in line]
    assert losses[-1] < 0.8 * losses[0]


def test_the_same_seed_gives_the_same_weights_and_another_others(config_of, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        distil(config_of(seed=seed), PAIRS, tmp_path / name)
    assert query_weights(tmp_path / "a") == query_weights(tmp_path / "b")
    assert query_weights(tmp_path / "a")[0] != query_weights(tmp_path / "c")[0]
    assert query_weights(tmp_path / "a")[1] == query_weights(tmp_path / "c")[1]


def test_no_epoch_gives_the_student_as_it_is_initialised(config_of, teacher, tmp_path):
    outcome = distil(config_of(epochs=0), PAIRS, tmp_path)
    assert (outcome.steps, outcome.is_finished) == (0, True)
    words = VocabularyConfig(n_pieces=200, min_piece_frequency=2)
    student = new_student(teacher, vocabulary_for(teacher, PAIRS, words))
    for found, expected in zip(
        encode_queries(load_model(tmp_path), tiny_models.SWAHILI),
        encode_queries(student.eval(), tiny_models.SWAHILI),
        strict=True,
    ):
        np.testing.assert_array_equal(found, expected)
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_embeddings_alone_leave_all_other_weights_as_they_are(config_of, checkpoints, tmp_path):
    distil(config_of(train="embeddings", epochs=3), PAIRS, tmp_path / "trained")
    distil(config_of(train="embeddings", epochs=0), PAIRS, tmp_path / "start")
    trained, start, teacher = (
        load_file(folder / "model.safetensors")
        for folder in (
            tmp_path / "trained" / "query_0_Transformer", tmp_path / "start" / "query_0_Transformer",
            checkpoints["plain"],
        )
    )  # fmt: skip
    table = "embeddings.word_embeddings.weight"
    assert not torch.equal(trained[table], start[table])
    assert len(teacher) > 20
    for name, weights in teacher.items():
        if name != table:
            assert torch.equal(trained[name], weights), name


def test_everything_moves_where_everything_is_trained(config_of, checkpoints, tmp_path):
    distil(config_of(), PAIRS, tmp_path)
    trained = load_file(tmp_path / "query_0_Transformer" / "model.safetensors")
    for name, weights in load_file(checkpoints["plain"] / "model.safetensors").items():
        # a bias of the keys changes no softmax: its gradient is nothing but rounding
        assert name.endswith("key.bias") or not torch.equal(trained[name][: len(weights)], weights), name


@pytest.mark.parametrize("kind", ["stanford", "pylate", "native"])
def test_every_kind_of_teacher_teaches(config_of, checkpoints, tmp_path, kind):
    outcome = distil(config_of(teacher=str(checkpoints[kind]), epochs=1), PAIRS, tmp_path)
    assert outcome.is_finished
    teacher = load_model(checkpoints[kind])
    assert document_fingerprint(load_model(tmp_path)) == document_fingerprint(teacher)


@pytest.mark.parametrize("vocabulary", ["extend", "keep"])
def test_a_student_may_be_another_encoder(config_of, checkpoints, teacher, tmp_path, vocabulary):
    config = config_of(student=str(checkpoints["other"]), vocabulary=vocabulary, epochs=1)
    assert distil(config, PAIRS, tmp_path).is_finished
    model = load_model(tmp_path)
    assert document_fingerprint(model) == document_fingerprint(teacher)
    (matrix,) = encode_queries(model, ["maji ni safi"])
    assert (len(matrix) == 3) == (vocabulary == "extend")


def test_bfloat16_trains_too(config_of, tmp_path):
    assert distil(config_of(precision="bfloat16", epochs=1), PAIRS, tmp_path).is_finished
    assert np.isfinite(encode_queries(load_model(tmp_path), ["maji"])[0]).all()


# what goes in


def test_without_a_pair_there_is_nothing_to_learn(config_of, tmp_path):
    with pytest.raises(DataError, match="the bitext holds no sentence pair"):
        distil(config_of(), [], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_pairs_without_words_are_left_out(config_of, tmp_path, caplog):
    """A zero-width space is no white space to a reader, and no token to a tokenizer."""
    nothing = [SentencePair("\u200b", "maji"), SentencePair("water", "\u200b")]
    with caplog.at_level(logging.WARNING, logger="opticlir"):
        outcome = distil(config_of(method="contrastive"), PAIRS + nothing, tmp_path / "some")
    assert outcome.steps == 10
    assert "2 sentence pairs have a side without words: left out" in caplog.text
    with pytest.raises(DataError, match="no sentence pair has a word on both sides"):
        distil(config_of(), nothing, tmp_path / "none")


def test_weights_count_in_the_length_of_an_epoch(config_of, tmp_path):
    pairs = [SentencePair(pair.english, pair.foreign, 3.0) for pair in PAIRS[:4]] + PAIRS[4:]
    assert distil(config_of(epochs=1), pairs, tmp_path).steps == 7  # 28 pairs by 4


def test_pairs_are_held_out_and_looked_at_with_every_checkpoint(config_of, tmp_path):
    pairs = PAIRS * 5
    outcome = distil(config_of(epochs=0.5, batch_size=10, held_out=2), pairs, tmp_path)
    assert outcome.steps == 5  # 98 pairs by 10, halved
    looks = {line["step"]: line["validation"] for line in log_of(tmp_path) if "validation" in line}
    assert list(looks) == [0, 3, 5]
    assert outcome.initial == looks[0]
    assert outcome.trained == looks[5]
    for measures in looks.values():
        assert 0 <= measures["accuracy"] <= measures["RR"] <= 1
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["counts"]["held_out"] == 2


def test_a_budget_in_minutes_is_planned_once_by_the_speed_of_the_machine(config_of, tmp_path, monkeypatch):
    def cut(*_, **__):
        raise PowerCut

    config = config_of(epochs=..., minutes=0.005)
    with monkeypatch.context() as patch:
        patch.setattr(budget, "seconds_per_step", lambda *_, **__: 0.02)
        patch.setattr(StudentTrainer, "train", cut)
        with pytest.raises(PowerCut):
            distil(config, PAIRS, tmp_path)
    monkeypatch.setattr(budget, "seconds_per_step", cut)
    assert distil(config, PAIRS, tmp_path).steps == int(0.3 * 0.95 / 0.02)


def test_a_budget_in_steps_is_taken_at_its_word(config_of, tmp_path):
    assert distil(config_of(epochs=..., steps=5), PAIRS, tmp_path).steps == 5


def test_looking_how_fast_the_machine_is_changes_no_weight(config_of, tmp_path):
    """With dropout it draws: a run that was killed after it must draw as if it had looked."""
    budget = {"minutes": 1e-4, "epochs": ..., "dropout": 0.1}
    distil(config_of(**budget), PAIRS, tmp_path / "planned")
    (tmp_path / "found" / "run").mkdir(parents=True)
    plan = (tmp_path / "planned" / "run" / "plan.json").read_bytes()
    (tmp_path / "found" / "run" / "plan.json").write_bytes(plan)
    record = json.loads((tmp_path / "planned" / "run" / "run.json").read_text())
    (tmp_path / "found" / "run" / "run.json").write_text(json.dumps(record | {"counts": {}}))
    distil(config_of(**budget), PAIRS, tmp_path / "found")
    assert query_weights(tmp_path / "planned") == query_weights(tmp_path / "found")


def test_the_speed_is_measured_in_the_precision_of_the_training(config_of, tmp_path, monkeypatch):
    encode, seen = DistillationLoss._encode, []

    def noting(self, inputs, batch):
        (layer, *_) = (module for module in self.model.modules() if isinstance(module, torch.nn.Linear))
        hook = layer.register_forward_hook(lambda *arguments: seen.append(arguments[2].dtype))
        try:
            return encode(self, inputs, batch)
        finally:
            hook.remove()

    monkeypatch.setattr(DistillationLoss, "_encode", noting)
    distil(config_of(precision="bfloat16", epochs=..., minutes=1e-4), PAIRS, tmp_path)
    assert len(seen) > 3  # batches it was measured on, and a step at least
    assert set(seen) == {torch.bfloat16}


# finished, foreign and claimed folders


def test_a_finished_run_is_not_trained_again(config_of, tmp_path, monkeypatch):
    outcome = distil(config_of(held_out=1), PAIRS * 3, tmp_path)
    weights = query_weights(tmp_path)
    monkeypatch.setattr(distil_module, "load_model", lambda *_, **__: pytest.fail("it was trained again"))
    assert distil(config_of(held_out=1), PAIRS * 3, tmp_path) == outcome
    assert query_weights(tmp_path) == weights
    (tmp_path / "run" / "plan.json").unlink()
    with pytest.raises(ArtefactError, match=r"plan\.json is missing: remove .* and train again"):
        distil(config_of(held_out=1), PAIRS * 3, tmp_path)


def test_another_run_in_the_same_folder_is_refused_with_what_differs(config_of, tmp_path):
    distil(config_of(epochs=0), PAIRS, tmp_path, inputs={"a.tsv": "00"})
    for config, inputs, message in (
        (config_of(epochs=0, seed=3), {"a.tsv": "00"}, "seed was 0 and is 3 now"),
        (config_of(epochs=0, transport={"beta": 0.25}), {"a.tsv": "00"}, "transport was .* and is .* now"),
        (config_of(epochs=0), {"a.tsv": "11"}, "a.tsv has other content now"),
    ):
        with pytest.raises(ArtefactError, match=message):
            distil(config, PAIRS, tmp_path, inputs=inputs)


# NaN


def _poisoned_loss(monkeypatch, step):
    forward, calls = DistillationLoss.forward, []

    def poisoned(self, batch, moment):
        calls.append(1)
        if len(calls) == step:
            batch.teacher_tokens[0, 0, 0] = math.nan
        return forward(self, batch, moment)

    monkeypatch.setattr(DistillationLoss, "forward", poisoned)


def _poisoned_gradient(monkeypatch, step, value=math.nan):
    forward, calls = DistillationLoss.forward, []

    def poisoned(self, batch, moment):
        losses = forward(self, batch, moment)
        calls.append(1)
        if len(calls) == step:
            table = next(self.model.parameters())
            objective = next(iter(losses))
            losses[objective] = losses[objective] + _Poison.apply(table.sum(), value)
        return losses

    monkeypatch.setattr(DistillationLoss, "forward", poisoned)


class _Poison(torch.autograd.Function):
    """Adds nothing to the loss, and a number that is none to the gradient."""

    @staticmethod
    def forward(context, total, value):
        context.value = value
        return torch.zeros_like(total)

    @staticmethod
    def backward(context, gradient):
        return gradient * context.value, None


@pytest.mark.parametrize(
    ("poison", "message"),
    [
        (_poisoned_loss, r"on pairs \[\d+\]"),
        (_poisoned_gradient, r"the gradient is nan on pairs \[\d+, \d+, \d+, \d+\]"),
        (
            lambda patch, step: _poisoned_gradient(patch, step, math.inf),
            r"the gradient is (inf|nan) on pairs",
        ),
    ],
    ids=["loss", "gradient", "infinite gradient"],
)
@pytest.mark.parametrize("step", [1, 5, 6, 10])
def test_what_is_not_finite_stops_the_training_and_keeps_the_last_checkpoint(
    config_of, tmp_path, monkeypatch, poison, message, step
):
    usual = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patch:
        poison(patch, step)
        with pytest.raises(FloatingPointError, match=message):
            distil(config_of(), PAIRS, tmp_path)
    assert signal.getsignal(signal.SIGTERM) == usual
    assert not (tmp_path / "modules.json").exists()
    last = RunFolder(tmp_path).last_checkpoint()
    if step <= 3:
        assert last is None
    else:
        assert last.name == f"checkpoint-{(step - 1) // 3 * 3}"
        for weights in load_file(last / "model.safetensors").values():
            assert torch.isfinite(weights).all()


def test_when_the_fault_is_gone_the_run_goes_on_to_the_same_weights(config_of, tmp_path, monkeypatch):
    distil(config_of(), PAIRS, tmp_path / "unbroken")
    with monkeypatch.context() as patch:
        _poisoned_gradient(patch, 8)
        with pytest.raises(FloatingPointError):
            distil(config_of(), PAIRS, tmp_path / "broken")
    distil(config_of(), PAIRS, tmp_path / "broken")
    assert query_weights(tmp_path / "broken") == query_weights(tmp_path / "unbroken")


# the end of the process at any moment


WRITES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate"}


class _Disk:
    """Counts what changes files under a folder; from the n-th such call on, the process is as good as dead."""

    def __init__(self):
        self.folder, self.n_left, self.is_dead = None, 0, False
        sys.addaudithook(self._look)

    def _look(self, event, arguments):
        if self.folder is None:
            return
        if event == "open":
            path, _, flags = arguments
            if not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                return
        elif event in WRITES:
            path = arguments[0]
        else:
            return
        if isinstance(path, int) or not os.fsdecode(path).startswith(self.folder):
            return
        self.n_left -= 1
        if self.n_left < 0:
            self.is_dead = True  # nothing that cleans up behind the fault may change the disk either
            raise PowerCut

    def dies_at(self, folder, n):
        self.folder, self.n_left, self.is_dead = str(folder), n, False

    def lives(self):
        self.folder = None


@pytest.fixture(scope="session")
def disk():
    return _Disk()


@pytest.mark.parametrize(
    "settings",
    [
        {"dropout": 0.0},
        {"dropout": 0.1},
        {"train": "embeddings", "dropout": 0.1},
        {"held_out": 1, "epochs": 0.5},
    ],
    ids=["plain", "dropout", "embeddings", "held-out"],
)
def test_a_run_that_dies_at_every_write_in_turn_ends_in_the_same_bits(config_of, memory_path, disk, settings):
    """The n-th life ends at the n-th write to the disk: each goes on from what those before it left."""
    pairs = PAIRS * 3 if settings.get("held_out") else PAIRS
    config = config_of(**settings)
    unbroken = distil(config, pairs, memory_path / "unbroken")
    n_lives = 0
    while True:
        disk.dies_at(memory_path / "broken", n_lives)
        try:
            outcome = distil(config, pairs, memory_path / "broken")
            break
        except PowerCut:
            n_lives += 1
        finally:
            disk.lives()
    assert n_lives > 15
    assert query_weights(memory_path / "broken") == query_weights(memory_path / "unbroken")
    assert outcome == unbroken
    load_model(memory_path / "broken")


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_a_run_that_dies_at_every_step_in_turn_ends_in_the_same_bits(
    config_of, memory_path, monkeypatch, dropout
):
    """Also at the ends of epochs (5 and 10), and right after checkpoints (3, 6, 9 and 10)."""
    config = config_of(dropout=dropout)
    distil(config, PAIRS, memory_path / "unbroken")
    on_step_begin = RunCallback.on_step_begin

    def begin(self, args, state, control, **others):
        if state.global_step == dying_at:
            raise PowerCut
        return on_step_begin(self, args, state, control, **others)

    with monkeypatch.context() as patch:
        patch.setattr(RunCallback, "on_step_begin", begin)
        for dying_at in range(10):  # noqa: B007 - `begin` reads it
            with pytest.raises(PowerCut):
                distil(config, PAIRS, memory_path / "broken")
    distil(config, PAIRS, memory_path / "broken")
    assert query_weights(memory_path / "broken") == query_weights(memory_path / "unbroken")


@pytest.mark.parametrize("moment", ["save_model", "cross_lingual_model", "model_card"])
@pytest.mark.parametrize("train", ["all", "embeddings"])
def test_a_run_that_dies_after_its_last_step_only_has_to_save(
    config_of, memory_path, monkeypatch, moment, train
):
    """All checkpoints are there: no step is taken again, and none too many."""
    config = config_of(train=train, epochs=1.4)  # 7 steps: not at the end of an epoch
    distil(config, PAIRS, memory_path / "unbroken")

    def cut(*_, **__):
        raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr(distil_module, moment, cut)
        with pytest.raises(PowerCut):
            distil(config, PAIRS, memory_path / "broken")
    monkeypatch.setattr(StudentTrainer, "training_step", lambda *_: pytest.fail("a step was taken"))
    distil(config, PAIRS, memory_path / "broken")
    assert query_weights(memory_path / "broken") == query_weights(memory_path / "unbroken")
    assert log_of(memory_path / "broken") == log_of(memory_path / "unbroken")


def test_a_torn_checkpoint_is_passed_over(config_of, tmp_path, monkeypatch, caplog):
    distil(config_of(), PAIRS, tmp_path / "unbroken")

    def cut(*_):
        raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr(distil_module, "save_model", cut)
        with pytest.raises(PowerCut):
            distil(config_of(), PAIRS, tmp_path / "broken")
    newest = tmp_path / "broken" / "run" / "checkpoints" / "checkpoint-10"
    (newest / "optimizer.pt").write_bytes((newest / "optimizer.pt").read_bytes()[:-1])
    with caplog.at_level(logging.WARNING, logger="opticlir"):
        distil(config_of(), PAIRS, tmp_path / "broken")
    assert "checkpoint-10 is incomplete and is ignored" in caplog.text
    assert query_weights(tmp_path / "broken") == query_weights(tmp_path / "unbroken")


def test_sigterm_saves_stops_and_goes_on_to_the_same_weights(config_of, tmp_path):
    distil(config_of(), PAIRS, tmp_path / "unbroken")

    def terminate(event):
        if isinstance(event, StepsDone) and event.step == 5:
            os.kill(os.getpid(), signal.SIGTERM)

    usual = signal.getsignal(signal.SIGTERM)
    outcome = distil(config_of(), PAIRS, tmp_path / "broken", on_event=terminate)
    assert not outcome.is_finished
    assert signal.getsignal(signal.SIGTERM) == usual
    assert RunFolder(tmp_path / "broken").last_checkpoint().name == "checkpoint-6"
    assert not (tmp_path / "broken" / "modules.json").exists()
    assert distil(config_of(), PAIRS, tmp_path / "broken").is_finished
    assert query_weights(tmp_path / "broken") == query_weights(tmp_path / "unbroken")


def test_sigterm_at_the_last_step_finishes(config_of, tmp_path):
    def terminate(event):
        if isinstance(event, Evaluated) and event.step == 9:
            os.kill(os.getpid(), signal.SIGTERM)

    config = config_of(held_out=1, epochs=0.7)
    outcome = distil(config, PAIRS * 3, tmp_path, on_event=terminate)
    assert (outcome.steps, outcome.is_finished) == (10, True)
