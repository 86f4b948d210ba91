"""Bitext in, a cross-lingual model out: the function behind `opticlir train`."""

import logging
import math
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from sentence_transformers import MultiVectorEncoder

from opticlir import transport
from opticlir.artefacts import default_cache_folder
from opticlir.data import PairTable
from opticlir.device import has_bfloat16, trained_dtype
from opticlir.encoder import (
    SAMPLED_SENTENCES,
    Vocabulary,
    cross_lingual_model,
    fit_projection,
    load_model,
    merge_adapter,
    model_checksum,
    new_student,
    refuse_mixed,
    require_peft,
    save_language_pack,
    save_model,
    split_words,
    transformer_of,
)
from opticlir.errors import DataError
from opticlir.manifest import input_checksums
from opticlir.records import SentencePair
from opticlir.storage import write_text_atomically
from opticlir.training.budget import planned_steps
from opticlir.training.config import TrainConfig
from opticlir.training.events import DiskNeeded, OnEvent, SentencesCounted, StageStarted, WorkDone, silent
from opticlir.training.extension import Extension
from opticlir.training.losses import DistillationLoss
from opticlir.training.model_card import Origin, model_card
from opticlir.training.objectives import PlanCounter
from opticlir.training.optimisations import flushed_denormals, optimised
from opticlir.training.outcome import Outcome, outcome_of, recorded_outcome, saved_step
from opticlir.training.patience import is_over, scheduled
from opticlir.training.processes import is_rank_zero, join_processes, processes
from opticlir.training.randomness import seeded
from opticlir.training.run_folder import RunFolder
from opticlir.training.schedule import Schedule, terms_of
from opticlir.training.sentence_length import cut_sentences, whole_sentences
from opticlir.training.teacher_cache import LiveTokens, TeacherCache, TeacherTokens
from opticlir.training.trainable import make_trainable
from opticlir.training.trainer import RunCallback, StudentArguments, StudentTrainer
from opticlir.training.training_data import DataSource
from opticlir.training.training_report import TrainingReport, draw_training_report, unconverged_share
from opticlir.training.validation import translation_retrieval
from opticlir.training.vocabulary_cache import cached_vocabulary

logger = logging.getLogger(__name__)

_MOST_UNCONVERGED = 0.01


def distil(
    config: TrainConfig,
    pairs: Sequence[SentencePair],
    out: Path,
    *,
    dictionary: Sequence[SentencePair] = (),
    inputs: dict[str, str] | None = None,
    command: str = "",
    on_event: OnEvent = silent,
    extension: Extension | None = None,
) -> Outcome:
    """Train a query encoder from bitext and save it, joined with its teacher, as one model folder.

    Interrupted? Call again with the same arguments to resume. The run ends with the same weights on the same kind of
    machine, device, torch, threads and processes. With a budget in minutes, the first call plans the steps. Several
    processes, started by torchrun or accelerate, share each batch.

    Args:
        config: every setting.
        pairs: the bitext; a `PairTable` of millions of pairs takes little more memory than their file.
        out: the model folder; `out/run` has the record.
        dictionary: entries of a dictionary. They are trained on like the pairs, but none is held out.
        inputs: checksums of the files with the pairs, by name, for the record.
        command: the command that makes the model, for its card.
        on_event: called with stages, steps and evaluations; with several processes, on rank zero only.
        extension: objectives and batch transforms of another package; None adds nothing.

    Raises:
        DataError: there is no pair, no pair has words on both sides, or a batch has fewer pairs than processes.
        ArtefactError: `out` holds something else, or another process trains there.
        SetupError: the disk has no space for the teacher's vectors, this machine has no such device, or adapters
            need peft, which is not installed.
        FloatingPointError: a loss or a gradient is not finite. The last checkpoint is kept.
    """
    if not pairs:
        raise DataError("the bitext holds no sentence pair")
    if config.train == "adapters":
        require_peft()  # before the words are aligned
    if config.train != "all" and not _starts_from_teacher(config):
        logger.warning(
            "no language pack will be written: the student %s is not the English encoder; use the model folder",
            config.student,
        )
    run, extension = RunFolder(out), extension or Extension()
    device = run.device(config.device)
    join_processes(device)
    inputs = (inputs or {}) | input_checksums(extension.input_files())
    settings, makers = {**asdict(config), "device": device}, [type(extension).__module__]
    with run.claimed(
        settings, inputs, kind=type(config), models=_model_checksums(config), makers=makers
    ) as finished:
        if finished:
            return _past_outcome(run)
        table = pairs if isinstance(pairs, PairTable) else PairTable(pairs)
        training = _Training(config, run, device, on_event if is_rank_zero() else silent, extension)
        with seeded(config.seed, device), flushed_denormals():
            return training.run(table, dictionary, Origin(command=command, inputs=inputs))


