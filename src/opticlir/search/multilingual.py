"""One index with several models: each question is read by the model of its language."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Generic

from opticlir.data.in_memory import QueryLike, queries_of
from opticlir.errors import SettingsError
from opticlir.progress import Progress, reporting
from opticlir.records import Query, Ranking, Run
from opticlir.search.exact import ExactIndex
from opticlir.search.explanation import Explanation
from opticlir.search.hits import Hits
from opticlir.search.hybrid import LEXICAL_WEIGHT
from opticlir.search.index import Index
from opticlir.search.language_routes import AUTO, LanguageRoutes, english_words
from opticlir.search.question_models import ENGLISH, ModelName, Q, QuestionModel, load_models
from opticlir.search.retriever import Retriever
from opticlir.search.scoring import check_query_ids
from opticlir.translation import QuestionTranslator

_UNKNOWN = "und"


class MultilingualRetriever(Generic[Q]):
    """Ranks the documents of an index for questions in the languages of several models. `open` makes one.

    Args:
        index: what is searched.
        models: that read the questions; all of them have the document encoder of the index.
        routes: of an earlier version of the index; None learns them from this one.
        lexical_weight: as for `Retriever`.

    Raises:
        ArtefactError: the index was built with another document encoder than that of a model.

    Example:
        `retriever = MultilingualRetriever.open("index", ["swahili", "hausa"])`, then
        `retriever.search("Maji salama ni yapi?").language` is `swa`.
    """

    def __init__(
        self,
        index: Index,
        models: Sequence[Q],
        *,
        routes: LanguageRoutes[Q] | None = None,
        lexical_weight: float = LEXICAL_WEIGHT,
    ) -> None:
        self.index = index
        self.retrievers = {
            model.name: Retriever(index, model.encoder, lexical_weight=lexical_weight) for model in models
        }
        """By the name of the model."""
        self.routes = routes or LanguageRoutes(models, lambda: english_words(index))
        """Choose the model of a question."""

    @classmethod
    def open(
        cls,
        folder: str | Path,
        models: Sequence[ModelName],
        *,
        device: str = "auto",
        weights_dtype: str = "auto",
        lexical_weight: float = LEXICAL_WEIGHT,
    ) -> "MultilingualRetriever[QuestionModel]":
        """Open an index with the models that read questions.

        Args:
            folder: the index.
            models: trained models, language packs, or names for `load_model`, which read English questions. Of two
                models for one language, the first one reads it.
            device: where the models compute; see `choose_device`.
            weights_dtype: number format of their weights; see `load_model`.
            lexical_weight: as for `Retriever`.

        Raises:
            ArtefactError: the index or a model is missing or damaged, or another document encoder built the index.
            SettingsError: no model is given, or two have the same name.
        """
        index = ExactIndex.open(Path(folder))
        loaded = load_models(models, QuestionModel, device=device, weights_dtype=weights_dtype)
        return MultilingualRetriever(index, loaded, lexical_weight=lexical_weight)

    def __len__(self) -> int:
        """Documents in the index."""
        return len(self.index)

    def __repr__(self) -> str:
        return f"MultilingualRetriever({len(self)} documents, languages={', '.join(self.languages)})"

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-3 codes of all languages, in the order of the models."""
        return tuple(dict.fromkeys(code for model in self.routes.models.values() for code in model.codes))

    def detect(self, text: str) -> str:
        """Return the most probable language of a text among those of the models; the first one if no word decides."""
        return self.routes.detect(text)

    def search(
        self,
        question: str,
        k: int = 10,
        ranking: Ranking = "hybrid",
        *,
        language: str = AUTO,
        filter: str | None = None,  # noqa: A002 - the word of the field
        exact: bool = False,
        explain: bool = False,
        translators: Mapping[str, QuestionTranslator] | None = None,
    ) -> Hits:
        """Answer one question.

        Args:
            question: in a language of the models.
            k: number of hits, >= 1.
            ranking: as for `Retriever.search`.
            language: of the question, any code; `auto` detects it.
            filter: as for `Retriever.search`.
            exact: as for `Retriever.search`.
            explain: as for `Retriever.search`.
            translators: by the code of their language. With them, the search is for the translation of the question.
                It is read by a model for English questions if there is one, else by the teacher. English questions
                stay as they are.

        Returns:
            As `Retriever.search`; `Hits.language` and `Hits.model` say how the question was read.

        Raises:
            SettingsError: no model or no translator reads the language, no model reads that of a translator, or the
                filter does not fit the fields.
            DataError: the question has no tokens.
            ArtefactError: as `Retriever.search`.
            SetupError: as `Retriever.search`.
        """
        route = self.routes.choose(question, language)
        reader, translator = self._reader(route.code, route.model.name, translators)
        hits = self.retrievers[reader].search(
            question, k, ranking, filter=filter, exact=exact, explain=explain, translator=translator
        )
        return replace(hits, language=route.code, model=reader)

    def rank(
        self,
        queries: Iterable[QueryLike] | Mapping[str, str],
        k: int = 1000,
        ranking: Ranking = "hybrid",
        *,
        filter: str | None = None,  # noqa: A002
        exact: bool = False,
        translators: Mapping[str, QuestionTranslator] | None = None,
        progress: Progress | bool = False,
    ) -> Run:
        """Answer many questions. The language of a `Query` counts; that of a query without one is detected.

        `translators` are those of `search`; other arguments, the result and errors are those of `Retriever.rank`.

        Raises:
            SettingsError: no model or no translator reads the language of a query, or the filter does not fit.
            DataError: two queries share an id, or an id is not allowed.
            ArtefactError: as `Retriever.rank`.
            TypeError: a query has none of the known forms.
        """
        asked = queries_of(queries)
        check_query_ids(asked)
        groups: dict[tuple[str, QuestionTranslator | None], list[Query]] = {}
        for query in asked:
            route = self.routes.choose(query.text, AUTO if query.language == _UNKNOWN else query.language)
            groups.setdefault(self._reader(route.code, route.model.name, translators), []).append(query)
        run: Run = {}
        with reporting(progress) as tell:
            for (name, translator), group in groups.items():
                run |= self.retrievers[name].rank(
                    group, k, ranking, filter=filter, exact=exact, translator=translator, progress=tell
                )
        return {query.query_id: run[query.query_id] for query in asked}

    def explain(self, question: str, doc_id: str, *, language: str = AUTO) -> Explanation:
        """Say why a document answers a question; see `Retriever.explain`.

        Args:
            question: in a language of the models.
            doc_id: any document of the index.
            language: as for `search`.

        Raises:
            SettingsError: no model reads the language.
            DataError: the model knows no word of the question, or the index has no such document.
            ArtefactError: as `Retriever.explain`.
        """
        return self.retrievers[self.routes.choose(question, language).model.name].explain(question, doc_id)

    def _reader(
        self, code: str, model: str, translators: Mapping[str, QuestionTranslator] | None
    ) -> tuple[str, QuestionTranslator | None]:
        """Name of the model that reads a question, and the translator of the question, if it is translated."""
        if translators is None:
            return model, None
        if unread := translators.keys() - set(self.languages):
            raise SettingsError(
                f"a translator is for {min(unread)!r}, which no model reads, so its questions are not recognised: "
                "give a model of the language, or a single English model to `Retriever.search(translator=...)`"
            )
        if code == ENGLISH:
            return model, None
        if code not in translators:
            raise SettingsError(
                f"no translator from {code!r}: expected a question in {', '.join(translators)} or {ENGLISH}"
            )
        english = [name for name, each in self.routes.models.items() if ENGLISH in each.codes]
        return (english or [model])[0], translators[code]
