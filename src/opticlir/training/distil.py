"""Bitext in, a cross-lingual model out: the one function behind `opticlir train`."""

import logging
import math
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.multi_vector_encoder.training_args import MultiVectorEncoderTrainingArguments
from transformers import PrinterCallback

from opticlir.artefacts import default_cache_folder
from opticlir.data import PairTable
from opticlir.encoder import (
    Vocabulary,
    cross_lingual_model,
    load_model,
    merge_adapter,
    new_student,
    require_peft,
    save_language_pack,
    save_model,
    split_words,
    transformer_of,
)
from opticlir.errors import ArtefactError, DataError
from opticlir.manifest import input_checksums
from opticlir.records import SentencePair
from opticlir.storage import write_text_atomically
from opticlir.training.budget import planned_steps
from opticlir.training.config import TrainConfig
from opticlir.training.early_stopping import best_step, is_over, scheduled
from opticlir.training.levers import flushed_denormals, pulled, used_tokens
from opticlir.training.material import Material, material_of
from opticlir.training.model_card import Origin, model_card
from opticlir.training.processes import is_main_process, processes, silent
from opticlir.training.progress import ProgressCallback
from opticlir.training.recipe import loss_of, parts_of
from opticlir.training.run_folder import RunFolder
from opticlir.training.run_page import RunPage, draw_run_page
from opticlir.training.teacher_cache import LiveTokens, TeacherCache, TeacherTokens
from opticlir.training.trainable import make_trainable
from opticlir.training.trainer import Report, RunCallback, StudentTrainer
from opticlir.training.validation import translation_retrieval
from opticlir.training.vocabulary_cache import cached_vocabulary

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run came to."""

    steps: int
    """Steps the budget bought."""
    initial: dict[str, float]
    """Held-out measures before the first step; empty where nothing was held out."""
    trained: dict[str, float]
    """The same of the model that was saved."""
    saved_step: int
    """The step whose weights were saved: the last, or with `patience` the one with the best look."""
    is_finished: bool
    """False where SIGTERM came first: the same command goes on from there."""


def distil(
    config: TrainConfig,
    pairs: Sequence[SentencePair],
    out: Path,
    *,
    inputs: dict[str, str] | None = None,
    command: str = "",
    report: Report = lambda _: None,
) -> Outcome:
    """Train a query encoder from bitext and save it, joined with its teacher, as one model folder.

    Killed at any moment and called again with the same arguments, it goes on and ends with the same
    weights (same machine kind, torch, threads and processes; of a budget in minutes, the steps planned by
    the first call count). Started in several processes by torchrun or accelerate, they share each batch.

    Args:
        config: every setting.
        pairs: the bitext; a `PairTable` of millions of pairs takes little more room than their file.
        out: the model folder; `out/run` keeps the record.
        inputs: checksum by name of the files the pairs came from, for the record.
        command: that makes the model, for its card.
        report: told of stages, steps and validations; of several processes by the main one alone.

    Raises:
        DataError: there is no pair, or none with words on both sides, or fewer in a batch than processes.
        ArtefactError: `out` holds something else, or another process trains there; or the student's
            vectors are of another width than the teacher's.
        SetupError: the disk has no room for the teacher's vectors; peft is not installed, for adapters.
        FloatingPointError: a loss or a gradient is not finite; the last checkpoint is kept.
    """
    if not pairs:
        raise DataError("the bitext holds no sentence pair")
    if config.train == "adapters":
        require_peft()  # said now, not after the words are aligned
    run = RunFolder(out)
    report = report if is_main_process() else silent
    dictionary = config.code_switching.dictionary
    inputs = (inputs or {}) | input_checksums([Path(dictionary)] if dictionary else [])
    with run.claimed(asdict(config), inputs) as finished:
        if finished:
            return _past_outcome(config, run)
        torch.manual_seed(config.seed)
        with flushed_denormals(config.levers.flush_denormals):
            table = pairs if isinstance(pairs, PairTable) else PairTable(pairs)
            return _train(config, table, run, report, Origin(command=command, inputs=inputs))


def _train(config: TrainConfig, pairs: PairTable, run: RunFolder, report: Report, origin: Origin) -> Outcome:
    report({"event": "stage", "name": "loading the encoders"})
    teacher = load_model(config.teacher)
    base = teacher if config.student is None else load_model(config.student)
    _check_widths(base, teacher, config)
    kept, held_out = _split(pairs, config)
    report({"event": "stage", "name": "aligning words"})
    student = new_student(base, _vocabulary(config, base, kept))
    make_trainable(student, config)
    tokens = _teacher_tokens(
        config, teacher, pairs.take(np.concatenate([kept.rows, held_out.rows])).english, report
    )
    foreign = list(held_out.foreign)
    english = [tokens[len(kept) + number] for number in range(len(held_out))]

    page = RunPage(run, held_out, student, teacher)

    def validate(step: int) -> dict[str, float]:
        if not foreign:
            return {}
        page.align(step)
        return translation_retrieval(student, foreign, english)

    callback = RunCallback(
        run, page.watching(report), validate, pairs_per_step=config.batch_size, patience=config.patience
    )
    material = material_of(config, student, teacher, kept, tokens, run)
    used = None
    if config.code_switching.source == "none":
        used = used_tokens(student, pairs, both_sides=config.reads_english or config.mixes_languages)
    with pulled(config.levers, student, used):
        trainer = _trainer(config, student, material, callback, _arguments(config, student, run))
        steps = run.plan(lambda: planned_steps(config, trainer, parts_of(config)))
        trainer.args.max_steps, trainer.args.warmup_steps = steps, max(1, round(config.warmup * steps))
        if steps:
            report({"event": "stage", "name": "training"})
        with callback.listening():
            _take_steps(config, trainer, callback, run)
    if callback.is_interrupted:
        return _outcome(config, run, steps, is_finished=False)
    report({"event": "stage", "name": "saving the model"})
    outcome = _outcome(config, run, steps, is_finished=True)
    run.write_words(_words(student, kept))
    if is_main_process():
        _save(config, run, student, teacher)
        card = model_card(
            config,
            pairs=len(pairs),
            steps=outcome.saved_step,
            initial=outcome.initial,
            trained=outcome.trained,
            origin=origin,
        )
        write_text_atomically(run.out / "README.md", card)
        draw_run_page(run)
    run.finish({"pairs": len(pairs), "held_out": len(held_out), "steps": steps})
    return outcome


def _save(
    config: TrainConfig, run: RunFolder, student: MultiVectorEncoder, teacher: MultiVectorEncoder
) -> None:
    adapter = merge_adapter(student)
    save_model(cross_lingual_model(student, teacher), run.out)
    if config.train != "all" and config.student is None:
        pack = run.folder / "language-pack"
        shutil.rmtree(pack, ignore_errors=True)  # of a run that was killed right after it
        save_language_pack(
            student, teacher, pack, language=config.language, encoder=config.teacher, adapter=adapter
        )


def _take_steps(config: TrainConfig, trainer: StudentTrainer, callback: RunCallback, run: RunFolder) -> None:
    """Train from the last checkpoint on, if anything is left to do, and leave the student as it is to be saved."""
    checkpoint, steps = run.last_checkpoint(), trainer.args.max_steps
    done = _step_of(checkpoint) if checkpoint else 0
    run.rewind_log(done if checkpoint else -1)
    if checkpoint:
        trainer.restore(checkpoint)
    if done not in run.looks():  # before the first step, or killed between a checkpoint and the look at it
        callback.look(done)
    looks = scheduled(run.looks(), every=config.checkpoint_steps, last=steps)
    if done < steps and not (config.patience and is_over(looks, config.patience)):
        torch.manual_seed(config.seed)  # planning draws: a run that finds its plan made has to draw the same
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    saved = _saved_step(config, run, steps)
    if config.patience and saved and not callback.is_interrupted:
        trainer.restore(run.checkpoints / f"checkpoint-{saved}")


def _saved_step(config: TrainConfig, run: RunFolder, steps: int) -> int:
    looks = scheduled(run.looks(), every=config.checkpoint_steps, last=steps)
    return best_step(looks) if config.patience and looks else steps


def _step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.split("-")[1])


def _check_widths(student: MultiVectorEncoder, teacher: MultiVectorEncoder, config: TrainConfig) -> None:
    widths = student.get_embedding_dimension(), teacher.get_embedding_dimension()
    if widths[0] != widths[1]:
        raise ArtefactError(
            f"the student {config.student!r} has vectors of {widths[0]} numbers, the teacher {config.teacher!r} of "
            f"{widths[1]}: choose a student as wide as its teacher"
        )


def _split(pairs: PairTable, config: TrainConfig) -> tuple[PairTable, PairTable]:
    """Pairs to learn from and pairs to watch by; the same for every seed, so that runs can be compared."""
    count = min(config.held_out, len(pairs) // 50)
    chosen = np.random.default_rng(0).choice(len(pairs), size=count, replace=False)
    if config.patience and not count:
        raise DataError(
            f"patience is {config.patience}, but of {len(pairs)} sentence pairs none is held out to look at: "
            "give 50 pairs or more, held_out above 0, or no patience"
        )
    return pairs.take(np.delete(np.arange(len(pairs)), chosen)), pairs.take(np.sort(chosen))


def _vocabulary(config: TrainConfig, base: MultiVectorEncoder, pairs: PairTable) -> Vocabulary | None:
    if config.vocabulary == "keep":
        return None
    with processes().main_process_first():  # the others find it in the cache
        return cached_vocabulary(
            default_cache_folder(), base, config.student or config.teacher, pairs, config.words
        )


def _words(student: MultiVectorEncoder, pairs: PairTable) -> list[str]:
    tokenizer = transformer_of(student, "query").tokenizer.backend_tokenizer
    return sorted({word for text in pairs.foreign for word in split_words(tokenizer, text)})


def _teacher_tokens(
    config: TrainConfig, teacher: MultiVectorEncoder, texts: Sequence[str], report: Report
) -> TeacherTokens:
    report({"event": "stage", "name": "encoding the English side"})
    cache = TeacherCache(
        default_cache_folder(), teacher, name=config.teacher, bfloat16=_bfloat16(config),
        vectors="float16" if config.teacher_vectors == "none" else config.teacher_vectors,
    )  # fmt: skip
    if config.teacher_vectors == "none":
        return LiveTokens(cache, texts)
    with processes().main_process_first():  # the others find it in the cache
        return cache.encode(
            texts,
            lambda done, total: report({"event": "cache", "done": done, "total": total}),
            lambda folder, needed, free: report(
                {"event": "disk", "folder": str(folder), "needed": needed, "free": free}
            ),
        )


def _trainer(
    config: TrainConfig,
    student: MultiVectorEncoder,
    material: Material,
    callback: RunCallback,
    arguments: MultiVectorEncoderTrainingArguments,
) -> StudentTrainer:
    parts = parts_of(config)
    loss = loss_of(config, student, parts[0])
    trainer = StudentTrainer(
        model=student,
        args=arguments,
        train_dataset=material.rows,
        loss=loss,
        data_collator=material.collator,
        callbacks=[ProgressCallback(loss, config.schedule, parts), callback],
    )
    trainer.remove_callback(PrinterCallback)  # the log and the observer have it already
    trainer.buckets = material.buckets
    return trainer


def _arguments(
    config: TrainConfig, student: MultiVectorEncoder, run: RunFolder
) -> MultiVectorEncoderTrainingArguments:
    table = transformer_of(student, "query").model.get_input_embeddings().weight
    name = next(name for name, parameter in student.named_parameters() if parameter is table)
    return MultiVectorEncoderTrainingArguments(
        output_dir=str(run.checkpoints),
        per_device_train_batch_size=math.ceil(config.batch_size / processes().num_processes),
        max_steps=1,  # the plan decides, once the trainer stands and its speed is known
        learning_rate=config.learning_rate,
        learning_rate_mapping={re.escape(name): config.embedding_learning_rate},
        lr_scheduler_type="linear",
        adam_beta2=0.98, weight_decay=0.0, max_grad_norm=1.0, optim=config.levers.optimiser,
        bf16=_bfloat16(config), use_cpu=student.device.type == "cpu", ddp_broadcast_buffers=False,
        save_strategy="steps", save_steps=config.checkpoint_steps, save_total_limit=3 if config.patience else 2,
        logging_strategy="steps", logging_steps=5, logging_nan_inf_filter=False,
        report_to="none", disable_tqdm=True,
        seed=config.seed, data_seed=config.seed,
    )  # fmt: skip


def _bfloat16(config: TrainConfig) -> bool:
    if config.precision != "auto":
        return config.precision == "bfloat16"
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    capabilities = torch.backends.cpu.get_cpu_capability()
    return capabilities.startswith("AVX512") and torch.cpu._is_avx512_bf16_supported()


def _past_outcome(config: TrainConfig, run: RunFolder) -> Outcome:
    def again() -> int:
        raise ArtefactError(f"{run.folder / 'plan.json'} is gone: remove {run.out} and train again")

    outcome = _outcome(config, run, run.plan(again), is_finished=True)
    if is_main_process() and not run.page.exists():
        draw_run_page(run)
    return outcome


def _outcome(config: TrainConfig, run: RunFolder, steps: int, *, is_finished: bool) -> Outcome:
    looks = run.looks()
    saved = _saved_step(config, run, steps)
    return Outcome(
        steps=steps,
        initial=looks.get(0, {}),
        trained=looks.get(saved, {}) if is_finished else looks[max(looks)] if looks else {},
        saved_step=saved,
        is_finished=is_finished,
    )
