"""The routes of the JSON interface: each brings a request to the engine and its answer into JSON."""

import base64
from dataclasses import asdict
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import PlainTextResponse

import opticlir
from opticlir.errors import DataError
from opticlir.records import Document
from opticlir.service.answers import AlignAnswer, SearchAnswer
from opticlir.service.batching import Workers
from opticlir.service.engine import Question, SearchEngine
from opticlir.service.limits import MAX_TEXTS
from opticlir.service.metrics import Metrics
from opticlir.service.problems import RefusedError, documented
from opticlir.service.schemas import (
    AlignRequest,
    DocumentId,
    DocumentOut,
    DocumentsRequest,
    DocumentsResponse,
    Embedding,
    EmbeddingsRequest,
    EmbeddingsResponse,
    Health,
    LanguageOut,
    LanguagesResponse,
    RerankRequest,
    RerankResponse,
    RerankResult,
    RerankText,
    SearchRequest,
    StatsResponse,
    Usage,
    VersionResponse,
)

_ALWAYS = documented(400, 401, 403, 405, 414, 431, 500)
_COMPUTED = documented(408, 413, 415, 422, 503)

api = APIRouter(prefix="/v1", responses=_ALWAYS)
probes = APIRouter(responses=_ALWAYS)


def _engine(request: Request) -> SearchEngine:
    engine: SearchEngine = request.app.state.engine
    return engine


def _workers(request: Request) -> Workers:
    workers: Workers = request.app.state.workers
    return workers


Engine = Annotated[SearchEngine, Depends(_engine)]
Computing = Annotated[Workers, Depends(_workers)]


@api.post("/search", responses=_COMPUTED, tags=["search"])
async def search(asked: SearchRequest, request: Request, workers: Computing) -> SearchAnswer:
    """Answer a question: documents of the index, best first; on request with the words that met."""
    question = Question(
        asked.query, asked.language, asked.k, asked.ranking, asked.explain, asked.model, asked.filter
    )
    answer = await (workers.search_and_translate if asked.translate else workers.search)(question)
    request.state.facts.update(
        {"language": answer.language, "hits": len(answer.hits)}
        | ({"query": answer.query} if request.app.state.settings.log_queries else {})
    )
    return answer


@api.post("/rerank", responses=_COMPUTED, tags=["search"], response_model_exclude_none=True)
async def rerank(asked: RerankRequest, engine: Engine, workers: Computing) -> RerankResponse:
    """Order English texts by how well they answer a question."""
    texts = [each if isinstance(each, str) else each.text for each in asked.documents]
    answer = await workers.read(
        lambda check: engine.rerank(asked.query, texts, asked.language, model=asked.model, check=check)
    )
    results = [
        RerankResult(
            index=each.index, relevance_score=each.score,
            document=RerankText(text=each.text) if asked.return_documents else None,
        )
        for each in answer.results[: asked.top_n]
    ]  # fmt: skip
    return RerankResponse(model=answer.model, language=answer.language, results=results)


@api.post("/align", responses=_COMPUTED, tags=["search"])
async def align(asked: AlignRequest, engine: Engine, workers: Computing) -> AlignAnswer:
    """Align the tokens of a question with those of an English text by optimal transport."""
    return await workers.read(
        lambda _: engine.align(asked.query, asked.text, asked.language, model=asked.model)
    )


@api.post("/embeddings", responses=_COMPUTED, tags=["search"])
async def embeddings(asked: EmbeddingsRequest, engine: Engine, workers: Computing) -> EmbeddingsResponse:
    """Encode texts: one vector per text, or one per token."""
    texts = [asked.input] if isinstance(asked.input, str) else asked.input
    answer = await workers.read(
        lambda check: engine.embed(texts, asked.language, asked.input_type, model=asked.model, check=check)
    )
    n_tokens = sum(map(len, answer.vectors))
    return EmbeddingsResponse(
        model=answer.model,
        language=answer.language,
        data=[
            Embedding(index=index, embedding=_written(matrix if asked.multi_vector else _mean(matrix), asked))
            for index, matrix in enumerate(answer.vectors)
        ],
        usage=Usage(prompt_tokens=n_tokens, total_tokens=n_tokens),
    )


