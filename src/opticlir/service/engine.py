"""One English index and the models that read questions: everything the service answers, without HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import numpy as np

from opticlir.data.normalisation import normalise_typed
from opticlir.encoder import encode_documents, encode_queries
from opticlir.errors import DeadlineError, OpticlirError, SettingsError
from opticlir.pictures import align_texts
from opticlir.progress import Check, never
from opticlir.records import Translation
from opticlir.search import Hits, Ranking
from opticlir.search.language_routes import AUTO, Route
from opticlir.search.question_models import load_models
from opticlir.service.answers import (
    AlignAnswer,
    EmbedAnswer,
    ExplanationAnswer,
    RerankAnswer,
    RerankedText,
    SearchAnswer,
)
from opticlir.service.from_search import explanation_answer, search_answer
from opticlir.service.live_index import CHUNK, LiveIndex, OpenedIndex
from opticlir.service.models import ServedModel
from opticlir.service.word_similarities import WordSimilarities, word_similarities
from opticlir.translation import QuestionTranslator, question_translators


@dataclass(frozen=True, slots=True)
class Question:
    """One question, with what is asked of its answer; see `SearchEngine.search`."""

    text: str
    language: str = AUTO
    k: int = 10
    ranking: Ranking = "hybrid"
    explain: bool = False
    model: str | None = None
    filter: str | None = None


class SearchEngine(LiveIndex):
    """Answers questions in the languages of its models over one index. Threads may share it.

    `open` makes one. Each answer comes from one version of the index, even while a new one is published.

    Example:
        `engine = SearchEngine.open("index", ["swahili", "hausa"])`, then `engine.search("Maji salama ni yapi?")`
    """

    def __init__(
        self, index: Path, models: Sequence[ServedModel], translators: Sequence[QuestionTranslator] = ()
    ) -> None:
        super().__init__(index, models)
        self.translators = {each.language: each for each in translators}
        """By the code of their language."""
        self.languages = tuple(language for model in models for language in model.languages)
        """In the order of the models. A language that two models read is in it twice; `auto` takes the first."""
        known = [each.code for each in self.languages]
        if unread := self.translators.keys() - set(known):
            raise SettingsError(
                f"a translator is for {min(unread)!r}, which no model reads: expected one of {', '.join(known)}"
            )
        _ = self._routes.detector  # learned now, not at the first question

    @classmethod
    def open(
        cls,
        index: Path | str,
        models: Sequence[Path | str],
        *,
        translators: Sequence[str] = (),
        device: str = "auto",
    ) -> "SearchEngine":
        """Open an index with the models that read questions.

        Args:
            index: the index folder.
            models: trained models, language packs, or names for `load_model`, which read English questions.
            translators: machine translators of questions; see `question_translator`.
            device: where the models compute; see `choose_device`.

        Raises:
            ArtefactError: the index or a model is missing or damaged, or another document encoder built the index.
            SettingsError: no model is given, two have the same name, or a translator is for a language without one.
            SetupError: the program of a translator is not installed.
        """
        translating = question_translators(translators).values()
        return cls(Path(index), load_models(models, ServedModel, device=device), tuple(translating))

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models."""
        return tuple(self._routes.models)

    @property
    def served(self) -> tuple[ServedModel, ...]:
        """The models themselves."""
        return self._served

    def detect(self, text: str) -> str:
        """Return the most probable language of a text among those of the models; the first one if no word decides."""
        return self._routes.detect(text)

    def search(
        self,
        text: str,
        *,
        language: str = AUTO,
        k: int = 10,
        ranking: Ranking = "hybrid",
        explain: bool = False,
        model: str | None = None,
        filter: str | None = None,  # noqa: A002 - the word of the field
    ) -> SearchAnswer:
        """Answer one question.

        Args:
            text: the question.
            language: its code in any form, or `auto`.
            k: number of hits, >= 1.
            ranking: `hybrid`, `dense` or `bm25`.
            explain: say of each hit why it was found.
            model: name of the model that reads it; None takes the first model of the language.
            filter: which documents may be found; see `Retriever.search`.

        Raises:
            DataError: the question has no tokens.
            SettingsError: no model reads the language, the model has another name, or the filter does not fit.
        """
        (answer,) = self.search_many([Question(text, language, k, ranking, explain, model, filter)])
        if isinstance(answer, OpticlirError):
            raise answer
        return answer

    def translate(self, text: str, language: str = AUTO, model: str | None = None) -> Translation | None:
        """Translate a question into English; None where there is no translator from its language.

        Arguments are those of `search`.

        Raises:
            SettingsError: as `search`.
            SetupError: the translator fails or takes too long.
        """
        translator = self.translators.get(self._routes.choose(text, language, model).code)
        return translator.translate(normalise_typed(text)) if translator else None

    def search_many(
        self, questions: Sequence[Question], check: Check = never
    ) -> list[SearchAnswer | OpticlirError]:
        """Answer questions together, which is faster than one by one.

        Args:
            questions: in any mixture of languages.
            check: see `Check`.

        Returns:
            For each its answer, or the error that `search` raises.

        Raises:
            DeadlineError: by `check`.
        """
        begin, opened = perf_counter(), self.opened
        answers: dict[int, SearchAnswer | OpticlirError] = {}
        groups: dict[tuple[Any, ...], list[tuple[int, Question, Route[ServedModel]]]] = {}
        for place, asked in enumerate(questions):
            try:
                route = self._routes.choose(asked.text, asked.language, asked.model)
            except OpticlirError as error:
                answers[place] = error
            else:
                key = (route.model.name, asked.k, asked.ranking, asked.explain, asked.filter)
                groups.setdefault(key, []).append((place, asked, route))
        for group in groups.values():
            found = self._found(opened, [asked for _, asked, _ in group], group[0][2].model, check)
            took_ms = 1000 * (perf_counter() - begin)
            for (place, _, route), hits in zip(group, found, strict=True):
                answers[place] = (
                    hits if isinstance(hits, OpticlirError)
                    else search_answer(
                        hits, language=route.code, detected=route.is_detected, model=route.model.name,
                        index_version=opened.version, took_ms=took_ms, table=route.model.translations,
                    )
                )  # fmt: skip
        return [answers[place] for place in range(len(questions))]

    def _found(
        self, opened: OpenedIndex, group: Sequence[Question], served: ServedModel, check: Check
    ) -> list[Hits | OpticlirError]:
        """Search for questions that differ in their text only; if one of them is at fault, for each by itself."""
        check()
        first, retriever = group[0], opened.retrievers[served.name]
        try:
            with served.lock:
                return list(
                    retriever.search_many(
                        [asked.text for asked in group], first.k, first.ranking,
                        filter=first.filter, explain=first.explain, check=check,
                    )
                )  # fmt: skip
        except DeadlineError:
            raise
        except OpticlirError as error:
            if len(group) == 1:
                return [error]
            return [each for asked in group for each in self._found(opened, [asked], served, check)]

    def explain(
        self, text: str, doc_id: str, *, language: str = AUTO, model: str | None = None
    ) -> ExplanationAnswer:
        """Say why a document answers a question, found or not; arguments and errors as `search`.

        Raises:
            DataError: the index has no such document.
        """
        served = self._routes.choose(text, language, model).model
        with served.lock:
            found = self.opened.retrievers[served.name].explain(text, doc_id)
        return explanation_answer(found, served.translations)

    def word_similarities(
        self, query: str, text: str, language: str = AUTO, *, model: str | None = None
    ) -> WordSimilarities:
        """Compare every word of a question with every word of an English text; arguments and errors as `search`."""
        served = self._routes.choose(query, language, model).model
        with served.lock:
            return word_similarities(served.encoder, normalise_typed(query), text)

    def rerank(
        self,
        query: str,
        texts: Sequence[str],
        language: str = AUTO,
        *,
        model: str | None = None,
        check: Check = never,
    ) -> RerankAnswer:
        """Order English texts by how well they answer a question; arguments and errors as `search`."""
        chosen = self._routes.choose(query, language, model)
        served = chosen.model
        retriever, found = self.opened.retrievers[served.name], []
        for start in range(0, len(texts), CHUNK):
            check()
            with served.lock:
                hits = retriever.rerank(query, list(texts[start : start + CHUNK]))
            for hit in hits:
                place = start + int(hit.doc_id)
                found.append(RerankedText(place, max(0.0, min(1.0, hit.score)), texts[place]))
        found.sort(key=lambda text: (-text.score, text.index))
        return RerankAnswer(
            normalise_typed(query), chosen.code, chosen.is_detected, served.name, tuple(found)
        )

    def align(self, query: str, text: str, language: str = AUTO, *, model: str | None = None) -> AlignAnswer:
        """Align the tokens of a question with those of an English text; arguments and errors as `search`."""
        chosen = self._routes.choose(query, language, model)
        served = chosen.model
        with served.lock:
            found = align_texts(self.opened.retrievers[served.name].model, query, text)
        plan = tuple(map(tuple, found.plan.tolist()))
        return AlignAnswer(
            chosen.code,
            chosen.is_detected,
            served.name,
            found.foreign,
            found.english,
            plan,
            found.cost,
            found.is_cut,
        )

    def embed(
        self,
        texts: Sequence[str],
        language: str = AUTO,
        route: Literal["query", "document"] = "query",
        *,
        model: str | None = None,
        check: Check = never,
    ) -> EmbedAnswer:
        """Encode texts.

        Args:
            texts: questions, or English documents.
            language: as of `search`.
            route: `query` reads questions, `document` English texts.
            model: as of `search`.
            check: see `Check`.

        Raises:
            SettingsError: as `search`.
        """
        chosen = self._routes.choose(" ".join(texts), language, model)
        served = chosen.model
        normal = [normalise_typed(text) for text in texts]
        encoder = self.opened.retrievers[served.name].model
        encode = encode_queries if route == "query" else encode_documents
        vectors: list[np.ndarray] = []
        for start in range(0, len(normal), CHUNK):
            check()
            with served.lock:
                vectors.extend(encode(encoder, normal[start : start + CHUNK]))
        return EmbedAnswer(chosen.code, chosen.is_detected, served.name, tuple(vectors))

    def stats(self) -> dict[str, Any]:
        """Facts about the index and the models."""
        opened = self.opened
        return {
            "index": {
                "version": opened.version, "dim": opened.index.dim, "fields": opened.index.field_kinds,
                **opened.index.counts,
            },
            "models": [{"name": each.name, "languages": list(each.codes)} for each in self._served],
            "translators": [{"name": each.name, "language": code} for code, each in self.translators.items()],
        }  # fmt: skip
