"""Promise 6: training killed anywhere and given again ends with the same weights to the bit.

One unbroken run is watched, and its folder copied at every moment of which a test asks: what a process that
dies there leaves behind. Each test hands one copy to the same command and compares the weights. Three
processes die by a real SIGKILL, and leave what the copies hold.
"""

import gc
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from multiprocessing import forkserver
from pathlib import Path

import pytest

import killed_training
from killed_training import EVERY, PAIRS, PER_EPOCH, STEPS
from opticlir.encoder import load_model
from opticlir.encoder.folder import MODEL_MANIFEST
from opticlir.lab.training import distil
from opticlir.storage import sha256_file
from opticlir.training.batches import LengthBuckets
from opticlir.training.run_folder import RunFolder
from opticlir.training.trainer import RunCallback, StudentTrainer

distil_module = sys.modules["opticlir.training.distil"]

CHECKPOINT_FILES = (
    "model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json", "complete.json"
)  # fmt: skip
WRITTEN = {"in the second epoch": 21, "at the end of an epoch": 28}
EVALUATED = (EVERY, PER_EPOCH, STEPS)
SAVED = {
    "the model is joined": "cross_lingual_model",
    "the model is written": "save_model",
    "its card is made": "model_card",
    "its report is drawn": "draw_training_report",
}
"""Functions that are called one after the other while the model is saved."""
MOMENTS = [
    (RunFolder, "plan", lambda *_: "plan"),
    (RunCallback, "on_step_end", lambda self, args, state, *_: f"step {state.global_step}"),
    (RunFolder, "complete_checkpoint", lambda self, checkpoint: f"incomplete {checkpoint.name}"),
    (RunCallback, "evaluate", lambda self, step: f"evaluation {step}"),
    *((distil_module, name, lambda *_, name=name: name) for name in SAVED.values()),
    (RunFolder, "finish", lambda *_: "finish"),
]
"""Owner and name of a function, and from its arguments the name of the moment before it is called."""


@contextmanager
def before(owner, name, keep, moment):
    """Keep the moment before each call of a function while the block runs."""
    usual = getattr(owner, name)

    def kept(*arguments, **named):
        keep(moment(*arguments))
        return usual(*arguments, **named)

    setattr(owner, name, kept)
    try:
        yield
    finally:
        setattr(owner, name, usual)


class Watched:
    """The unbroken run: its weights, and copies of its folder by moment."""

    def __init__(self, teacher, folder):
        self.config = killed_training.config(teacher)
        self.copies = folder / "copies"
        self.out = folder / "unbroken"
        with ExitStack() as watching:
            for owner, name, moment in MOMENTS:
                watching.enter_context(before(owner, name, self._keep, moment))
            self.outcome = distil(self.config, PAIRS, self.out)
        self.weights = weights(self.out)

    def _keep(self, moment):
        shutil.copytree(self.out, self.copies / moment)

    def left_at(self, moment, out):
        """What a process leaves behind that dies at a moment."""
        shutil.copytree(self.copies / moment, out)
        return out

    def assert_it_goes_on(self, out):
        """Give the same command again: it ends as the unbroken run did."""
        assert distil(self.config, PAIRS, out) == self.outcome
        assert weights(out) == self.weights


def weights(out):
    """What decides the query vectors."""
    return [
        sha256_file(out / "query_0_Transformer" / name) for name in ("model.safetensors", "tokenizer.json")
    ]


