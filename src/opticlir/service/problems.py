"""Errors of the HTTP interface: one JSON object per error, as RFC 9457 describes.

A problem says what was wrong and what was expected. It never holds a stack trace or a whole input.
"""

import json
import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from opticlir.errors import DataError, DeadlineError, OpticlirError, SettingsError
from opticlir.storage import LockedError

logger = logging.getLogger("opticlir.service")

RETRY_AFTER = "1"
"""Seconds after which a client that was turned away may try again."""

_LONGEST = 500
"""Letters of a detail; the message of an error may quote its input."""


class WrongField(BaseModel):
    """A part of the request that was not as expected."""

    path: str
    message: str


class Problem(BaseModel):
    """The body of an error."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    errors: list[WrongField] = []


class RefusedError(Exception):
    """A request that is refused before it reaches the engine.

    Args:
        status: HTTP status.
        detail: what was wrong, and what to do.
        headers: of the answer.
    """

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers or {}


def busy(detail: str) -> RefusedError:
    """The refusal of a service that has too much to do."""
    return RefusedError(503, detail, {"Retry-After": RETRY_AFTER})


def problem_body(status: int, detail: str = "", errors: Sequence[WrongField] = ()) -> bytes:
    """The JSON of a problem, in ASCII."""
    problem = Problem(
        title=HTTPStatus(status).phrase, status=status, detail=detail[:_LONGEST], errors=list(errors)
    )
    return json.dumps(problem.model_dump()).encode()


def problem_response(
    status: int,
    detail: str = "",
    *,
    headers: dict[str, str] | None = None,
    errors: Sequence[WrongField] = (),
) -> Response:
    """A problem as an answer."""
    body = problem_body(status, detail, errors)
    return Response(body, status, headers, media_type="application/problem+json")


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route for OpenAPI."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "model": Problem,
            "content": {"application/problem+json": schema},
        }
        for status in statuses
    }


def add_problem_handlers(app: FastAPI) -> None:
    """Answer every exception with a problem."""

    @app.exception_handler(RefusedError)
    async def refused(_: Request, error: RefusedError) -> Response:
        return problem_response(error.status, error.detail, headers=error.headers)

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> Response:
        wrong = [
            WrongField(path=".".join(map(str, each["loc"]))[:_LONGEST], message=each["msg"][:_LONGEST])
            for each in error.errors()[:20]
        ]
        return problem_response(422, "the request does not have the expected form", errors=wrong)

    @app.exception_handler(HTTPException)
    async def unroutable(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = ", ".join(sorted(_methods(request)))
        return problem_response(error.status_code, str(error.detail), headers=headers)

    @app.exception_handler(OpticlirError)
    async def impossible(_: Request, error: OpticlirError) -> Response:
        refusal = as_refusal(error)
        return problem_response(refusal.status, refusal.detail, headers=refusal.headers)

    @app.exception_handler(Exception)
    async def failed(_: Request, error: Exception) -> Response:
        logger.error("failed", exc_info=error)
        return problem_response(500, "the service failed; its log says more")


def _methods(request: Request) -> set[str]:
    """The methods that some route takes at the address of a request."""
    schema: dict[str, Any] = request.app.openapi()
    return {method.upper() for method in schema["paths"].get(request.url.path, {})}


def as_refusal(error: OpticlirError) -> RefusedError:
    """Return what a client may know of an error of the engine. Paths of this machine are only in the log."""
    if isinstance(error, DeadlineError):
        return busy("the answer took too long and was given up: ask for less, or try again")
    if isinstance(error, LockedError):
        return RefusedError(
            409, "another process is writing the index: try again", {"Retry-After": RETRY_AFTER}
        )
    if isinstance(error, DataError | SettingsError):
        return RefusedError(422, str(error))
    logger.error("failed", exc_info=error)
    return RefusedError(500, "the index or a model is damaged; the log of the service says more")
