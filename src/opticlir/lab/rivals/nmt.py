"""A small neural translator that is trained on the bitext alone: the rival of a student with equal data."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    DataCollatorForSeq2Seq,
    MarianConfig,
    MarianMTModel,
    PreTrainedTokenizerFast,
    PrinterCallback,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
    TrainerCallback,
    TrainerState,
    TrainingArguments,
    set_seed,
)

from opticlir.errors import ArtefactError, DataError
from opticlir.manifest import check_same_settings
from opticlir.progress import Progress, silent
from opticlir.records import SentencePair
from opticlir.storage import exclusive_lock, publish_folder, read_record, write_text_atomically
from opticlir.training.budget import seconds_per_pass
from opticlir.training.checkpoints import last_complete, mark_complete

_PAD, _END, _UNKNOWN = "<pad>", "</s>", "<unk>"
_REPAIR = "remove the folder and train again"
_CALIBRATION_STEPS = 3


@dataclass(frozen=True, kw_only=True)
class NmtConfig:
    """Size and training of a transformer for ten thousand sentence pairs (Sennrich and Zhang 2019)."""

    minutes: float = 15.0
    """Time budget of the training steps on this machine."""
    vocabulary: int = 4000
    """Pieces of the byte-pair encoding of both languages; few, because there are few pairs."""
    width: int = 256
    layers: int = 3
    """Layers of the encoder, and of the decoder."""
    heads: int = 4
    dropout: float = 0.3
    label_smoothing: float = 0.2
    learning_rate: float = 1e-3
    """The peak, which is reached after a tenth of the steps. Then the rate falls linearly to 0."""
    batch_size: int = 64
    max_tokens: int = 96
    """Longest side; longer ones are cut."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.minutes <= 0:
            raise DataError(f"minutes is {self.minutes}: expected a budget above 0")


def train_translator(
    pairs: Sequence[SentencePair], out: Path, config: NmtConfig, progress: Progress = silent
) -> int:
    """Train a MarianMT model that translates the foreign side to English; `Seq2Seq` loads it.

    Interrupted? Call it again with the same arguments to resume from the last checkpoint. The stock trainer does not
    promise equal weights to the bit.

    Args:
        pairs: training data; a pair of weight 3 is read three times an epoch.
        out: folder of the model. The state of an unfinished run is in a folder with the suffix `.run`.
        config: size and budget.
        progress: called after each step.

    Returns:
        Number of training steps.

    Raises:
        DataError: there is no pair.
        ArtefactError: `out` exists, or its unfinished run has other settings or pairs.
    """
    if not pairs:
        raise DataError("no sentence pair to learn to translate from")
    if out.exists():
        raise ArtefactError(f"{out}: exists already; choose another folder")
    run = out.with_name(out.name + ".run")
    run.mkdir(parents=True, exist_ok=True)
    with exclusive_lock(run / "settings.json"):
        _check_same(run / "settings.json", {**asdict(config), "pairs": len(pairs)})
        set_seed(config.seed)
        tokenizer = _tokenizer(pairs, config)
        model = MarianMTModel(_shape(tokenizer, config))
        trainer = _trainer(model, tokenizer, _examples(pairs, tokenizer, config), run, config, progress)
        steps = _planned(run / "plan.json", trainer, config)
        trainer.args.max_steps, trainer.args.warmup_steps = steps, max(1, steps // 10)
        checkpoint = last_complete(run)
        set_seed(config.seed)
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        with publish_folder(out) as draft:
            model.save_pretrained(str(draft))
            tokenizer.save_pretrained(str(draft))
    shutil.rmtree(run)
    return steps


def _check_same(path: Path, settings: dict[str, Any]) -> None:
    if path.exists():
        check_same_settings(path.parent, read_record(path, lambda found: {**found}, _REPAIR), settings)
    write_text_atomically(path, json.dumps(settings) + "\n")


def _tokenizer(pairs: Sequence[SentencePair], config: NmtConfig) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE(unk_token=_UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Punctuation(), pre_tokenizers.Metaspace()]
    )
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(
        vocab_size=config.vocabulary, special_tokens=[_PAD, _END, _UNKNOWN], show_progress=False
    )
    tokenizer.train_from_iterator((side for pair in pairs for side in (pair.foreign, pair.english)), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {_END}", special_tokens=[(_END, tokenizer.token_to_id(_END))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=_PAD, eos_token=_END, unk_token=_UNKNOWN,
        model_max_length=config.max_tokens, model_input_names=["input_ids", "attention_mask"],
    )  # fmt: skip