@pytest.fixture(scope="module")
def folder():
    """In memory where the machine has it: some sixty copies of a run are written."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def unbroken(checkpoints, folder):
    watched = Watched(checkpoints["plain"], folder)
    gc.freeze()  # each training collects garbage: it need not go through all that the libraries hold
    yield watched
    gc.unfreeze()


@pytest.fixture
def out(folder):
    """A place for what a killed run left; emptied behind each test."""
    yield folder / "out"
    shutil.rmtree(folder / "out", ignore_errors=True)


def written(checkpoint):
    """Files of an incomplete checkpoint in the order they were written."""
    return sorted(checkpoint.iterdir(), key=lambda path: path.stat().st_mtime_ns)


def test_the_run_is_what_the_tests_below_take_it_for(unbroken):
    assert unbroken.outcome.steps == STEPS
    assert unbroken.outcome.is_finished
    checkpoint = RunFolder(unbroken.copies / "step 30").checkpoints / "checkpoint-28"
    assert sorted(path.name for path in checkpoint.iterdir()) == sorted(CHECKPOINT_FILES)


@pytest.mark.parametrize("moment", ["plan", "evaluation 0"])
def test_killed_before_the_first_step(unbroken, out, moment):
    """Before the plan is written, and after it."""
    unbroken.left_at(moment, out)
    assert (out / "run" / "plan.json").exists() == (moment == "evaluation 0")
    assert RunFolder(out).last_checkpoint() is None
    unbroken.assert_it_goes_on(out)


@pytest.mark.parametrize("step", range(1, 31))
def test_killed_after_a_step(unbroken, out, step):
    unbroken.assert_it_goes_on(unbroken.left_at(f"step {step}", out))


@pytest.mark.parametrize("epoch", WRITTEN)
@pytest.mark.parametrize("part", ["nothing", "half"])
@pytest.mark.parametrize("file", CHECKPOINT_FILES)
def test_killed_inside_the_write_of_a_checkpoint(unbroken, out, file, part, epoch):
    """The file is not there yet, or half of it is; nor are those that are written after it."""
    step = WRITTEN[epoch]
    unbroken.left_at(f"incomplete checkpoint-{step}", out)
    checkpoint = RunFolder(out).checkpoints / f"checkpoint-{step}"
    if file == "complete.json":  # it is written last
        RunFolder(out).complete_checkpoint(checkpoint)
    names = [path.name for path in written(checkpoint)]
    for name in names[names.index(file) + 1 :]:
        (checkpoint / name).unlink()
    whole = (checkpoint / file).read_bytes()
    (checkpoint / file).unlink()
    if part == "half":
        (checkpoint / file).write_bytes(whole[: len(whole) // 2])
    assert RunFolder(out).last_checkpoint().name == f"checkpoint-{step - EVERY}"
    unbroken.assert_it_goes_on(out)


@pytest.mark.parametrize("n_gone", [1, 3, len(CHECKPOINT_FILES) - 1])
def test_killed_while_an_old_checkpoint_is_removed(unbroken, out, n_gone):
    """The one before the last, when the newest is written and not complete yet."""
    unbroken.left_at("incomplete checkpoint-21", out)
    old = RunFolder(out).checkpoints / "checkpoint-7"
    shutil.copytree(RunFolder(unbroken.copies / "evaluation 14").checkpoints / "checkpoint-7", old)
    for path in sorted(old.iterdir())[:n_gone]:
        path.unlink()
    unbroken.assert_it_goes_on(out)


@pytest.mark.parametrize("step", EVALUATED)
def test_killed_between_a_checkpoint_and_its_evaluation(unbroken, out, step):
    unbroken.left_at(f"evaluation {step}", out)
    assert step not in RunFolder(out).evaluations()
    unbroken.assert_it_goes_on(out)
    assert RunFolder(out).evaluations() == RunFolder(unbroken.out).evaluations()


@pytest.mark.parametrize("moment", SAVED)
def test_killed_before(unbroken, out, monkeypatch, moment):
    """All steps are taken, and none is taken again."""
    unbroken.left_at(SAVED[moment], out)
    monkeypatch.setattr(StudentTrainer, "training_step", lambda *_: pytest.fail("a step was taken"))
    unbroken.assert_it_goes_on(out)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_killed_while_the_files_of_the_model_take_their_places(unbroken, out, share):
    unbroken.left_at(SAVED["its card is made"], out)
    last = ["modules.json", MODEL_MANIFEST]
    names = sorted(path.name for path in out.iterdir() if path.name not in ("run", *last))
    (out / ".draft").mkdir()
    for name in [*last, *names[round(share * len(names)) :]]:
        (out / name).rename(out / ".draft" / name)
    unbroken.assert_it_goes_on(out)
    load_model(out)
    assert not (out / ".draft").exists()


def test_killed_before_the_record_says_finished(unbroken, out):
    unbroken.assert_it_goes_on(unbroken.left_at("finish", out))


KILLS = {
    "step 8": ("on_step_end", 8),
    "incomplete checkpoint-21": ("on_save", 3),
    "evaluation 28": ("evaluate", 5),
}


@pytest.fixture(scope="module")
def fresh_process():
    """A process that has read all modules and begun nothing; each killed training is a copy of it."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["killed_training"])
    with pytest.MonkeyPatch.context() as patch:  # the process that all are copies of looks for it here alone
        patch.setenv("PYTHONPATH", str(Path(killed_training.__file__).parent), prepend=os.pathsep)
        forkserver.ensure_running()
    return context.Process


@pytest.mark.parametrize("moment", KILLS)
def test_killed_by_the_system(unbroken, checkpoints, out, fresh_process, moment):
    """A real SIGKILL; what it leaves is what the copies of that moment hold."""
    process = fresh_process(
        target=killed_training.train_until_killed, args=(checkpoints["plain"], out, *KILLS[moment])
    )
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    assert left_behind(out) == left_behind(unbroken.copies / moment)
    unbroken.assert_it_goes_on(out)


def left_behind(out):
    """Checksums of weights and moments by step, and what is logged of losses and evaluations."""
    return (
        {
            f"{path.parent.name}/{path.name}": sha256_file(path)
            for path in RunFolder(out).checkpoints.rglob("*")
            if path.suffix in (".safetensors", ".pt")
        },
        RunFolder(out).read_log(),
    )


FORGOTTEN = {
    "the random state": (StudentTrainer, "_load_rng_state"),
    "the optimiser": (StudentTrainer, "_load_optimizer_and_scheduler"),
    "the weights": (StudentTrainer, "_load_from_checkpoint"),
    "the epoch": (LengthBuckets, "set_epoch"),
}


@pytest.mark.parametrize("what", FORGOTTEN)
def test_a_resume_that_forgets_something_is_found_out(unbroken, out, monkeypatch, what):
    """The tests above can fail."""
    unbroken.left_at("step 22", out)
    monkeypatch.setattr(*FORGOTTEN[what], lambda *_: None)
    distil(unbroken.config, PAIRS, out)
    assert weights(out) != unbroken.weights
