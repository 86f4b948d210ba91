"""Early stopping, and the checkpoint that was best."""

import os
import signal
import sys

import pytest
from safetensors.torch import load_file

import tiny_models
from opticlir.errors import DataError
from opticlir.lab.training import distil, make_config
from opticlir.storage import sha256_file
from opticlir.training.events import Evaluated, StepsDone
from opticlir.training.patience import best_step, is_over, scheduled
from opticlir.training.run_folder import RunFolder
from opticlir.training.trainer import RunCallback, StudentTrainer

distil_module = sys.modules["opticlir.training.distil"]
PAIRS = tiny_models.PAIRS * 3
SCRIPT = {
    0: 0.9,
    3: 0.2,
    6: 0.5,
    9: 0.4,
    12: 0.5,
    15: 0.3,
    18: 0.9,
}  # by step; the best before it is over is 6


class PowerCut(BaseException):
    pass


@pytest.fixture
def config_of(checkpoints):
    def make(**settings):
        return make_config(
            {
                "teacher": str(checkpoints["plain"]), "language": "swa", "batch_size": 3, "epochs": 1,
                "checkpoint_steps": 3, "precision": "float32", "held_out": 1, "patience": 3,
                "words": {"n_pieces": 200, "min_piece_frequency": 2}, **settings,
            },
            source="test",
        )  # fmt: skip

    return make


@pytest.fixture
def scripted(monkeypatch):
    """Evaluations measure what the script says; at steps it does not name, a perfect RR."""
    evaluate, now = RunCallback.evaluate, []

    def noted(self, step):
        now.append(step)
        return evaluate(self, step)

    monkeypatch.setattr(RunCallback, "evaluate", noted)
    monkeypatch.setattr(
        distil_module, "translation_retrieval",
        lambda *_: {"RR": SCRIPT.get(now[-1], 1.0), "accuracy": 0.0},
    )  # fmt: skip
    return now


def weights(out):
    return sha256_file(out / "query_0_Transformer" / "model.safetensors")


def test_only_evaluations_that_every_run_has_count():
    evaluations = {0: {"RR": 0.9}, 3: {"RR": 0.1}, 4: {"RR": 0.8}, 6: {"RR": 0.2}, 7: {"RR": 0.2}}
    assert list(scheduled(evaluations, every=3, last=7)) == [3, 6, 7]
    assert best_step(scheduled(evaluations, every=3, last=7)) == 6
    assert not is_over({}, 1)


def test_training_stops_when_patience_ends_and_the_best_is_saved(config_of, memory_path, scripted):
    out = memory_path / "patient"
    kept = {}

    def keep(event):
        if isinstance(event, Evaluated) and event.step == 6:
            kept.update(load_file(out / "run" / "checkpoints" / "checkpoint-6" / "model.safetensors"))

    outcome = distil(config_of(), PAIRS, out, on_event=keep)
    assert scripted == [0, 3, 6, 9, 12, 15]
    assert (outcome.saved_step, outcome.steps, outcome.is_finished) == (6, 20, True)
    assert outcome.trained["RR"] == 0.5
    saved = load_file(out / "query_0_Transformer" / "model.safetensors")
    table = "encoder.layer.0.output.dense.weight"  # the checkpoint holds only a part of the embeddings
    assert saved[table].equal(next(value for name, value in kept.items() if name.endswith(table)))
    assert "(6 steps, seed 0)" in (out / "README.md").read_text()
    assert distil(config_of(), PAIRS, out) == outcome  # finished: told from the log


def test_without_patience_the_last_step_is_saved(config_of, memory_path, scripted):
    outcome = distil(config_of(patience=None), PAIRS, memory_path / "all")
    assert (outcome.saved_step, outcome.trained["RR"]) == (20, 1.0)


def test_killed_at_any_step_the_run_stops_at_the_same_step_with_the_same_weights(
    config_of, memory_path, scripted, monkeypatch
):
    unbroken = distil(config_of(dropout=0.1), PAIRS, memory_path / "unbroken")
    begin = RunCallback.on_step_begin
    dying = []

    def dies(self, args, state, control, **others):
        if state.global_step == dying[-1]:
            raise PowerCut
        return begin(self, args, state, control, **others)

    with monkeypatch.context() as patch:
        patch.setattr(RunCallback, "on_step_begin", dies)
        for step in (1, 4, 7, 9, 10, 12, 14):
            dying.append(step)
            with pytest.raises(PowerCut):
                distil(config_of(dropout=0.1), PAIRS, memory_path / "broken")
    assert distil(config_of(dropout=0.1), PAIRS, memory_path / "broken") == unbroken
    assert weights(memory_path / "broken") == weights(memory_path / "unbroken")


@pytest.mark.parametrize("step", [6, 15])
def test_killed_between_a_checkpoint_and_its_evaluation(config_of, memory_path, scripted, monkeypatch, step):
    unbroken = distil(config_of(), PAIRS, memory_path / "unbroken")
    evaluate = RunCallback.evaluate

    def dies(self, at):
        if at == step:
            raise PowerCut
        return evaluate(self, at)

    with monkeypatch.context() as patch:
        patch.setattr(RunCallback, "evaluate", dies)
        with pytest.raises(PowerCut):
            distil(config_of(), PAIRS, memory_path / "broken")
    if step == 15:  # the evaluation says that it is over: there is no step left to take
        monkeypatch.setattr(StudentTrainer, "training_step", lambda *_: pytest.fail("a step was taken"))
    assert distil(config_of(), PAIRS, memory_path / "broken") == unbroken
    assert weights(memory_path / "broken") == weights(memory_path / "unbroken")


def test_the_evaluation_where_sigterm_came_does_not_count(config_of, memory_path, scripted):
    unbroken = distil(config_of(), PAIRS, memory_path / "unbroken")

    def terminate(event):
        if isinstance(event, StepsDone) and event.step == 10:
            os.kill(os.getpid(), signal.SIGTERM)

    config = config_of()
    outcome = distil(config, PAIRS, memory_path / "broken", on_event=terminate)
    assert not outcome.is_finished
    assert RunFolder(memory_path / "broken").evaluations()[11]["RR"] == 1.0  # better than any that counts
    assert distil(config, PAIRS, memory_path / "broken") == unbroken
    assert weights(memory_path / "broken") == weights(memory_path / "unbroken")


def test_patience_without_held_out_pairs_is_refused(config_of, tmp_path):
    with pytest.raises(
        DataError, match=r"patience is 3, but of 20 sentence pairs none is held out to evaluate on"
    ):
        distil(config_of(), tiny_models.PAIRS, tmp_path)