@dataclass(frozen=True)
class _HeldOut:
    """Pairs to evaluate on, with the teacher's (tokens, dim) vectors of their English sides."""

    pairs: PairTable
    tokens: list[npt.NDArray[np.float16]]


class _Training:
    """One call of `distil`, after its folder is locked."""

    def __init__(
        self, config: TrainConfig, run: RunFolder, device: str, on_event: OnEvent, extension: Extension
    ) -> None:
        self._config, self._run, self._device = config, run, device
        self._on_event, self._extension = on_event, extension
        self._bfloat16 = (
            has_bfloat16(device) if config.precision == "auto" else config.precision == "bfloat16"
        )

    def run(self, sentences: PairTable, dictionary: Sequence[SentencePair], origin: Origin) -> Outcome:
        config, n_sentences = self._config, len(sentences)
        pairs = PairTable(chain(sentences, dictionary)) if dictionary else sentences
        self._start("loading the encoders")
        teacher = self._load(config.teacher)
        base = teacher if _starts_from_teacher(config) else self._load(str(config.student))
        refuse_mixed(base, teacher)
        kept_rows, held_out_rows = _split(n_sentences, config)
        kept_rows = np.concatenate([kept_rows, np.arange(n_sentences, len(pairs))])
        kept = pairs.take(kept_rows)
        self._start("aligning words")
        projection = self._projection(base, teacher, kept)
        student = new_student(
            base, self._vocabulary(base, kept), projection=projection, dtype=trained_dtype(config.weights_dtype)
        )  # fmt: skip
        make_trainable(student, config, has_new_projection=projection is not None)
        with whole_sentences(student, teacher):
            self._count_cut(student, teacher, pairs)
            tokens = self._teacher_tokens(teacher, pairs)
            held_out = _HeldOut(pairs.take(held_out_rows), [tokens[row] for row in held_out_rows.tolist()])
            source = DataSource(
                config=config, student=student, teacher=teacher, pairs=kept, tokens=tokens.take(kept_rows),
                run=self._run,
            )  # fmt: skip
            steps, is_interrupted = self._fit(source, held_out, pairs)
        if is_interrupted:
            return outcome_of(self._run, steps, is_finished=False)
        self._start("saving the model")
        outcome = outcome_of(self._run, steps, is_finished=True)
        for language, words in _words(student, kept).items():
            self._run.write_words(words, language)
        if is_rank_zero():
            self._save(student, teacher, (n_sentences, len(held_out.pairs)), outcome, origin)
        counts = {"pairs": n_sentences, "held_out": len(held_out.pairs), "steps": steps}
        self._run.finish(counts | ({"dictionary": len(dictionary)} if dictionary else {}))
        return outcome

    def _start(self, name: str) -> None:
        self._on_event(StageStarted(name))

    def _load(self, name: str) -> MultiVectorEncoder:
        return load_model(name, device=self._device, weights_dtype=self._config.weights_dtype)

    def _projection(
        self, base: MultiVectorEncoder, teacher: MultiVectorEncoder, pairs: PairTable
    ) -> npt.NDArray[np.float32] | None:
        """Return weights that bring the vectors of another model to the teacher's; None if they are alike."""
        if base is teacher:
            return None
        self._start("fitting the projection")
        rows = np.linspace(0, len(pairs) - 1, min(len(pairs), SAMPLED_SENTENCES), dtype=np.int64)
        return fit_projection(base, teacher, list(pairs.take(rows).english), seed=self._config.seed)

    def _vocabulary(self, base: MultiVectorEncoder, pairs: PairTable) -> Vocabulary | None:
        config = self._config
        if config.vocabulary == "keep":
            return None
        with processes().main_process_first():  # the others find it in the cache
            return cached_vocabulary(
                default_cache_folder(), base, config.student or config.teacher, pairs, config.words,
                languages=config.language.split("+"),
            )  # fmt: skip

    def _count_cut(self, student: MultiVectorEncoder, teacher: MultiVectorEncoder, pairs: PairTable) -> None:
        cut = cut_sentences(student, teacher, pairs.foreign, pairs.english)
        self._run.write_cut(cut)
        self._on_event(SentencesCounted(cut))
        if cut.english or cut.foreign:
            logger.warning("%s: the rest of them is not trained on", cut)

    def _teacher_tokens(self, teacher: MultiVectorEncoder, pairs: PairTable) -> TeacherTokens:
        self._start("encoding the English side")
        vectors = self._config.teacher_vectors
        cache = TeacherCache(
            default_cache_folder(), teacher, name=self._config.teacher, bfloat16=self._bfloat16,
            vectors="float16" if vectors == "none" else vectors,
        )  # fmt: skip
        if vectors == "none":
            return LiveTokens(cache, pairs.english)
        with processes().main_process_first():  # the others find it in the cache
            return cache.encode(
                pairs.english,
                lambda done, total: self._on_event(WorkDone("encoding English", done, total)),
                lambda folder, needed, free: self._on_event(DiskNeeded(folder, needed, free)),
            )

    def _fit(self, source: DataSource, held_out: _HeldOut, pairs: PairTable) -> tuple[int, bool]:
        """Train the student. Return the planned steps, and whether SIGTERM interrupted them."""
        config, student, counter = self._config, source.student, PlanCounter()
        report = TrainingReport(self._run, held_out.pairs, student, source.teacher)

        def evaluate(step: int) -> dict[str, float]:
            if not len(held_out.pairs):
                return {}
            report.align(step)
            return translation_retrieval(student, list(held_out.pairs.foreign), held_out.tokens)

        data = self._extension.training_data(source)
        terms = terms_of(config.schedule, self._extension.objectives(config, counter))
        with optimised(config.optimisations, student, self._extension.used_tokens(student, pairs)):
            parts = self._extension.loss_parts(student)  # its embeddings are pruned now
            loss = DistillationLoss(
                student, n_runs=config.optimisations.length_runs, adversary=parts.adversary,
                extra_terms=parts.extra_terms,
            )  # fmt: skip
            with transport.backend_for(0):  # timing a few batches must not compile
                steps = self._run.plan(
                    lambda: planned_steps(config, loss, data, terms, bfloat16=self._bfloat16)
                )
            counter.take()  # plans of timed batches
            schedule = Schedule(config.schedule, terms, steps)
            callback = RunCallback(
                self._run, schedule, report.watching(self._on_event), evaluate,
                pairs_per_step=config.batch_size, patience=config.patience,
            )  # fmt: skip
            trainer = StudentTrainer(
                sampler=data.sampler, schedule=schedule, counter=counter, model=student,
                args=self._arguments(student, steps), train_dataset=data.rows, loss=loss,
                data_collator=data.collator, callbacks=[callback],
            )  # fmt: skip
            if steps:
                self._start("training")
            with callback.listening(), transport.backend_for(_plans(config, steps)):
                _take_steps(config, trainer, callback, self._run)
        return steps, callback.is_interrupted

    def _arguments(self, student: MultiVectorEncoder, steps: int) -> StudentArguments:
        config = self._config
        table = transformer_of(student, "query").model.get_input_embeddings().weight
        name = next(name for name, parameter in student.named_parameters() if parameter is table)
        return StudentArguments(
            student_device=self._device,
            output_dir=str(self._run.checkpoints),
            per_device_train_batch_size=math.ceil(config.batch_size / processes().num_processes),
            max_steps=steps, warmup_steps=max(1, round(config.warmup * steps)),
            learning_rate=config.learning_rate,
            learning_rate_mapping={re.escape(name): config.embedding_learning_rate},
            lr_scheduler_type="linear",
            adam_beta2=0.98, weight_decay=0.0, max_grad_norm=1.0, optim="adamw_torch_fused",
            bf16=self._bfloat16, ddp_broadcast_buffers=False,
            save_strategy="steps", save_steps=config.checkpoint_steps,
            save_total_limit=3 if config.patience else 2,
            logging_strategy="steps", logging_steps=5, logging_nan_inf_filter=False,
            report_to="none", disable_tqdm=True,
            seed=config.seed, data_seed=config.seed,
        )  # fmt: skip

    def _save(
        self,
        student: MultiVectorEncoder,
        teacher: MultiVectorEncoder,
        n_pairs: tuple[int, int],
        outcome: Outcome,
        origin: Origin,
    ) -> None:
        """Write the model, its card and the training report; rank zero only. `n_pairs`: all, and held out."""
        config, run = self._config, self._run
        adapter = merge_adapter(student)
        save_model(cross_lingual_model(student, teacher), run.out)
        if config.train != "all" and _starts_from_teacher(config):
            pack = run.folder / "language-pack"
            shutil.rmtree(pack, ignore_errors=True)  # of a run that was killed right after it
            save_language_pack(
                student, teacher, pack, language=config.language, encoder=config.teacher, adapter=adapter,
                weights_dtype=config.weights_dtype,
            )  # fmt: skip
        card = model_card(
            config, pairs=n_pairs[0], held_out=n_pairs[1], steps=outcome.saved_step, initial=outcome.initial,
            trained=outcome.trained, origin=origin, more=self._extension.card_lines(),
        )  # fmt: skip
        write_text_atomically(run.out / "README.md", card)
        draw_training_report(run)
        if (share := unconverged_share(run.read_log())) is not None and share > _MOST_UNCONVERGED:
            logger.warning(
                "%.1f %% of the transport plans did not converge: raise max_iterations of [transport]",
                100 * share,
            )


