"""The trainer of sentence-transformers with the batches, schedule, checkpoints, log and events of opticlir."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_model, save_model
from sentence_transformers import MultiVectorEncoderTrainer
from sentence_transformers.multi_vector_encoder.training_args import MultiVectorEncoderTrainingArguments
from transformers import PrinterCallback, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from opticlir.errors import ArtefactError
from opticlir.training.batches import LengthBuckets
from opticlir.training.bitext_batch import BitextBatch
from opticlir.training.events import Evaluated, OnEvent, StepsDone
from opticlir.training.objectives import PlanCounter
from opticlir.training.patience import best_step, is_over, scheduled
from opticlir.training.processes import anywhere, on_rank_zero, processes
from opticlir.training.run_folder import RunFolder
from opticlir.training.schedule import Schedule

_WEIGHTS = "model.safetensors"
UNCONVERGED = "unconverged"
"""Name in the log for the share of transport plans that did not converge."""


class StudentArguments(MultiVectorEncoderTrainingArguments):
    """The stock arguments with the device of the student; the stock class would choose a device itself.

    Args:
        student_device: device of the student.
        usual: the stock arguments.
    """

    def __init__(self, *, student_device: str, **usual: Any) -> None:
        self.student_device = student_device
        super().__init__(use_cpu=student_device == "cpu", **usual)

    @cached_property
    def _setup_devices(self) -> torch.device:
        found: torch.device = super()._setup_devices
        if self.distributed_state.num_processes > 1 or self.student_device == "cpu":
            return found  # a launcher has given each process its device
        self._n_gpu = 1  # never torch.nn.DataParallel
        device = torch.device(self.student_device)
        if device.type == "cuda" and device.index is not None:
            torch.cuda.set_device(device)
        return device


class StudentTrainer(MultiVectorEncoderTrainer):
    """The stock trainer with batches of `LengthBuckets` and a loss that changes from stage to stage.

    Args:
        sampler: makes the batches.
        schedule: decides what each step minimises.
        counter: counts the transport plans of the loss.
        usual: arguments of the stock trainer.
    """

    def __init__(
        self, *, sampler: LengthBuckets, schedule: Schedule, counter: PlanCounter | None = None, **usual: Any
    ) -> None:
        self._sampler, self._schedule = sampler, schedule
        self._counter = counter or PlanCounter()
        super().__init__(**usual)
        self.remove_callback(PrinterCallback)  # the log and the events have the same values

    def get_batch_sampler(self, *_: Any, **__: Any) -> LengthBuckets:
        """Return the given sampler."""
        return self._sampler

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Add nothing: the run writes its own model card. The stock callback would encode training data for one."""

    def _prepare_inputs(self, inputs: BitextBatch) -> BitextBatch:
        return inputs.to(self.args.device)

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: BitextBatch,
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> torch.Tensor:
        """Return the sum of the loss terms of this step, and log each term."""
        loss: Any = self.loss
        if model is self.model_wrapped and loss.model is not model:
            self.override_model_in_loss(loss, model)
        losses = loss(inputs, self._schedule.at(self.state.global_step))
        self.track_loss_components(losses)
        return torch.stack(list(losses.values())).sum()

    def training_step(
        self, model: torch.nn.Module, inputs: BitextBatch, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """Run a batch forward and backward, and check the gradient before any weight changes.

        Raises:
            FloatingPointError: the gradient is not finite. The message has the numbers of the pairs.
        """
        self.state.num_input_tokens_seen += int(inputs.foreign["attention_mask"].sum())
        extra = [weight for term in self._extra.values() for weight in term.parameters()]
        for weight in extra:  # the stock trainer clears only the gradients of the model
            weight.grad = None
        loss = super().training_step(model, inputs, num_items_in_batch)
        gradients = [weight.grad for weight in [*model.parameters(), *extra] if weight.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        if not torch.isfinite(norm):
            raise FloatingPointError(f"the gradient is {norm.item()} on pairs {inputs.pairs.tolist()}")
        return loss

    def restore(self, checkpoint: Path) -> None:
        """Load the weights of a checkpoint, without resuming the training from it."""
        self._load_from_checkpoint(str(checkpoint))

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """Save the weights in one file: a model folder cannot contain adapters that are not merged yet.

        The weights of extra terms of the loss belong to the run, not to the model, and get their own files.
        """
        folder = Path(output_dir or self.args.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        save_model(self._student, str(folder / _WEIGHTS))
        for name, term in self._extra.items():
            save_model(term, str(folder / f"{name}.safetensors"))

    def _load_from_checkpoint(self, checkpoint_path: str) -> None:
        load_model(self._student, Path(checkpoint_path) / _WEIGHTS)
        for name, term in self._extra.items():
            load_model(term, Path(checkpoint_path) / f"{name}.safetensors")

    @property
    def _student(self) -> torch.nn.Module:
        compiled: Any = self.model
        return cast("torch.nn.Module", getattr(compiled, "_orig_mod", compiled))

    @property
    def _extra(self) -> dict[str, torch.nn.Module]:
        found: dict[str, torch.nn.Module] = self.loss.extra_terms
        return found

    def _save_checkpoint(self, model: torch.nn.Module, trial: Any) -> None:
        """Write a checkpoint. Earlier ones are kept until it is complete.

        Raises:
            ArtefactError: it cannot be written, for example because the disk is full.
        """
        try:
            super()._save_checkpoint(model, trial)
        except Exception as error:  # each library raises its own, tokenizers a bare one
            is_refusal = isinstance(error, OSError | RuntimeError | SafetensorError) or "(os error " in str(
                error
            )
            if not is_refusal:
                raise
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ArtefactError(
                f"{self.args.output_dir}/checkpoint-{self.state.global_step} cannot be written ({reason}): free space "
                "and run the same command to resume from the checkpoint before it"
            ) from error

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log the terms of the loss, then drop them: a term of an earlier stage must be missing, not 0."""
        notes = self.loss.take_notes()
        n_open, n_plans = self._counter.take()
        if n_plans:
            notes[UNCONVERGED] = n_open / n_plans
        super().log({**logs, **notes}, start_time)
        self.accum_loss_components["train"].clear()


class RunCallback(TrainerCallback):
    """Logs, sends events, completes checkpoints, evaluates on held-out pairs, and stops cleanly on SIGTERM.

    Args:
        run: the folder of logs and checkpoints.
        schedule: no line of the log mixes two of its stages.
        on_event: called with steps and evaluations.
        evaluate: measures the student after a step.
        pairs_per_step: to compute the speed.
        patience: evaluations without improvement before training stops; None takes all steps.
    """

    def __init__(
        self,
        run: RunFolder,
        schedule: Schedule,
        on_event: OnEvent,
        evaluate: Callable[[int], dict[str, float]],
        *,
        pairs_per_step: int,
        patience: int | None = None,
    ) -> None:
        self._run, self._schedule, self._on_event, self._evaluate = run, schedule, on_event, evaluate
        self._pairs_per_step, self._patience = pairs_per_step, patience
        self._started = time.monotonic()
        self._first_step = self._first_token = 0
        self._terminated = False
        self.is_interrupted = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Save and stop on SIGTERM while the block runs. Other threads than the main thread cannot handle signals."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        usual = signal.signal(signal.SIGTERM, self._terminate) or signal.SIG_DFL
        try:
            yield
        finally:  # after the training, SIGTERM must end the program as before it
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
        """Log at the end of a stage. Save and stop if any process has received SIGTERM."""
        control.should_log |= self._schedule.begins_stage(state.global_step)
        if anywhere(self._terminated):
            self.is_interrupted = state.global_step < state.max_steps
            control.should_save = control.should_training_stop = True

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl,
        logs: dict[str, Any], **_: Any,
    ) -> None:  # fmt: skip
        """Write losses to the log and send them, with speed and time left."""
        if "loss" not in logs:
            return
        seconds = max(time.monotonic() - self._started, 1e-9)
        done, tokens = state.global_step - self._first_step, state.num_input_tokens_seen - self._first_token
        values = {name: value for name, value in logs.items() if isinstance(value, float) and name != "epoch"}
        self._run.log({"step": state.global_step, **values})
        self._on_event(
            StepsDone(
                step=state.global_step,
                steps=state.max_steps,
                values=values,
                pairs_per_second=done * self._pairs_per_step / seconds,
                tokens_per_second=tokens
                * processes().num_processes
                / seconds,  # the shares of a batch are similar
                seconds_left=(state.max_steps - state.global_step) * seconds / max(done, 1),
            )
        )

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Complete the checkpoint, evaluate, and stop if patience says so."""
        self._run.complete_checkpoint(Path(args.output_dir) / f"checkpoint-{state.global_step}")
        self.evaluate(state.global_step)
        self._keep_best(args, state, control)

    def evaluate(self, step: int) -> dict[str, float]:
        """Measure the student on the held-out pairs, log the measures and send them."""
        measures = self._measured(step)
        if measures:
            self._run.log({"step": step, "validation": measures})
            self._on_event(Evaluated(step, measures))
        return measures

    @on_rank_zero
    def _measured(self, step: int) -> dict[str, float]:
        return self._evaluate(step)

    def _keep_best(self, args: TrainingArguments, state: TrainerState, control: TrainerControl) -> None:
        if self._patience is None:
            return
        evaluations = scheduled(self._run.evaluations(), every=args.save_steps, last=state.max_steps)
        # the trainer removes all checkpoints but the best and the newest
        state.best_global_step = best_step(evaluations) if evaluations else None
        control.should_training_stop |= is_over(evaluations, self._patience)

    def _terminate(self, signum: int, frame: FrameType | None) -> None:
        self._terminated = True
