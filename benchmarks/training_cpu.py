"""How much faster does a student learn here than in a plain sentence-transformers loop, on a processor?

    OMP_NUM_THREADS=2 python benchmarks/training_cpu.py --bitext lafand.hau.tsv --language hau

The plain loop is the stock trainer with the same loss: random batches padded to their longest text, float32,
fused attention (torch's default), the teacher run at each step, dense AdamW, each plan by POT's network simplex.
Both begin at the same student (same pairs, tokenizer and embeddings) and take turns in blocks of a few steps,
so that a busy minute slows both alike. The plain loop goes on until its validation loss is down to what the
default has after its last step; when it was just there is interpolated between the blocks on either side, whose losses
are a fraction of 1 % apart. Setting up and validating cost no time here. Then each lever is switched off alone, a
few steps each, in turn.

`T1` is the ratio of pairs per second, `same_loss` that of the seconds to the same validation loss. Both are also given
by CPU seconds, which a machine with other work to do does not falsify as long as OMP_NUM_THREADS is 1.

2026-11-21, AMD EPYC with AVX-512 bfloat16, two quiet cores, lafand.hau, 40 steps: T1 4.5, to the same loss 4.4; the
ladder is in docs/performance.md.
"""

import argparse
import copy
import re
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from measuring import environment, print_answer, print_table
from sentence_transformers import MultiVectorEncoder

from opticlir.artefacts import default_cache_folder
from opticlir.cli.libraries import quieten
from opticlir.data import PairTable, read_bitext
from opticlir.encoder import (
    VocabularyConfig,
    load_model,
    new_student,
    transformer_of,
    vocabulary_for,
)
from opticlir.records import SentencePair
from opticlir.sample import bitext_path
from opticlir.training.batches import BitextCollator, LengthBuckets
from opticlir.training.bitext_batch import BitextBatch
from opticlir.training.losses import DistillationLoss, Moment
from opticlir.training.methods import parse_stages
from opticlir.training.objectives import TransportConfig, objectives
from opticlir.training.optimisations import Optimisations, flushed_denormals, optimised, used_tokens
from opticlir.training.schedule import Schedule
from opticlir.training.teacher_cache import LiveTokens, TeacherCache, TeacherTokens
from opticlir.training.trainer import StudentArguments, StudentTrainer

BATCH_SIZE = 64
RATES = (3e-4, 1e-3)  # of the encoder and of the input embeddings, as in TrainConfig


@dataclass(frozen=True)
class Recipe:
    """Which optimisations are used; all of them are the default of `opticlir train`."""

    cached_teacher: bool = True
    length_runs: bool = True
    bfloat16: bool = True
    pruned_vocabulary: bool = True
    plain_attention: bool = True
    batched_transport: bool = True
    fused_adamw: bool = True


LEVERS = tuple(lever.name for lever in fields(Recipe))
DEFAULT = Recipe()
PLAIN = Recipe(**dict.fromkeys(LEVERS, False))


@dataclass(frozen=True)
class Start:
    """What all recipes begin with."""

    teacher: MultiVectorEncoder
    student: MultiVectorEncoder
    pairs: Sequence[SentencePair]
    tokens: TeacherTokens
    """Of the English side of `pairs`."""
    used: np.ndarray
    """Ids of the tokens that the student reads, those of the held-out pairs among them."""


class Course:
    """One student in training by one recipe, step by step."""

    def __init__(self, recipe: Recipe, start: Start) -> None:
        self.recipe = recipe
        self.student = copy.deepcopy(start.student)
        chosen = Optimisations(
            plain_attention=recipe.plain_attention, prune_vocabulary=recipe.pruned_vocabulary
        )
        self._optimised = optimised(chosen, self.student, start.used)
        self._optimised.__enter__()  # for as long as the course lives
        self.seconds, self.cpu_seconds, self.n_pairs, self.n_steps = 0.0, 0.0, 0, 0
        self._trainer = _trainer(recipe, self.student, start)
        self._trainer.create_optimizer()
        self._trainer.current_gradient_accumulation_steps = (
            1  # as train() sets it, whose loop is taken apart here
        )
        self._batches = self._endless()

    def _endless(self) -> Iterator[BitextBatch]:
        loader = self._trainer.get_train_dataloader()
        while True:
            yield from loader

    def advance(self, steps: int) -> tuple[float, float]:
        """Take steps, and give the pairs per second and per CPU second of these."""
        self.student.train()
        before = self.n_pairs, self.seconds, self.cpu_seconds
        with flushed_denormals() if self.recipe.batched_transport else nullcontext():
            started, cpu_started = time.perf_counter(), time.process_time()
            for _ in range(steps):
                self.n_pairs += self._step()
                self.n_steps += 1
            self.seconds += time.perf_counter() - started
            self.cpu_seconds += time.process_time() - cpu_started
        n_pairs = self.n_pairs - before[0]
        return n_pairs / (self.seconds - before[1]), n_pairs / (self.cpu_seconds - before[2])

    def _step(self) -> int:
        trainer = self._trainer
        inputs = next(self._batches)
        n_pairs = len(inputs.pairs)
        for group in trainer.optimizer.param_groups:  # a tenth of 40 steps to the peak, then level
            group.setdefault("peak", group["lr"])
            group["lr"] = group["peak"] * min(1.0, (self.n_steps + 1) / 5)
        with trainer.accelerator.autocast():  # train() wraps the model in it
            trainer.training_step(self.student, inputs)
        torch.nn.utils.clip_grad_norm_(self.student.parameters(), 1.0)
        trainer.optimizer.step()
        self.student.zero_grad(set_to_none=True)
        return n_pairs


