"""Checks in front of the routes: access, limits, the count of requests in work, headers of safety, log and figures."""

import secrets
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, TypeAlias

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from opticlir.service.access import Access
from opticlir.service.limits import check_depth, check_head, check_size
from opticlir.service.logs import log
from opticlir.service.metrics import Metrics
from opticlir.service.problems import RefusedError, busy, problem_response

_Body: TypeAlias = bytes

SAFETY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers of every answer."""

_PIECE = 65_536
"""Bytes of an answer that are written to the connection at a time. The next ones wait until they are sent."""
_WITH_BODY = ("POST", "PUT", "PATCH")
_PAGES = ("/", "/explain", "/compare")
"""Pages that ask the models."""


class Guard:
    """Lets allowed requests through to an application, a limited number at a time.

    Args:
        app: the routes.
        access: who may do what.
        queue: requests in work at a time; more are answered with 503.
        metrics: where answers are counted.
    """

    def __init__(self, app: ASGIApp, *, access: Access, queue: int, metrics: Metrics) -> None:
        self._app, self._access, self._queue, self._metrics = app, access, queue, metrics
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; other events pass."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin, request_id = monotonic(), secrets.token_hex(8)
        facts: dict[str, Any] = {}
        scope.setdefault("state", {})["facts"] = facts
        status = 499  # where the client went away

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *_safety(scope["path"], request_id)]
            await _in_pieces(message, send)

        try:
            await self._admitted(scope, receive, answer)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            seconds = monotonic() - begin
            self._metrics.requests.labels(route, _method(scope), status).inc()
            self._metrics.seconds.labels(route).observe(seconds)
            if route not in ("/healthz", "/readyz", "/metrics"):
                log(
                    "answered", id=request_id, method=_method(scope), route=route, status=status,
                    ms=round(1000 * seconds, 1), **facts,
                )  # fmt: skip

    async def _admitted(self, scope: Scope, receive: Receive, answer: Send) -> None:
        is_change = scope["method"] in (*_WITH_BODY, "DELETE")
        is_counted = scope["path"] in _PAGES or (scope["path"].startswith("/v1/") and is_change)
        if is_counted and self._in_flight >= self._queue:
            self._metrics.refused.labels("queue").inc()
            refusal = busy("too many requests at a time: try again later")
            await _refuse(refusal, scope, receive, answer)
            return
        self._in_flight += is_counted
        self._metrics.in_flight.set(self._in_flight)
        try:
            body = await self._checked_body(scope, receive)
        except RefusedError as refusal:
            await _refuse(refusal, scope, receive, answer)
        else:
            if body is not None:
                await self._app(scope, _replayed(body, receive), answer)
        finally:
            self._in_flight -= is_counted
            self._metrics.in_flight.set(self._in_flight)

    async def _checked_body(self, scope: Scope, receive: Receive) -> _Body | None:
        """The whole body of an allowed request; None where the client went away."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        query = scope["query_string"]
        check_head(scope.get("raw_path", b"") + (b"?" + query if query else b""), scope["headers"])
        self._access.check(scope["method"], scope["path"], headers)
        length = headers.get("content-length", "0")
        check_size(int(length) if length.isdecimal() else 0)
        body = bytearray()
        is_more = True
        while is_more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            check_size(len(body))
            is_more = message.get("more_body", False)
        if body and scope["method"] in _WITH_BODY:
            _check_type(headers.get("content-type", ""))
            check_depth(bytes(body))
        return bytes(body)


def _check_type(content_type: str) -> None:
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise RefusedError(415, "the body must be JSON: send Content-Type: application/json")


def _replayed(body: _Body, receive: Receive) -> Callable[[], Awaitable[Message]]:
    is_read = False

    async def once() -> Message:
        nonlocal is_read
        if is_read:
            return await receive()
        is_read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once


async def _in_pieces(message: Message, send: Send) -> None:
    body = message.get("body", b"")
    for start in range(0, max(1, len(body) - _PIECE), _PIECE) if len(body) > _PIECE else ():
        await send({**message, "body": body[start : start + _PIECE], "more_body": True})
        message["body"] = body[start + _PIECE :]
    await send(message)


async def _refuse(refusal: RefusedError, scope: Scope, receive: Receive, send: Send) -> None:
    response = problem_response(refusal.status, refusal.detail, headers=refusal.headers)
    await response(scope, receive, send)


def _safety(path: str, request_id: str) -> list[tuple[bytes, bytes]]:
    headers = {**SAFETY, "X-Request-ID": request_id}
    if path.startswith("/v1/"):
        headers["Cache-Control"] = "no-store"
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def _method(scope: Scope) -> str:
    """The method; one that a client made up counts as OTHER, so that there are few."""
    known = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
    return scope["method"] if scope["method"] in known else "OTHER"
