"""Systems that answer the queries of a test collection: the protocol, and the systems without translation.

A system has two methods. `content` returns all that decides its answers, as plain values. Two systems with equal
content are one system, and what it learned is stored under this content. `prepare` trains or loads what the system
needs. It returns a `PreparedSystem`, whose `rank` ranks documents for queries. A trained student, an encoder without
training, a translation pipeline and a run file are systems.
"""

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
class RunsDone:
    """Number of runs of a study that are done, and the last one."""

    done: int
    total: int
    run: str


OnEvent: TypeAlias = Callable[[TrainingEvent | RunsDone], None]
"""Receives the events of a training, and the progress of the study."""


class StudyStoppedError(OpticlirError):
    """SIGTERM came: the same command resumes."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a study run asks of a system."""

    task: RetrievalTask
    ranking: Ranking
    depth: int
    """Documents per query."""


@dataclass(frozen=True, kw_only=True)
class PreparedSystem:
    """A system that is ready to answer."""

    rank: Callable[[Sequence[Query]], Run]
    """Ranks the documents of the task for its queries, with query noise or without."""
    counts: dict[str, int]
    """Sentence `pairs` for learning, training `steps`, `parameters` of the query encoder, if known."""
    model: MultiVectorEncoder | None = None
    """The encoder, if its vector space can be measured."""
    learned: Path | None = None
    """Folder of a trained model, or None."""


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """Where systems store what they learn, and their progress callback."""

    out: Path
    on_event: OnEvent

    def model_folder(self, content: dict[str, Any], *makers: Any) -> Path:
        """Return the folder for a model that is learned from this content. All runs that need it share it.

        Args:
            content: the inputs, as plain values.
            makers: functions and classes that learn from it (see `storage.made_by`).
        """
        folder = self.out / "models" / key_of({**content, "made_by": made_by(*makers, *LIBRARIES)})
        with refusals_named(folder):
            make_folders(folder)
        return folder

    def progress(self, name: str, done: int, total: int) -> None:
        """Report progress, as `opticlir.progress.Progress`."""
        self.on_event(WorkDone(name, done, total))


@runtime_checkable
class System(Protocol):
    """Answers the queries of a test collection."""

    def content(self) -> dict[str, Any]:
        """Return all that decides its answers, as plain values (checksums of files, settings)."""
        ...

    @property
    def takes_query_noise(self) -> bool:
        """Whether it can rank changed queries. A run file cannot."""
        ...

    def prepare(self, request: Request, workspace: Workspace) -> PreparedSystem:
        """Train or load what is needed.

        Args:
            request: test collection, ranking and depth.
            workspace: where to store what is learned, and the progress callback.

        Raises:
            LockedError: another process trains the same model.
            StudyStoppedError: SIGTERM came during training.
            OpticlirError: the system cannot answer.
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
        """Return checksums, weights and the language."""
        return bitext_content(self.data, self.arguments, self.language)

    def read(self) -> list[SentencePair]:
        """Read all pairs. Raises DataError."""
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
    takes_query_noise: ClassVar[bool] = True

    def content(self) -> dict[str, Any]:
        """Return all settings, the bitext, the initial encoders, and the files that settings name."""
        settings = json.loads(json.dumps(asdict(self.config)))
        encoders = [encoder_content(name) for name in (self.config.teacher, self.config.student) if name]
        dictionary = self.config.code_switching.dictionary
        files = [file_content(Path(dictionary))] if dictionary else []
        return {"train": settings, "bitext": self.bitext.content(), "encoders": encoders, "files": files}

    def prepare(self, request: Request, workspace: Workspace) -> PreparedSystem:
        """Train the student, or load it if it is finished."""
        content = self.content()
        folder = workspace.model_folder(content, Student, "opticlir.lab.training")
        with exclusive_lock(folder / "model"):
            pairs = self.bitext.read()
            inputs = {f"bitext {number}": checksum for number, (checksum, *_) in enumerate(content["bitext"])}
            outcome = distil(self.config, pairs, folder / "model", inputs=inputs, on_event=workspace.on_event)
        if not outcome.is_finished:
            raise StudyStoppedError(
                "the study was stopped; run the same command to resume from the last checkpoint"
            )
        model = load_model(folder / "model")
        counts = {"pairs": len(pairs), "steps": outcome.steps, "parameters": query_parameters(model)}
        return PreparedSystem(
            rank=ranker(model, request, workspace), counts=counts, model=model, learned=folder
        )


@dataclass(frozen=True, kw_only=True)
class ZeroShot:
    """An encoder without training."""

    model: str
    takes_query_noise: ClassVar[bool] = True

    def content(self) -> dict[str, Any]:
        """Return the encoder."""
        return {"model": encoder_content(self.model)}

    def prepare(self, request: Request, workspace: Workspace) -> PreparedSystem:
        """Load the encoder."""
        model = load_model(self.model)
        return PreparedSystem(
            rank=ranker(model, request, workspace),
            counts={"parameters": query_parameters(model)},
            model=model,
        )


@dataclass(frozen=True, kw_only=True)
class RunFile:
    """A run file that was made elsewhere."""

    path: Path
    takes_query_noise: ClassVar[bool] = False

    def content(self) -> dict[str, Any]:
        """Return the file."""
        return {"run": file_content(self.path)}

    def prepare(self, request: Request, workspace: Workspace) -> PreparedSystem:  # noqa: ARG002 - nothing to train
        """Read the file."""
        found = read_run(self.path)
        asked = {query.query_id for query in request.task.queries}
        if missing := asked - found.keys():
            raise DataError(
                f"{self.path} lacks {len(missing)} of {len(asked)} questions of {request.task.name}, such as "
                f"{min(missing)!r}"
            )
        run = cut_ranking(found, request.depth)
        return PreparedSystem(
            rank=lambda queries: {query.query_id: run[query.query_id] for query in queries}, counts={}
        )


def query_parameters(model: MultiVectorEncoder) -> int:
    """Return the number of weights of the query encoder."""
    return sum(
        parameter.numel() for module in route_modules(model, "query") for parameter in module.parameters()
    )


def ranker(
    model: MultiVectorEncoder, request: Request, workspace: Workspace
) -> Callable[[Sequence[Query]], Run]:
    """Return a function that encodes and searches. Models with the same document encoder share one index."""

    def rank(queries: Sequence[Query]) -> Run:
        retriever = cached_retriever(
            request.task.documents, model, default_cache_folder(), workspace.progress
        )
        return retriever.rank(queries, request.depth, request.ranking, progress=workspace.progress)

    return rank
