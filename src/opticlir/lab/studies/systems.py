"""What answers the questions of a cell: a trained student, an encoder as it is, or a run file."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeAlias, runtime_checkable

from sentence_transformers import MultiVectorEncoder

from opticlir.artefacts import default_cache_folder, key_of
from opticlir.benchmark import cached_retriever
from opticlir.data import read_bitext, read_run
from opticlir.encoder import load_model, route_modules
from opticlir.errors import DataError, OpticlirError
from opticlir.lab.studies.contents import (
    bitext_content,
    bitext_paths,
    encoder_content,
    file_content,
)
from opticlir.lab.studies.rankings import cut_ranking
from opticlir.lab.training import LabTrainConfig, distil
from opticlir.records import Query, RetrievalTask, Run, SentencePair
from opticlir.search import Ranking
from opticlir.storage import LIBRARIES, exclusive_lock, made_by
from opticlir.storage.filesystem import make_folders, refusals_named
from opticlir.training import TrainingEvent
from opticlir.training.events import WorkDone


@dataclass(frozen=True, slots=True)
class CellsDone:
    """How many cells of a study are done, and which comes next."""

    done: int
    total: int
    cell: str


OnEvent: TypeAlias = Callable[[TrainingEvent | CellsDone], None]


class StudyStoppedError(OpticlirError):
    """SIGTERM came: the same command goes on from there."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a system is asked in one cell."""

    task: RetrievalTask
    ranking: Ranking
    depth: int


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A system that is ready to answer."""

    rank: Callable[[Sequence[Query]], Run]
    """Ranks the documents of the task for its questions, as they are or perturbed."""
    facts: dict[str, int]
    """`pairs` it learned from, `steps` it took, `parameters` of what reads the question; where they are known."""
    model: MultiVectorEncoder | None = None
    """The encoder whose space may be measured; None where there is none of the question's language."""
    learned: Path | None = None
    """Folder of what was trained; None where nothing was."""


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """Where systems keep what they learn, and whom they tell."""

    out: Path
    on_event: OnEvent

    def model_folder(self, content: dict[str, Any], *makers: Any) -> Path:
        """Folder of what is learned from this content, shared by all cells that learn it.

        Args:
            content: the inputs, as plain values.
            makers: functions and classes that learn from it (see `storage.made_by`).
        """
        key = key_of({**content, "made_by": made_by(*makers, *LIBRARIES)})
        folder = self.out / "models" / key
        with refusals_named(folder):
            make_folders(folder)
        return folder

    def progress(self, name: str, done: int, total: int) -> None:
        """Tell how far some work is."""
        self.on_event(WorkDone(name, done, total))


@runtime_checkable
class System(Protocol):
    """Answers questions; known by the content of everything that decides its answers."""

    def content(self) -> dict[str, Any]:
        """What decides its answers, as plain values."""
        ...

    @property
    def answers_other_words(self) -> bool:
        """Whether it can be asked perturbed questions."""
        ...

    def prepare(self, question: Question, workshop: Workshop) -> Prepared:
        """Learn what is to be learned, and be ready.

        Raises:
            LockedError: another process learns the same at this moment.
            StudyStoppedError: SIGTERM came while it learned.
            OpticlirError: it cannot be done.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Bitext:
    """The sentence pairs of a language."""

    data: Path
    arguments: tuple[str, ...]
    """`FILE` or `FILE:WEIGHT`, relative to `data`."""
    language: str

    def content(self) -> list[list[Any]]:
        """Checksums, weights and the language."""
        return bitext_content(self.data, self.arguments, self.language)

    def read(self) -> list[SentencePair]:
        """All pairs. Raises DataError."""
        return [
            pair
            for path, weight in bitext_paths(self.data, self.arguments)
            for pair in read_bitext(path, language=self.language, weight=weight)
        ]


@dataclass(frozen=True, kw_only=True)
class Student:
    """A student that is trained for one language and seed."""

    config: LabTrainConfig
    bitext: Bitext
    answers_other_words: ClassVar[bool] = True

    def content(self) -> dict[str, Any]:
        """Every setting, the bitext, the encoders it begins with, and files that settings name."""
        settings = json.loads(json.dumps(asdict(self.config)))
        encoders = [encoder_content(name) for name in (self.config.teacher, self.config.student) if name]
        dictionary = self.config.code_switching.dictionary
        files = [file_content(Path(dictionary))] if dictionary else []
        return {"train": settings, "bitext": self.bitext.content(), "encoders": encoders, "files": files}

    def prepare(self, question: Question, workshop: Workshop) -> Prepared:
        """Train it, or take the one that stands."""
        content = self.content()
        folder = workshop.model_folder(content, Student, "opticlir.lab.training")
        with exclusive_lock(folder / "model"):
            pairs = self.bitext.read()
            inputs = {f"bitext {number}": checksum for number, (checksum, *_) in enumerate(content["bitext"])}
            outcome = distil(self.config, pairs, folder / "model", inputs=inputs, on_event=workshop.on_event)
        if not outcome.is_finished:
            raise StudyStoppedError(
                "the study was stopped; the same command goes on from the last checkpoint"
            )
        model = load_model(folder / "model")
        facts = {"pairs": len(pairs), "steps": outcome.steps, "parameters": query_parameters(model)}
        return Prepared(rank=ranker(model, question, workshop), facts=facts, model=model, learned=folder)


@dataclass(frozen=True, kw_only=True)
class ZeroShot:
    """An encoder as it is."""

    model: str
    answers_other_words: ClassVar[bool] = True

    def content(self) -> dict[str, Any]:
        """The encoder."""
        return {"model": encoder_content(self.model)}

    def prepare(self, question: Question, workshop: Workshop) -> Prepared:
        """Load it."""
        model = load_model(self.model)
        return Prepared(
            rank=ranker(model, question, workshop), facts={"parameters": query_parameters(model)}, model=model
        )


@dataclass(frozen=True, kw_only=True)
class RunFile:
    """A ranking that was made elsewhere."""

    path: Path
    answers_other_words: ClassVar[bool] = False

    def content(self) -> dict[str, Any]:
        """The file."""
        return {"run": file_content(self.path)}

    def prepare(self, question: Question, workshop: Workshop) -> Prepared:  # noqa: ARG002 - there is no work
        """Read it."""
        found = read_run(self.path)
        asked = {query.query_id for query in question.task.queries}
        if missing := asked - found.keys():
            raise DataError(
                f"{self.path} leaves out {len(missing)} of {len(asked)} questions of {question.task.name}, such as "
                f"{min(missing)!r}"
            )
        run = cut_ranking(found, question.depth)
        return Prepared(
            rank=lambda queries: {query.query_id: run[query.query_id] for query in queries}, facts={}
        )


def query_parameters(model: MultiVectorEncoder) -> int:
    """Number of weights of what encodes a query."""
    return sum(
        parameter.numel() for module in route_modules(model, "query") for parameter in module.parameters()
    )


def ranker(
    model: MultiVectorEncoder, question: Question, workshop: Workshop
) -> Callable[[Sequence[Query]], Run]:
    """Encode and search, over the one index that all models with this document side share."""

    def rank(queries: Sequence[Query]) -> Run:
        retriever = cached_retriever(
            question.task.documents, model, default_cache_folder(), workshop.progress
        )
        return retriever.rank(queries, question.depth, question.ranking, progress=workshop.progress)

    return rank
