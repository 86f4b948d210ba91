"""What a run learns from, by its settings: bitext and the teacher's vectors as batches."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from datasets import Dataset
from sentence_transformers import MultiVectorEncoder

from opticlir.data import PairTable, read_dictionary
from opticlir.encoder import transformer_of
from opticlir.errors import DataError
from opticlir.lab.training.code_switching import Lexicon, SwitchedTexts
from opticlir.lab.training.embedding_dictionary import dictionary_from_embeddings
from opticlir.lab.training.english_side import EnglishInputs
from opticlir.lab.training.hybrid import HybridBuckets, hybrid_rows
from opticlir.lab.training.mixup import WordMixup
from opticlir.lab.training.plan_dictionary import dictionary_from_plan
from opticlir.lab.training.token_weights import TokenWeights, weights_of_texts
from opticlir.lab.training.word_guide import WordGuide
from opticlir.training.batches import BitextCollator, LengthBuckets, n_tokens
from opticlir.training.config import TrainConfig
from opticlir.training.processes import processes
from opticlir.training.run_folder import RunFolder
from opticlir.training.teacher_cache import TeacherTokens

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Material:
    """Everything the trainer draws batches from."""

    rows: Dataset
    collator: BitextCollator
    buckets: LengthBuckets


def material_of(
    config: TrainConfig,
    student: MultiVectorEncoder,
    teacher: MultiVectorEncoder,
    pairs: PairTable,
    tokens: TeacherTokens,
    run: RunFolder,
) -> Material:
    """Rows, batches of them, and what turns a batch into tensors.

    Args:
        config: every setting.
        student: its tokenizer reads the foreign side, and the English one where the settings ask for it.
        teacher: its tokenizer cut the English side.
        pairs: the bitext to learn from.
        tokens: the teacher's vectors of the English sides, in the same order.
        run: keeps a dictionary that is made here.

    Raises:
        DataError: no pair has words on both sides, or a batch has fewer pairs than there are processes, or
            a dictionary has nothing to say of the bitext.
    """
    tokenizer = transformer_of(student, "query").tokenizer
    lengths = n_tokens(tokenizer, pairs.foreign)
    english_lengths = n_tokens(tokenizer, pairs.english) if config.monolingual else lengths
    weights = _weights(pairs, (lengths > 0) & (english_lengths > 0) & (tokens.lengths[: len(pairs)] > 0))
    collator = _collator(config, student, teacher, pairs, tokens)
    settings = {
        "batch_size": config.batch_size, "seed": config.seed, "n_processes": processes().num_processes,
        "n_runs": config.levers.length_runs,
    }  # fmt: skip
    if config.monolingual:
        rows = hybrid_rows(len(pairs))
        buckets: LengthBuckets = HybridBuckets(
            lengths, weights, english_lengths=english_lengths, monolingual=config.monolingual, **settings
        )
    else:
        rows = Dataset.from_dict({"pair": np.arange(len(pairs))})
        buckets = LengthBuckets(lengths, weights, **settings)
    if config.code_switching.source != "none":
        lexicon = _lexicon(config, student, teacher, pairs, run)
        if config.code_switching.mixup_alpha is None:
            collator.foreign = SwitchedTexts(
                collator.foreign, lexicon,
                rate=config.code_switching.rate, seed=config.seed, epoch=lambda: buckets.epoch,
            )  # fmt: skip
        else:
            collator.mixup = WordMixup(
                collator.foreign, lexicon, student, config.code_switching,
                seed=config.seed, epoch=lambda: buckets.epoch,
            )  # fmt: skip
    return Material(rows, collator, buckets)


def _lexicon(
    config: TrainConfig,
    student: MultiVectorEncoder,
    teacher: MultiVectorEncoder,
    pairs: PairTable,
    run: RunFolder,
) -> Lexicon:
    def proposed() -> list[tuple[str, str]]:
        if config.code_switching.source == "embeddings":
            found = dictionary_from_embeddings(student, pairs)
        else:
            found = dictionary_from_plan(student, teacher, pairs, config.transport)
        if not found:
            raise DataError(
                f"code_switching source is {config.code_switching.source!r}, which has no English word for any foreign "
                "word of the bitext: give a dictionary, or no code_switching"
            )
        return found

    given = config.code_switching.dictionary
    path = Path(given) if given is not None else run.dictionary(proposed)
    lexicon = Lexicon(read_dictionary(path), transformer_of(student, "query").tokenizer.backend_tokenizer)
    if not lexicon.knows_any(pairs.foreign):
        raise DataError(
            f"{path}: none of its foreign words is in the bitext: expected ENGLISH<TAB>FOREIGN, of {config.language}"
        )
    logger.info("%d foreign words and phrases can be read in English", len(lexicon))
    return lexicon


def _weights(pairs: PairTable, has_words: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """How often each pair is drawn; those with a side in which an encoder finds nothing never are."""
    if not has_words.any():
        raise DataError("no sentence pair has a word on both sides that the encoders can read")
    if not has_words.all():
        logger.warning("%d sentence pairs have a side without words: left out", (~has_words).sum())
    return np.where(has_words, pairs.weights, 0.0)


def _collator(
    config: TrainConfig,
    student: MultiVectorEncoder,
    teacher: MultiVectorEncoder,
    pairs: PairTable,
    tokens: TeacherTokens,
) -> BitextCollator:
    foreign, english = pairs.foreign, pairs.english
    collator = BitextCollator(
        preprocess_fn=student.preprocess, foreign=foreign, teacher_tokens=tokens,
        prompt=student.prompts.get("query"), english_queries=english,
    )  # fmt: skip
    if config.reads_english:
        collator.english = EnglishInputs(english, student, teacher)
    marginals = config.transport.marginals
    if marginals != "uniform":
        read = [*foreign, *english] if config.mixes_languages else foreign
        collator.weights = TokenWeights(marginals, student, read)
        collator.teacher_weights = weights_of_texts(
            TokenWeights(marginals, teacher, english), teacher, english
        )
    if config.is_guided:
        collator.guide = WordGuide(student, teacher, pairs, config.words)
    return collator