def _trainer(recipe: Recipe, student: MultiVectorEncoder, start: Start) -> StudentTrainer:
    english, foreign = [p.english for p in start.pairs], [p.foreign for p in start.pairs]
    cache = TeacherCache(default_cache_folder(), start.teacher, bfloat16=recipe.bfloat16)
    collator = BitextCollator(
        preprocess_fn=student.preprocess, texts=foreign, prompt=student.prompts.get("query"),
        teacher_tokens=start.tokens if recipe.cached_teacher else LiveTokens(cache, english),
    )  # fmt: skip
    transport = TransportConfig() if recipe.batched_transport else TransportConfig(solver="exact")
    table = transformer_of(student, "query").model.get_input_embeddings().weight
    embeddings = next(name for name, parameter in student.named_parameters() if parameter is table)
    n_runs = Optimisations().length_runs if recipe.length_runs else 1
    ids = transformer_of(student, "query").tokenizer(foreign, truncation=True)["input_ids"]
    sampler = LengthBuckets(
        np.array([len(text) for text in ids]), np.ones(len(ids)), batch_size=BATCH_SIZE, seed=0,
        n_runs=n_runs if recipe.length_runs else 0,
    )  # fmt: skip
    terms = {"optical": (objectives(transport, 0.05)["optical"], 1.0)}
    return StudentTrainer(
        sampler=sampler, schedule=Schedule(parse_stages("optical"), [terms], steps=1_000_000),
        model=student,
        args=StudentArguments(
            student_device="cpu", output_dir="unused", per_device_train_batch_size=BATCH_SIZE, bf16=recipe.bfloat16,
            learning_rate=RATES[0], learning_rate_mapping={re.escape(embeddings): RATES[1]},
            optim="adamw_torch_fused" if recipe.fused_adamw else "adamw_torch", adam_beta2=0.98,
            report_to="none", disable_tqdm=True, save_strategy="no",
        ),
        train_dataset=Dataset.from_dict({"pair": np.arange(len(foreign))}),
        loss=DistillationLoss(student, n_runs=n_runs),
        data_collator=collator,
    )  # fmt: skip


def validation_loss(course: Course, held_out: Start) -> float:
    """Transport cost of pairs that nobody learned from, by exact plans and in float32, whatever the recipe."""
    student = course.student.eval()
    collator = BitextCollator(
        preprocess_fn=student.preprocess, texts=[p.foreign for p in held_out.pairs],
        teacher_tokens=held_out.tokens, prompt=student.prompts.get("query"),
    )  # fmt: skip
    moment = Moment({"optical": (objectives(TransportConfig(solver="exact"), 0.05)["optical"], 1.0)})
    loss, losses = DistillationLoss(student), []
    for first in range(0, len(held_out.pairs), BATCH_SIZE):
        numbers = range(first, min(first + BATCH_SIZE, len(held_out.pairs)))
        inputs = collator([{"pair": number} for number in numbers])
        with torch.no_grad():
            losses += [loss(inputs, moment)["optical"].item()] * len(numbers)
    return statistics.fmean(losses)


