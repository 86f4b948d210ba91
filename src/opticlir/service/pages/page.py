"""The addresses of the page. Each is answered whole by the server, so all of it works without JavaScript."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from opticlir.data.normalisation import normalise_typed
from opticlir.encoder import is_pooled
from opticlir.errors import DataError, SettingsError
from opticlir.languages import language_code
from opticlir.progress import Check
from opticlir.records import Document
from opticlir.search.filters import MAX_LETTERS
from opticlir.search.language_routes import AUTO
from opticlir.search.question_models import ENGLISH
from opticlir.service.answers import ExplanationAnswer, HitAnswer, SearchAnswer
from opticlir.service.batching import Workers
from opticlir.service.engine import Question, SearchEngine
from opticlir.service.pages.facts import model_facts
from opticlir.service.pages.heat_map import HeatMap, heat_map
from opticlir.service.pages.passages import question_segments, shown_hit
from opticlir.service.pages.rendering import Templates
from opticlir.service.pages.systems import KEYWORDS, comparison, system_named, systems

_HITS, _MOST_HITS = 10, 50
_LONG, _AROUND = 2000, 200
"""Characters of a document that is compared whole, and around the words that met in a longer one."""

Text = Annotated[str, Query(max_length=1000)]
Name = Annotated[str, Query(max_length=1000)]
Filter = Annotated[str, Query(max_length=MAX_LETTERS)]
Count = Annotated[int, Query(ge=1, le=_MOST_HITS)]


def add_pages(app: FastAPI) -> None:
    """Add the page to an application: `/`, `/explain`, `/compare`, `/about` and their files in `/static`.

    Args:
        app: of the service; its state holds the engine, the workers and the settings.
    """
    site = _Site(app.state.engine, app.state.settings.examples)
    for path, answer in (
        ("/", site.search), ("/explain", site.explain), ("/compare", site.compare), ("/about", site.about),
    ):  # fmt: skip
        app.add_api_route(path, answer, response_class=HTMLResponse, include_in_schema=False)
    app.mount("/static", StaticFiles(packages=[("opticlir.service.pages", "static")]), name="static")


class _Site:
    def __init__(self, engine: SearchEngine, examples: Sequence[tuple[str, str]]) -> None:
        self._engine = engine
        self._examples = examples
        self._explains = not any(is_pooled(model.encoder) for model in engine.served)
        self._systems = systems(engine)
        self._facts = tuple(map(model_facts, engine.served))
        self._templates = Templates(
            tuple(dict.fromkeys(each.code for each in engine.languages)),
            lambda: engine.opened.index.field_kinds,
        )

    async def search(
        self,
        request: Request,
        q: Text = "",
        lang: Name = AUTO,
        k: Count = _HITS,
        filter: Filter = "",  # noqa: A002 - the name in the address
    ) -> HTMLResponse:
        """Search; the form alone where nothing is asked."""
        if not q.strip():
            counts = self._engine.stats()["index"]
            return self._templates.render(request, "start.html", examples=self._examples, counts=counts)
        try:
            answer = await _workers(request).search_and_translate(
                Question(q, lang, k, explain=self._explains, filter=filter if filter.strip() else None)
            )
        except (DataError, SettingsError) as error:
            return self._templates.error(request, str(error))
        hits = tuple(map(shown_hit, answer.hits))
        return self._templates.render(
            request, "search.html", answer=answer, hits=hits,
            question=question_segments(answer.query, hits[0].glosses if hits else ()),
            n_more=k + _HITS if len(hits) == k < _MOST_HITS else None,
        )  # fmt: skip

    async def explain(self, request: Request, doc: Name, q: Text = "", lang: Name = AUTO) -> HTMLResponse:
        """One document whole: why it answers, and how near its words are to those of the question."""
        engine = self._engine

        def compute(check: Check) -> tuple[Document, str, ExplanationAnswer, HeatMap]:
            document, code = engine.document(doc), engine.detect(q) if lang == AUTO else language_code(lang)
            found = engine.explain(q, doc, language=code)
            check()
            return (
                document,
                code,
                found,
                heat_map(engine.word_similarities(q, _part_that_met(document, found), code)),
            )

        try:
            document, code, found, heat = await _workers(request).read(compute)
        except (DataError, SettingsError) as error:
            return self._templates.error(request, str(error))
        shown = shown_hit(
            HitAnswer(
                1,
                doc,
                found.parts["hybrid"],
                document.title,
                document.text,
                document.text,
                document.fields,
                found,
            )
        )
        question = question_segments(normalise_typed(q), shown.glosses)
        return self._templates.render(
            request, "explain.html", shown=shown, question=question, found=found, heat=heat, code=code
        )

    async def compare(
        self, request: Request, q: Text = "", left: Name = "", right: Name = ""
    ) -> HTMLResponse:
        """Two systems side by side for the same question; each model reads it in its own language."""
        left, right = left or self._usual_system(q), right or self._usual_baseline()
        both = None
        try:
            if q.strip():
                both = comparison(*[await self._ranked(request, q, key) for key in (left, right)])
        except (DataError, SettingsError) as error:
            return self._templates.error(request, str(error))
        return self._templates.render(
            request, "compare.html", systems=self._systems, both=both, left=left, right=right
        )

    async def about(self, request: Request) -> HTMLResponse:
        """Facts of the index and the models."""
        index, translators = self._engine.stats()["index"], self._engine.translators
        return self._templates.render(
            request, "about.html", models=self._facts, index=index, translators=translators
        )

    def _usual_system(self, text: str) -> str:
        """The first model that reads the question."""
        code = self._engine.detect(text) if text.strip() else self._engine.languages[0].code
        return next(each.model for each in self._engine.languages if each.code == code)

    def _usual_baseline(self) -> str:
        """The English encoder as it is, where it is served; or else keywords alone."""
        return next((each.model for each in self._engine.languages if each.code == ENGLISH), KEYWORDS)

    async def _ranked(self, request: Request, text: str, key: str) -> SearchAnswer:
        system = system_named(self._systems, key)
        return await _workers(request).search(
            Question(text, k=_HITS, ranking=system.ranking, model=system.model)
        )


def _part_that_met(document: Document, found: ExplanationAnswer) -> str:
    """The whole document, or of a long one what is around the words that met."""
    content = document.content
    spans = [word.document_span for word in found.words if word.document_span]
    if len(content) <= _LONG or not spans:
        return content[:_LONG]
    begin, end = min(begin for begin, _ in spans), max(end for _, end in spans)
    return content[max(0, begin - _AROUND) : end + _AROUND]


def _workers(request: Request) -> Workers:
    workers: Workers = request.app.state.workers
    return workers