def _starts_from_teacher(config: TrainConfig) -> bool:
    """Whether the student begins as the English encoder, so that a language pack says what was added to it."""
    return config.student in (None, config.teacher)


def _model_checksums(config: TrainConfig) -> dict[str, str]:
    """Return checksums of teacher and student before training."""
    named = {f"teacher {config.teacher}": config.teacher, f"student {config.student}": config.student}
    return {name: model_checksum(model) for name, model in named.items() if model and is_rank_zero()}


def _take_steps(config: TrainConfig, trainer: StudentTrainer, callback: RunCallback, run: RunFolder) -> None:
    """Train from the last checkpoint if steps are left. Afterwards the student has the weights to save."""
    checkpoint, steps = run.last_checkpoint(), trainer.args.max_steps
    done = _step_of(checkpoint) if checkpoint else 0
    run.rewind_log(done if checkpoint else -1)
    if checkpoint:
        trainer.restore(checkpoint)
    if done not in run.evaluations():  # before the first step, or killed before a checkpoint was evaluated
        callback.evaluate(done)
    evaluations = scheduled(run.evaluations(), every=config.checkpoint_steps, last=steps)
    if done < steps and not (config.patience and is_over(evaluations, config.patience)):
        torch.manual_seed(
            config.seed
        )  # planning draws random numbers, which a resumed run does not: start both at one state
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    saved = saved_step(run, steps)
    if config.patience and saved and not callback.is_interrupted:
        trainer.restore(run.checkpoints / f"checkpoint-{saved}")