def set_up(pairs: Sequence[SentencePair], n_held_out: int) -> tuple[Start, Start]:
    """Teacher, student and teacher's vectors, for the pairs to learn from and for those held out."""
    chosen = np.random.default_rng(0).permutation(len(pairs))
    held_out, kept = ([pairs[n] for n in part] for part in np.split(chosen, [n_held_out]))
    teacher = load_model("minilm")
    student = new_student(teacher, vocabulary_for(teacher, kept, VocabularyConfig()))
    for module in student.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    used = used_tokens(student, PairTable(pairs), both_sides=False)
    cache = TeacherCache(default_cache_folder(), teacher, name="minilm")
    return tuple(
        Start(teacher, student, part, cache.encode([pair.english for pair in part]), used)
        for part in (kept, held_out)
    )


def race(start: Start, held_out: Start, *, steps: int, block: int) -> dict[str, Any]:
    """The default against the plain loop, to the same validation loss."""
    default, plain = Course(DEFAULT, start), Course(PLAIN, start)
    losses: dict[int, float] = {0: validation_loss(plain, held_out)}
    for _ in range(0, steps, block):
        default.advance(block)
        plain.advance(block)
        losses[plain.n_steps] = validation_loss(plain, held_out)
    target = validation_loss(default, held_out)
    while losses[plain.n_steps] > target and plain.n_steps < 2 * steps:
        plain.advance(block)
        losses[plain.n_steps] = validation_loss(plain, held_out)
    enough = _step_of_loss(losses, target)
    rows = [
        {"loop": name, "steps": course.n_steps, "pairs/s": course.n_pairs / course.seconds,
         "pairs/CPU s": course.n_pairs / course.cpu_seconds, "s/step": course.seconds / course.n_steps,
         "validation": loss}
        for name, course, loss in (
            ("default", default, target), ("plain", plain, losses[plain.n_steps])
        )
    ]  # fmt: skip
    print_table(rows)
    print(f"validation loss of both at the start {losses[0]:.4f}; plain after each block: "
          + " ".join(f"{loss:.4f}" for loss in losses.values()), flush=True)  # fmt: skip
    answer = {"T1": rows[0]["pairs/s"] / rows[1]["pairs/s"],
              "T1_cpu": rows[0]["pairs/CPU s"] / rows[1]["pairs/CPU s"]}  # fmt: skip
    steps_ratio = None if enough is None else enough / steps
    return {
        **answer, "same_loss": steps_ratio and answer["T1"] * steps_ratio,
        "same_loss_cpu": steps_ratio and answer["T1_cpu"] * steps_ratio,
    }  # fmt: skip


def _step_of_loss(losses: dict[int, float], target: float) -> float | None:
    """The step, with its fraction, at which the loss came down to the target; None where it never did."""
    for (before, higher), (after, lower) in pairwise(losses.items()):
        if lower <= target <= higher:
            return before + (after - before) * (higher - target) / (higher - lower)
    return None


def ladder(start: Start, *, steps: int, rounds: int) -> None:
    """Pairs per second with each lever switched off alone."""
    recipes = {"default": DEFAULT} | {f"without {name}": replace(DEFAULT, **{name: False}) for name in LEVERS}
    courses = {name: Course(recipe, start) for name, recipe in recipes.items()}
    for course in courses.values():
        course.advance(1)
    speeds: dict[str, list[tuple[float, float]]] = {name: [] for name in courses}
    for _ in range(rounds):
        for name, course in courses.items():
            speeds[name].append(course.advance(steps))
    medians = {name: np.median(values, axis=0).tolist() for name, values in speeds.items()}
    print_table([
        {"recipe": name, "pairs/s": wall, "pairs/CPU s": cpu, "default is faster by": medians["default"][0] / wall,
         "by CPU": medians["default"][1] / cpu}
        for name, (wall, cpu) in medians.items()
    ])  # fmt: skip


def main() -> None:
    """Race, ladder, and one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--bitext", type=Path, help="default: the packaged sample of the language")
    parser.add_argument("--language", default="hau")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--block", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--held-out", type=int, default=128)
    arguments = parser.parse_args()
    quieten()
    torch.manual_seed(0)
    path = arguments.bitext or bitext_path(arguments.language)
    pairs = list(read_bitext(path, language=arguments.language))
    start, held_out = set_up(pairs, arguments.held_out)
    where = environment(("torch", "sentence-transformers", "transformers", "POT", "numba"))
    print(f"{where['machine']}, {torch.get_num_threads()} threads, {len(start.pairs)} pairs of {path.name}\n")
    answer = race(start, held_out, steps=arguments.steps, block=arguments.block)
    ladder(start, steps=arguments.block, rounds=arguments.rounds)
    print_answer({**answer, **where})


if __name__ == "__main__":
    main()