def _shape(tokenizer: PreTrainedTokenizerFast, config: NmtConfig) -> MarianConfig:
    return MarianConfig(
        vocab_size=len(tokenizer), d_model=config.width, max_position_embeddings=config.max_tokens + 1,
        encoder_layers=config.layers, decoder_layers=config.layers,
        encoder_attention_heads=config.heads, decoder_attention_heads=config.heads,
        encoder_ffn_dim=4 * config.width, decoder_ffn_dim=4 * config.width,
        dropout=config.dropout, activation_function="relu", scale_embedding=True,
        pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id,
        decoder_start_token_id=tokenizer.pad_token_id, forced_eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip


def _examples(
    pairs: Sequence[SentencePair], tokenizer: PreTrainedTokenizerFast, config: NmtConfig
) -> Dataset:
    repeated = [
        pair for pair, copies in zip(pairs, copies_of(pairs, config.seed), strict=True) for _ in range(copies)
    ]
    foreign = tokenizer([pair.foreign for pair in repeated], truncation=True, max_length=config.max_tokens)
    english = tokenizer([pair.english for pair in repeated], truncation=True, max_length=config.max_tokens)
    return Dataset.from_dict({"input_ids": foreign["input_ids"], "labels": english["input_ids"]})


def copies_of(pairs: Sequence[SentencePair], seed: int) -> list[int]:
    """Return the number of copies of each pair: its weight, rounded up or down at random."""
    weights = np.array([pair.weight for pair in pairs])
    whole = np.floor(weights)
    lots = np.random.default_rng(seed).random(len(weights))
    found: list[int] = (whole + (lots < weights - whole)).astype(int).tolist()
    return found


class _Steps(TrainerCallback):
    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def on_step_end(self, args: TrainingArguments, state: TrainerState, *_: Any, **__: Any) -> None:
        self._progress("training a translator", state.global_step, args.max_steps)

    def on_save(self, args: TrainingArguments, state: TrainerState, *_: Any, **__: Any) -> None:
        mark_complete(Path(str(args.output_dir)) / f"checkpoint-{state.global_step}")


def _trainer(
    model: MarianMTModel,
    tokenizer: PreTrainedTokenizerFast,
    examples: Dataset,
    run: Path,
    config: NmtConfig,
    progress: Progress,
) -> Seq2SeqTrainer:
    arguments = Seq2SeqTrainingArguments(
        output_dir=str(run), per_device_train_batch_size=config.batch_size, max_steps=1,
        learning_rate=config.learning_rate, lr_scheduler_type="linear", adam_beta2=0.98, max_grad_norm=1.0,
        label_smoothing_factor=config.label_smoothing, train_sampling_strategy="group_by_length",
        save_strategy="steps", save_steps=100, save_total_limit=2, logging_strategy="no",
        report_to="none", disable_tqdm=True, use_cpu=not torch.cuda.is_available(),
        seed=config.seed, data_seed=config.seed,
    )  # fmt: skip
    trainer = Seq2SeqTrainer(
        model=model, args=arguments, train_dataset=examples, processing_class=tokenizer,
        data_collator=DataCollatorForSeq2Seq(tokenizer, model=model), callbacks=[_Steps(progress)],
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    return trainer


def _planned(path: Path, trainer: Seq2SeqTrainer, config: NmtConfig) -> int:
    """Return the number of steps in the budget. It is decided once, so that a resumed run keeps its schedule."""
    if not path.exists():
        model: Any = trainer.model.train()
        batches = islice(trainer.get_train_dataloader(), _CALIBRATION_STEPS + 1)
        seconds = seconds_per_pass(model, (model(**inputs).loss for inputs in batches))
        steps = max(1, int(60 * config.minutes / seconds))
        write_text_atomically(path, json.dumps({"steps": steps}) + "\n")
    return read_record(path, lambda found: int(found["steps"]), _REPAIR)
