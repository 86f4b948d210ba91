"""Systems that translate: translators, structured queries, and human translations."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from safetensors import safe_open

from opticlir.artefacts import key_of
from opticlir.encoder import load_model
from opticlir.errors import DataError
from opticlir.lab.rivals import StructuredQueries, translate_queries
from opticlir.lab.studies.contents import encoder_content, file_content
from opticlir.lab.studies.systems import Bitext, PreparedSystem, Request, Workspace, query_parameters, ranker
from opticlir.records import Query, QueryId, RetrievalTask, Run
from opticlir.storage import exclusive_lock, write_text_atomically
from opticlir.translation import Translator, WordTable, load_translator


def without_english(task: RetrievalTask) -> list[QueryId]:
    """Return the ids of the questions without an English form."""
    english = {query.query_id for query in task.english_queries}
    return [query.query_id for query in task.queries if query.query_id not in english]


@dataclass(frozen=True, kw_only=True)
class HumanEnglish:
    """The English questions that people wrote: the ceiling for all systems with this teacher."""

    teacher: str
    takes_query_noise: ClassVar[bool] = False

    def content(self) -> dict[str, Any]:
        """Return the teacher."""
        return {"human": encoder_content(self.teacher)}

    def prepare(self, request: Request, workspace: Workspace) -> PreparedSystem:
        """Load the teacher."""
        english = {query.query_id: query for query in request.task.english_queries}
        if missing := without_english(request.task):
            raise DataError(f"{request.task.name} has no English form of {len(missing)} questions")
        model = load_model(self.teacher)
        rank = ranker(model, request, workspace)
        return PreparedSystem(
            rank=lambda queries: rank([english[query.query_id] for query in queries]),
            counts={"parameters": query_parameters(model)},
        )


@dataclass(frozen=True, kw_only=True)
class Translation:
    """A translator, followed by the English teacher or BM25 of the English words."""

    by: str
    """`word-table`, `dictionary`, `apertium`, `nmt` or `seq2seq`."""
    teacher: str
    bitext: Bitext
    minutes: float = 15.0
    """Training budget of `nmt`."""
    seed: int = 0
    """Seed of `nmt`."""
    dictionary: tuple[Path, ...] = ()
    pair: str = ""
    """Language pair of Apertium."""
    model: str = ""
    """Model folder of `seq2seq`."""
    codes: tuple[str | None, str | None] = (None, None)
    """Codes of source and target language in the model of `seq2seq`."""
    takes_query_noise: ClassVar[bool] = True

    def content(self) -> dict[str, Any]:
        """Return the inputs of the translator, and the teacher."""
        decides: dict[str, Callable[[], Any]] = {
            "word-table": self.bitext.content,
            "nmt": lambda: [self.bitext.content(), self.minutes, self.seed],
            "dictionary": lambda: [file_content(path) for path in self.dictionary],
            "apertium": lambda: self.pair,
            "seq2seq": lambda: [encoder_content(self.model), *self.codes],
        }
        return {"translate": self.by, "of": decides[self.by](), "teacher": encoder_content(self.teacher)}

    def prepare(self, request: Request, workspace: Workspace) -> PreparedSystem:
        """Train or load the translator. Translations are kept in a file."""
        decides = self.content()
        content = {name: decides[name] for name in ("translate", "of")}
        folder = workspace.model_folder(content, Translation, "opticlir.lab.rivals", "opticlir.translation")
        with exclusive_lock(folder / "translator"):
            translator, counts = self._translator(folder, workspace)
        teacher = load_model(self.teacher)
        rank = ranker(teacher, request, workspace)

        def translate_and_rank(queries: Sequence[Query]) -> Run:
            texts = key_of({"texts": [[query.query_id, query.text] for query in queries]})
            return rank(translate_queries(queries, translator, folder / f"{texts}.tsv", workspace.progress))

        return PreparedSystem(rank=translate_and_rank, counts=counts, learned=folder)

    def _translator(self, folder: Path, workspace: Workspace) -> tuple[Translator, dict[str, int]]:
        if self.by == "nmt":
            return self._neural(folder, workspace)
        pairs = self.bitext.read() if self.by == "word-table" else []
        source, target = self.codes
        translator = load_translator(
            self.by, language=self.bitext.language, pairs=pairs, dictionary=self.dictionary, model=Path(self.model),
            source=source, target=target, pair=self.pair,
        )  # fmt: skip
        counts = {
            "pairs": len(pairs),
            "parameters": saved_parameters(Path(self.model)) if self.by == "seq2seq" else 0,
        }
        return translator, {name: count for name, count in counts.items() if count}

    def _neural(self, folder: Path, workspace: Workspace) -> tuple[Translator, dict[str, int]]:
        """Train a translator on the bitext, or load the finished one."""
        from opticlir.lab.rivals.nmt import NmtConfig, train_translator  # noqa: PLC0415 - heavy
        from opticlir.translation.neural import Seq2Seq  # noqa: PLC0415

        pairs, model, record = self.bitext.read(), folder / "model", folder / "steps.json"
        if not model.exists():
            steps = train_translator(
                pairs,
                model,
                NmtConfig(minutes=self.minutes, seed=self.seed),
                workspace.progress,
            )
            write_text_atomically(record, json.dumps(steps) + "\n")
        counts = {"pairs": len(pairs), "parameters": saved_parameters(model)}
        if record.exists():  # absent if the process was killed right after it wrote the model
            counts["steps"] = json.loads(record.read_text(encoding="utf-8"))
        return Seq2Seq(model), counts


@dataclass(frozen=True, kw_only=True)
class Structured:
    """Probabilistic structured queries over BM25, with the word table of the bitext."""

    bitext: Bitext
    takes_query_noise: ClassVar[bool] = True

    def content(self) -> dict[str, Any]:
        """Return the bitext."""
        return {"structured": self.bitext.content()}

    def prepare(self, request: Request, workspace: Workspace) -> PreparedSystem:  # noqa: ARG002 - nothing is kept
        """Learn the word table."""
        pairs = self.bitext.read()
        searcher = StructuredQueries(
            request.task.documents, WordTable.learn(pairs, language=self.bitext.language)
        )
        return PreparedSystem(
            rank=lambda queries: searcher.rank(queries, depth=request.depth), counts={"pairs": len(pairs)}
        )


def saved_parameters(folder: Path) -> int:
    """Return the number of weights in the safetensors files of a folder, from their headers; 0 without files."""
    total = 0
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(str(path), framework="numpy") as weights:
            total += sum(math.prod(weights.get_slice(name).get_shape()) for name in weights.keys())  # noqa: SIM118
    return total
