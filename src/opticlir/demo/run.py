"""Runs the demo: trains a query encoder per language on the sample, with one English index for all."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from sentence_transformers import MultiVectorEncoder

from opticlir.benchmark import run_benchmark
from opticlir.data import read_beir, read_bitext
from opticlir.demo.result import DemoHit, DemoResult, Row, WorkedSearch
from opticlir.encoder import load_model
from opticlir.errors import OpticlirError
from opticlir.languages import language_name
from opticlir.manifest import environment
from opticlir.pictures import align_texts
from opticlir.records import RetrievalTask, Run
from opticlir.sample import LANGUAGES, bitext_path, sample_folder
from opticlir.search import Ranking
from opticlir.storage import sha256_file
from opticlir.training import TrainConfig, TrainingEvent, distil
from opticlir.training.events import StageStarted, WorkDone
from opticlir.training.run_folder import RunFolder

OnEvent = Callable[[TrainingEvent, str], None]
"""Receives events, and the language that they belong to."""


def _silent(event: TrainingEvent, language: str) -> None:
    """Ignore an event."""


MEASURES = ("AP", "nDCG@10")
_N_SEARCHES = 3
_N_HITS = 3


@dataclass(frozen=True, kw_only=True)
class DemoConfig:
    """The settings of `opticlir demo`."""

    languages: tuple[str, ...] = LANGUAGES
    """Languages of the sample, ISO 639-3."""
    minutes: float | None = None
    """Time budget of the training steps of all languages together; None trains for `epochs`."""
    epochs: float = 4.0
    """Passes over each bitext, if no time is given."""
    seed: int = 0
    """Seed of the training."""
    teacher: str = "minilm"
    """The English encoder: `minilm`, `e5`, a folder or a hub name."""
    device: str = "auto"
    """Device of the models; see `choose_device`."""

    def __post_init__(self) -> None:
        if not self.languages:
            raise ValueError(f"no language: expected some of {', '.join(LANGUAGES)}")
        for language in self.languages:
            if language not in LANGUAGES:
                raise ValueError(f"the sample has no {language!r}: expected one of {', '.join(LANGUAGES)}")

    def training(self, language: str) -> TrainConfig:
        """Return the settings of the training of one language."""
        minutes = None if self.minutes is None else self.minutes / len(self.languages)
        return TrainConfig(
            language=language, teacher=self.teacher, seed=self.seed, checkpoint_steps=20, device=self.device,
            minutes=minutes, epochs=self.epochs if minutes is None else None,
        )  # fmt: skip


def run_demo(config: DemoConfig, out: Path, *, on_event: OnEvent = _silent) -> DemoResult:
    """Distil, index, search and measure on the sample.

    Finished trainings and the index in `out` are reused, and an unfinished training resumes.

    Args:
        config: languages, budget and seed.
        out: folder for a model per language, and for the index.
        on_event: called with each event.

    Raises:
        ArtefactError: `out` has trainings with other settings, or other content.
        SetupError: the embedded encoder is not installed.
        OpticlirError: SIGTERM stopped the training; call it again to resume.
    """
    started = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    searches: list[WorkedSearch] = []
    logs: dict[str, Sequence[Mapping[str, Any]]] = {}
    facts = {"teacher": config.teacher, "seed": str(config.seed)}
    for number, language in enumerate(config.languages):
        demo = _LanguageDemo(config, language, out, on_event)
        rows += [*demo.teacher_alone(), demo.initialised()]
        steps = demo.train()
        model = load_model(demo.folder, device=config.device)
        trained, run = demo.trained(model)
        rows += [*trained, demo.english_question()]
        wanted = range(number, _N_SEARCHES, len(config.languages))
        searches += [demo.worked_search(model, run, search) for search in wanted]
        logs[language] = RunFolder(demo.folder).read_log()
        facts |= {"passages": str(len(demo.task.documents)), "questions": str(len(demo.task.queries))}
        facts[language] = f"{len(demo.pairs)} sentence pairs, {steps} training steps"
    facts |= {"minutes of this call": f"{(time.monotonic() - started) / 60:.1f}"}
    facts |= {"threads": str(torch.get_num_threads()), **environment()}
    return DemoResult(rows=tuple(rows), searches=tuple(searches), logs=logs, facts=facts)


class _LanguageDemo:
    """The demo of one language. The cache in `out` finds the index by its content, so all languages share it."""

    def __init__(self, config: DemoConfig, language: str, out: Path, on_event: OnEvent) -> None:
        self.config = config.training(language)
        self.folder = out / language
        self.task: RetrievalTask = read_beir(sample_folder(), language, "test")
        self.pairs = list(read_bitext(bitext_path(language), language=language))
        self._out = out
        self._device = config.device
        self._on_event = on_event
        self._stage(f"{language_name(language)} ({language})")

    def teacher_alone(self) -> list[Row]:
        """Measure the English encoder and BM25 on the foreign questions, as if they were English."""
        means, _ = self._measure(load_model(self.config.teacher, device=self._device))
        return [
            self._row("teacher-alone", "dense", means["dense"]),
            self._row("bm25", "bm25", means["bm25"]),
        ]

    def english_question(self) -> Row:
        """Measure the English encoder on the English questions: the ceiling of a student."""
        means, _ = self._measure(load_model(self.config.teacher, device=self._device), english=True)
        return self._row("english-question", "dense", means["dense"])

    def initialised(self) -> Row:
        """Measure the student before training, when word alignment has initialised its new words."""
        self._stage("measuring the student before training")
        untrained = replace(self.config, epochs=0.0, minutes=None)
        with TemporaryDirectory(dir=self._out, prefix=".initialised-") as folder:
            self._distil(untrained, Path(folder) / "model")
            means, _ = self._measure(load_model(Path(folder) / "model", device=self._device))
        return self._row("initialised", "dense", means["dense"])

    def train(self) -> int:
        """Train, or load the finished training. Returns the number of steps."""
        self._stage("distilling")
        return self._distil(self.config, self.folder)

    def trained(self, model: MultiVectorEncoder) -> tuple[list[Row], Run]:
        """Measure the trained student by the default ranking and by vectors alone. Also returns the default run."""
        means, runs = self._measure(model)
        rankings: tuple[Ranking, ...] = ("hybrid", "dense")
        return [self._row("opticlir", ranking, means[ranking]) for ranking in rankings], runs["hybrid"]

    def worked_search(self, model: MultiVectorEncoder, run: Run, number: int) -> WorkedSearch:
        """Return question `number` of a few at even distances: they are not chosen by their results."""
        query = self.task.queries[number * len(self.task.queries) // _N_SEARCHES]
        english = next(each.text for each in self.task.english_queries if each.query_id == query.query_id)
        titles = {document.doc_id: document.title for document in self.task.documents}
        grades = self.task.qrels[query.query_id]
        found = list(run[query.query_id])[:_N_HITS]
        return WorkedSearch(
            language=query.language,
            question=query.text,
            english=english,
            hits=tuple(DemoHit(doc_id, titles[doc_id], grades.get(doc_id)) for doc_id in found),
            alignment=align_texts(model, query.text, english),
        )

    def _send(self, event: TrainingEvent) -> None:
        self._on_event(event, self.config.language)

    def _stage(self, name: str) -> None:
        self._send(StageStarted(name))

    def _distil(self, config: TrainConfig, folder: Path) -> int:
        inputs = {f"sample/{config.language}.tsv": sha256_file(bitext_path(config.language))}
        outcome = distil(config, self.pairs, folder, inputs=inputs, on_event=self._send)
        if not outcome.is_finished:
            raise OpticlirError("the training was stopped; run the same command to resume")
        return outcome.steps

    def _measure(
        self, model: MultiVectorEncoder, *, english: bool = False
    ) -> tuple[dict[Ranking, dict[str, float]], dict[Ranking, Run]]:
        def progress(name: str, done: int, total: int) -> None:
            if done:
                self._send(WorkDone(name, done, total))

        queries = self.task.english_queries if english else self.task.queries
        return run_benchmark(
            self.task, model, self._out, queries=queries, measures=MEASURES, progress=progress
        )

    def _row(self, system: str, ranking: Ranking, measures: dict[str, float]) -> Row:
        return Row(self.config.language, system, ranking, measures)
