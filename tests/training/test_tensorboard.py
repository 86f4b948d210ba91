import builtins

import pytest

from opticlir.errors import SetupError
from opticlir.training.events import Evaluated, StageStarted, StepsDone
from opticlir.training.tensorboard import tensorboard_writer


def curves(out):
    """(step, value) by tag, as TensorBoard shows them."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(out / "run" / "tensorboard"))
    events.Reload()
    return {
        tag: [(event.step, round(event.value, 4)) for event in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


def steps_done(step, loss):
    return StepsDone(
        step=step, steps=20, values={"loss": loss}, pairs_per_second=100.0, tokens_per_second=900.0,
        seconds_left=3.0,
    )  # fmt: skip


@pytest.mark.filterwarnings("ignore")
def test_steps_and_evaluations_become_curves_and_a_resumed_run_withdraws_what_it_repeats(tmp_path):
    pytest.importorskip("tensorboard")
    write = tensorboard_writer(tmp_path)
    write(StageStarted("training"))
    write(Evaluated(0, {"RR": 0.25}))
    for step in (5, 10, 15):
        write(steps_done(step, 1 / step))
    resumed = tensorboard_writer(tmp_path)  # from a checkpoint at 5
    resumed(steps_done(10, 0.5))
    found = curves(tmp_path)
    assert found["train/loss"] == [(5, 0.2), (10, 0.5)]
    assert found["held-out/RR"] == [(0, 0.25)]
    assert found["train/pairs_per_second"] == [(5, 100.0), (10, 100.0)]


def test_without_the_package_it_says_what_to_install(tmp_path, monkeypatch):
    usual = builtins.__import__

    def absent(name, *arguments):
        if name.startswith("torch.utils.tensorboard"):
            raise ImportError(name)
        return usual(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(
        SetupError, match=r"TensorBoard is not installed: pip install 'opticlir\[tensorboard\]'"
    ):
        tensorboard_writer(tmp_path)
