"""The application that `opticlir serve` runs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI

import opticlir
from opticlir.errors import OpticlirError
from opticlir.service.access import Access, read_tokens
from opticlir.service.batching import Workers
from opticlir.service.engine import SearchEngine
from opticlir.service.guard import Guard
from opticlir.service.logs import log
from opticlir.service.metrics import Metrics
from opticlir.service.pages import add_pages
from opticlir.service.problems import add_problem_handlers
from opticlir.service.routes import api, probes
from opticlir.service.settings import ServiceSettings

_DESCRIPTION = """
Ask questions in many languages, and get English passages.

Errors are problems as RFC 9457 describes them. `503` comes with `Retry-After`: the service has too much to do.
Where the service has tokens, send `Authorization: Bearer TOKEN`.
"""


def create_app(engine: SearchEngine, settings: ServiceSettings | None = None) -> FastAPI:
    """Make the application.

    Args:
        engine: what answers.
        settings: limits and access; None takes the defaults.

    Raises:
        DataError: the token file is not as it should be.
    """
    settings = settings or ServiceSettings()
    metrics = Metrics()
    workers = Workers(engine, batch=settings.batch, deadline=settings.deadline, metrics=metrics)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await workers.start()
        watching = asyncio.create_task(_watch(engine, workers, metrics, settings.watch))
        yield
        watching.cancel()
        await workers.stop()
        log("stopped")

    app = FastAPI(
        title="opticlir", version=opticlir.__version__, description=_DESCRIPTION, lifespan=lifespan,
        docs_url=None, redoc_url=None, redirect_slashes=False,
    )  # fmt: skip
    app.state.engine, app.state.workers = engine, workers
    app.state.settings, app.state.metrics = settings, metrics
    add_problem_handlers(app)
    app.include_router(api)
    app.include_router(probes)
    add_pages(app)
    tokens = None if settings.token_file is None else read_tokens(settings.token_file)
    access = Access(tokens, settings.hosts)
    app.add_middleware(Guard, access=access, queue=settings.queue, metrics=metrics)
    return app


async def _watch(engine: SearchEngine, workers: Workers, metrics: Metrics, seconds: float) -> None:
    """Search each version of the index soon after it is published."""
    failed = ""
    while True:
        await asyncio.sleep(seconds)
        if engine.is_current():
            continue
        try:
            version = await workers.write(engine.reload)
        except OpticlirError as error:  # the old version is searched on
            if str(error) != failed:
                failed = str(error)
                log("not reloaded", error=failed)
        else:
            metrics.reloads.inc()
            log("reloaded", index_version=version, documents=len(engine))