def _plans(config: TrainConfig, steps: int) -> int:
    """Return the number of steps that compute transport plans."""
    return round(steps * sum(stage.share for stage in config.schedule if "optical" in stage.weights))


def _step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.split("-")[1])


def _split(n_pairs: int, config: TrainConfig) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return rows to train on and rows to evaluate on. Every seed has the same, so that runs can be compared."""
    count = config.held_out_of(n_pairs)
    chosen = np.random.default_rng(0).choice(n_pairs, size=count, replace=False)
    if config.patience and not count:
        raise DataError(
            f"patience is {config.patience}, but of {n_pairs} sentence pairs none is held out to evaluate on: "
            "give 50 pairs or more, held_out above 0, or no patience"
        )
    return np.delete(np.arange(n_pairs), chosen), np.sort(chosen)


def _words(student: MultiVectorEncoder, pairs: PairTable) -> dict[str, list[str]]:
    """Foreign words by language, the most frequent ones first; those of all languages under the empty code."""
    tokenizer = transformer_of(student, "query").tokenizer.backend_tokenizer
    counts: dict[str, Counter[str]] = {"": Counter()}
    for text, language in zip(pairs.foreign, pairs.languages, strict=True):
        words = split_words(tokenizer, text)
        for code in {"", language}:
            counts.setdefault(code, Counter()).update(words)
    return {code: sorted(each, key=lambda word: (-each[word], word)) for code, each in counts.items()}


def _past_outcome(run: RunFolder) -> Outcome:
    outcome = recorded_outcome(run)
    if is_rank_zero() and not run.report.exists():
        draw_training_report(run)
    return outcome
