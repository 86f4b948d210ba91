"""What answers the questions of a cell by way of English: translators, structured queries, people."""

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
from opticlir.lab.rivals import (
    Apertium,
    Dictionary,
    StructuredQueries,
    Translator,
    WordTable,
    translate_queries,
)
from opticlir.lab.studies.contents import encoder_content, file_content
from opticlir.lab.studies.systems import Bitext, Prepared, Question, Workshop, query_parameters, ranker
from opticlir.records import Query, QueryId, RetrievalTask, Run
from opticlir.storage import exclusive_lock, write_text_atomically


def without_english(task: RetrievalTask) -> list[QueryId]:
    """Questions that nobody put in English."""
    english = {query.query_id for query in task.english_queries}
    return [query.query_id for query in task.queries if query.query_id not in english]


@dataclass(frozen=True, kw_only=True)
class HumanEnglish:
    """The questions as people put them in English: the ceiling of everything that goes through the teacher."""

    teacher: str
    answers_other_words: ClassVar[bool] = False

    def content(self) -> dict[str, Any]:
        """The teacher."""
        return {"human": encoder_content(self.teacher)}

    def prepare(self, question: Question, workshop: Workshop) -> Prepared:
        """Load the teacher."""
        english = {query.query_id: query for query in question.task.english_queries}
        if missing := without_english(question.task):
            raise DataError(f"{question.task.name} has no English form of {len(missing)} questions")
        model = load_model(self.teacher)
        rank = ranker(model, question, workshop)
        return Prepared(
            rank=lambda queries: rank([english[query.query_id] for query in queries]),
            facts={"parameters": query_parameters(model)},
        )


@dataclass(frozen=True, kw_only=True)
class Translation:
    """The questions in English by a translator, then the English teacher, or BM25 of the English words."""

    by: str
    """`word-table`, `dictionary`, `apertium`, `nmt` or `seq2seq`."""
    teacher: str
    bitext: Bitext
    minutes: float = 15.0
    """Of the training of `nmt`."""
    seed: int = 0
    """Of `nmt`."""
    dictionary: tuple[Path, ...] = ()
    pair: str = ""
    """Of Apertium."""
    model: str = ""
    """Of `seq2seq`."""
    codes: tuple[str | None, str | None] = (None, None)
    """Source and target language in the model of `seq2seq`."""
    answers_other_words: ClassVar[bool] = True

    def content(self) -> dict[str, Any]:
        """The translator's own inputs, and the teacher."""
        decides: dict[str, Callable[[], Any]] = {
            "word-table": self.bitext.content,
            "nmt": lambda: [self.bitext.content(), self.minutes, self.seed],
            "dictionary": lambda: [file_content(path) for path in self.dictionary],
            "apertium": lambda: self.pair,
            "seq2seq": lambda: [encoder_content(self.model), *self.codes],
        }
        return {"translate": self.by, "of": decides[self.by](), "teacher": encoder_content(self.teacher)}

    def prepare(self, question: Question, workshop: Workshop) -> Prepared:
        """Learn to translate, or load what can; translations are kept."""
        decides = self.content()
        content = {name: decides[name] for name in ("translate", "of")}
        folder = workshop.model_folder(content, Translation, "opticlir.lab.rivals")
        with exclusive_lock(folder / "translator"):
            translator, facts = self._translator(folder, workshop)
        teacher = load_model(self.teacher)
        rank = ranker(teacher, question, workshop)

        def translate_and_rank(queries: Sequence[Query]) -> Run:
            texts = key_of({"texts": [[query.query_id, query.text] for query in queries]})
            return rank(
                translate_queries(
                    queries, translator, folder / f"{texts}.tsv",
                    lambda done, total: workshop.progress("translating", done, total),
                )
            )  # fmt: skip

        return Prepared(rank=translate_and_rank, facts=facts, learned=folder)

    def _translator(self, folder: Path, workshop: Workshop) -> tuple[Translator, dict[str, int]]:
        if self.by == "word-table":
            pairs = self.bitext.read()
            return WordTable.learn(pairs), {"pairs": len(pairs)}
        if self.by == "nmt":
            return self._neural(folder, workshop)
        if self.by == "dictionary":
            return Dictionary.read(self.dictionary), {}
        if self.by == "apertium":
            return Apertium(self.pair), {}
        from opticlir.lab.rivals.neural import load_neural_translator  # noqa: PLC0415 - heavy

        source, target = self.codes
        model = Path(self.model)
        parameters = saved_parameters(model)
        facts = {"parameters": parameters} if parameters else {}
        return load_neural_translator(model, source=source, target=target), facts

    def _neural(self, folder: Path, workshop: Workshop) -> tuple[Translator, dict[str, int]]:
        """Train a translator from the bitext alone, or take the one that stands."""
        from opticlir.lab.rivals.nmt import NmtConfig, train_translator  # noqa: PLC0415 - heavy
        from opticlir.lab.rivals.seq2seq import Seq2Seq  # noqa: PLC0415

        pairs, model, record = self.bitext.read(), folder / "model", folder / "steps.json"
        if not model.exists():
            steps = train_translator(
                pairs,
                model,
                NmtConfig(minutes=self.minutes, seed=self.seed),
                lambda done, total: workshop.progress("training a translator", done, total),
            )
            write_text_atomically(record, json.dumps(steps) + "\n")
        facts = {"pairs": len(pairs), "parameters": saved_parameters(model)}
        if record.exists():  # absent where the process was killed right after the model stood
            facts["steps"] = json.loads(record.read_text(encoding="utf-8"))
        return Seq2Seq(model), facts


@dataclass(frozen=True, kw_only=True)
class Structured:
    """Probabilistic structured queries over BM25, with the word table of the bitext."""

    bitext: Bitext
    answers_other_words: ClassVar[bool] = True

    def content(self) -> dict[str, Any]:
        """The bitext."""
        return {"structured": self.bitext.content()}

    def prepare(self, question: Question, workshop: Workshop) -> Prepared:  # noqa: ARG002 - nothing is kept
        """Learn the table."""
        pairs = self.bitext.read()
        searcher = StructuredQueries(question.task.documents, WordTable.learn(pairs))
        return Prepared(
            rank=lambda queries: searcher.rank(queries, depth=question.depth), facts={"pairs": len(pairs)}
        )


def saved_parameters(folder: Path) -> int:
    """Number of weights in the safetensors files of a folder, from their headers; 0 where there is none."""
    total = 0
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(str(path), framework="numpy") as weights:
            total += sum(math.prod(weights.get_slice(name).get_shape()) for name in weights.keys())  # noqa: SIM118
    return total
