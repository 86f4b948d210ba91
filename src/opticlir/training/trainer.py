"""sentence-transformers' trainer with our batches, our checkpoints' seals, and a voice."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_model, save_model
from sentence_transformers import MultiVectorEncoderTrainer
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from opticlir.errors import ArtefactError
from opticlir.lab.training.discriminator import LanguageDiscriminator
from opticlir.training.batches import LengthBuckets
from opticlir.training.early_stopping import best_step, is_over, scheduled
from opticlir.training.processes import anywhere, by_main, processes
from opticlir.training.run_folder import RunFolder

_WEIGHTS = "model.safetensors"
_DISCRIMINATOR = "discriminator.safetensors"

Report = Callable[[dict[str, Any]], None]
"""Told what happens: `{"event": "stage" | "disk" | "cache" | "step" | "validation", ...}`."""


class StudentTrainer(MultiVectorEncoderTrainer):
    """The stock trainer, fed by `LengthBuckets`, with a loss whose parts may change."""

    buckets: LengthBuckets

    def get_batch_sampler(self, *_: Any, **__: Any) -> LengthBuckets:
        """Those of `LengthBuckets` instead of random ones."""
        return self.buckets

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """None: the run writes a card of its own, and the stock one would encode training data for it."""

    def training_step(
        self, model: torch.nn.Module, inputs: dict[str, Any], num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """Forward and backward on a batch, and a look at the gradient before anything is changed by it.

        Raises:
            FloatingPointError: the gradient is not finite; the message gives the numbers of the pairs.
        """
        pairs = inputs["foreign_pairs"].tolist()
        self.state.num_input_tokens_seen += int(inputs["foreign_attention_mask"].sum())
        beside = list(self._discriminator.parameters()) if self._discriminator else []
        for weight in beside:  # the trainer forgets the gradients of the model alone
            weight.grad = None
        loss = super().training_step(model, inputs, num_items_in_batch)
        gradients = [weight.grad for weight in [*model.parameters(), *beside] if weight.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        if not torch.isfinite(norm):
            raise FloatingPointError(f"the gradient is {norm.item()} on pairs {pairs}")
        return loss

    def restore(self, checkpoint: Path) -> None:
        """Take the weights of a checkpoint behind which there is no step left to take."""
        self._load_from_checkpoint(str(checkpoint))

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """The weights as they are and nothing else: adapters have no place in a model folder before they are merged.

        What is learned beside the student is no part of the model either, but of the run.
        """
        folder = Path(output_dir or self.args.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        save_model(self._student, str(folder / _WEIGHTS))
        if self._discriminator:
            save_model(self._discriminator, str(folder / _DISCRIMINATOR))

    def _load_from_checkpoint(self, checkpoint_path: str) -> None:
        load_model(self._student, Path(checkpoint_path) / _WEIGHTS)
        if self._discriminator:
            load_model(self._discriminator, Path(checkpoint_path) / _DISCRIMINATOR)

    @property
    def _student(self) -> torch.nn.Module:
        compiled: Any = self.model
        return cast("torch.nn.Module", getattr(compiled, "_orig_mod", compiled))

    def _save_checkpoint(self, model: torch.nn.Module, trial: Any) -> None:
        """Write a checkpoint; the ones before it stand until it is whole.

        Raises:
            ArtefactError: the disk refuses.
        """
        try:
            super()._save_checkpoint(model, trial)
        except (OSError, RuntimeError, SafetensorError) as error:  # each library has its own way to say it
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ArtefactError(
                f"{self.args.output_dir}/checkpoint-{self.state.global_step} cannot be written ({reason}): make room "
                "and give the same command again, it goes on from the checkpoint before this one"
            ) from error

    @property
    def _discriminator(self) -> LanguageDiscriminator | None:
        discriminator: LanguageDiscriminator | None = self.loss.discriminator
        return discriminator

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log the parts of the loss, and forget them: one that a stage left behind is not 0, it is not there."""
        super().log({**logs, **self.loss.take_notes()}, start_time)
        self.accum_loss_components["train"].clear()

    def forget_parts(self) -> None:
        """Have the next line of the log begin here."""
        self.accum_loss_components["train"].clear()
        self.loss.take_notes()


class RunCallback(TrainerCallback):
    """Logs, reports, seals checkpoints, looks at held-out pairs, and stops cleanly on SIGTERM.

    Args:
        run: where logs and checkpoints are.
        report: told of steps and validations.
        validate: measures of the student as it stands, given the step.
        pairs_per_step: for the speed.
        patience: looks without a better one after which to stop; None takes all steps.
    """

    def __init__(
        self,
        run: RunFolder,
        report: Report,
        validate: Callable[[int], dict[str, float]],
        *,
        pairs_per_step: int,
        patience: int | None = None,
    ) -> None:
        self._run, self._report, self._validate = run, report, validate
        self._pairs_per_step, self._patience = pairs_per_step, patience
        self._started = time.monotonic()
        self._first_step = self._first_token = 0
        self._terminated = False
        self.is_interrupted = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take SIGTERM as the wish to save and stop while the block runs, where the signals are ours to handle."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        usual = signal.signal(signal.SIGTERM, self._terminate) or signal.SIG_DFL
        try:
            yield
        finally:  # what comes after the training must be as easy to stop as before it
            signal.signal(signal.SIGTERM, usual)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Start the clock."""
        self._started, self._first_step = time.monotonic(), state.global_step
        self._first_token = state.num_input_tokens_seen
        self._keep_best(args, state, control)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Save and stop where SIGTERM came, to whichever process."""
        if anywhere(self._terminated):
            self.is_interrupted = state.global_step < state.max_steps
            control.should_save = control.should_training_stop = True

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl,
        logs: dict[str, Any], **_: Any,
    ) -> None:  # fmt: skip
        """Write losses to the log and tell the observer, with speed and time left."""
        if "loss" not in logs:
            return
        seconds = max(time.monotonic() - self._started, 1e-9)
        done, tokens = state.global_step - self._first_step, state.num_input_tokens_seen - self._first_token
        parts = {name: value for name, value in logs.items() if isinstance(value, float) and name != "epoch"}
        self._run.log({"step": state.global_step, **parts})
        self._report({
            "event": "step", "step": state.global_step, "steps": state.max_steps, **parts,
            "pairs_per_second": done * self._pairs_per_step / seconds,
            "tokens_per_second": tokens * processes().num_processes / seconds,  # shares of a batch are alike
            "seconds_left": (state.max_steps - state.global_step) * seconds / max(done, 1),
        })  # fmt: skip

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Seal the checkpoint, then look at the held-out pairs, and stop where patience ends."""
        self._run.seal_checkpoint(Path(args.output_dir) / f"checkpoint-{state.global_step}")
        self.look(state.global_step)
        self._keep_best(args, state, control)

    def look(self, step: int) -> dict[str, float]:
        """Measure the student and say so."""
        measures = self._measured(step)
        if measures:
            self._run.log({"step": step, "validation": measures})
            self._report({"event": "validation", "step": step, **measures})
        return measures

    @by_main
    def _measured(self, step: int) -> dict[str, float]:
        return self._validate(step)

    def _keep_best(self, args: TrainingArguments, state: TrainerState, control: TrainerControl) -> None:
        if self._patience is None:
            return
        looks = scheduled(self._run.looks(), every=args.save_steps, last=state.max_steps)
        state.best_global_step = best_step(looks) if looks else None  # the trainer removes all others in time
        control.should_training_stop |= is_over(looks, self._patience)

    def _terminate(self, signum: int, frame: FrameType | None) -> None:
        self._terminated = True