@api.get("/documents", responses=documented(404, 422), tags=["documents"])
def documents(
    engine: Engine,
    id: Annotated[list[DocumentId], Query(max_length=MAX_TEXTS)] = [],  # noqa: A002, B006 - the name in the address
    offset: Annotated[int, Query(ge=0, le=2**53)] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_TEXTS)] = 20,
) -> DocumentsResponse:
    """Documents by their ids, or a page of all documents."""
    try:
        found = [engine.document(each) for each in id] if id else engine.documents(offset, limit)
    except DataError as error:
        raise RefusedError(404, str(error)) from None
    return DocumentsResponse(
        index_version=engine.version, total=len(engine), documents=[_document(each) for each in found]
    )


@api.put("/documents", responses=_COMPUTED | documented(409), tags=["documents"])
async def put_documents(asked: DocumentsRequest, engine: Engine, workers: Computing) -> VersionResponse:
    """Write documents and publish a version of the index with them."""
    new = [Document(each.id, each.text, each.title, each.fields) for each in asked.documents]
    version = await workers.write(lambda: engine.put(new))
    return VersionResponse(index_version=version, total=len(engine))


@api.delete("/documents", responses=documented(404, 409, 422, 503), tags=["documents"])
async def delete_documents(
    engine: Engine,
    workers: Computing,
    id: Annotated[list[DocumentId], Query(min_length=1, max_length=MAX_TEXTS)],  # noqa: A002
) -> VersionResponse:
    """Publish a version of the index without some documents. An unknown id deletes nothing."""
    try:
        for each in id:
            engine.document(each)
    except DataError as error:
        raise RefusedError(404, str(error)) from None
    version = await workers.write(lambda: engine.delete(id))
    return VersionResponse(index_version=version, total=len(engine))


@api.post("/reload", responses=documented(409, 503), tags=["service"])
async def reload(engine: Engine, workers: Computing) -> VersionResponse:
    """Search the version of the index that is current now. Answers under way keep theirs."""
    version = await workers.write(engine.reload)
    return VersionResponse(index_version=version, total=len(engine))


@api.get("/languages", tags=["service"])
def languages(engine: Engine) -> LanguagesResponse:
    """The languages that questions can be in."""
    return LanguagesResponse(languages=[LanguageOut(**asdict(each)) for each in engine.languages])


@api.get("/stats", tags=["service"])
def stats(engine: Engine) -> StatsResponse:
    """Figures of the index and the models."""
    return StatsResponse.model_validate({"version": opticlir.__version__, **engine.stats()})


@probes.get("/healthz", tags=["service"])
async def healthz() -> Health:
    """Whether the service is alive."""
    return Health()


@probes.get("/readyz", responses=documented(503), tags=["service"])
async def readyz() -> Health:
    """Whether the service answers questions: it listens only once its models are loaded."""
    return Health()


@probes.get("/metrics", tags=["service"], response_class=PlainTextResponse)
def metrics(request: Request, engine: Engine) -> Response:
    """Figures for Prometheus."""
    figures: Metrics = request.app.state.metrics
    figures.documents.set(len(engine))
    return PlainTextResponse(figures.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _document(found: Document) -> DocumentOut:
    return DocumentOut(id=found.doc_id, title=found.title, text=found.text, fields=dict(found.fields))


def _mean(matrix: np.ndarray) -> np.ndarray:
    """The mean of unit vectors at unit length; zeros for a text without tokens."""
    if not len(matrix):
        return np.zeros(matrix.shape[1], np.float32)
    mean = matrix.mean(axis=0)
    return mean / max(float(np.linalg.norm(mean)), 1e-12)


def _written(vectors: np.ndarray, asked: EmbeddingsRequest) -> Any:
    if asked.encoding_format == "float":
        return vectors.tolist()
    rows = [base64.b64encode(row.astype("<f4").tobytes()).decode() for row in np.atleast_2d(vectors)]
    return rows if vectors.ndim == 2 else rows[0]
