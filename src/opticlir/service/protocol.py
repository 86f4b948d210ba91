"""The connection of one client: HTTP/1.1 by uvicorn and h11, with a limit on the time that a client may take.

A client has some seconds to send a request and as many to read the answer. It gains nothing by sending or reading a
byte now and then: the time counts from the first byte. Idle connections are closed by uvicorn.
"""

import asyncio
import socket
import struct

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from opticlir.service.problems import RETRY_AFTER, problem_body


def connection_class(*, client_timeout: float, connections: int) -> type[H11Protocol]:
    """The protocol for uvicorn.

    Args:
        client_timeout: seconds to send a request, and to read an answer.
        connections: open connections; more are answered with 503 and closed.
    """

    class TimedConnection(_TimedConnection):
        limit, seconds = connections, client_timeout

    return TimedConnection


class _TimedConnection(H11Protocol):
    limit: int
    seconds: float
    _sending: asyncio.TimerHandle | None = None
    """Runs while the client owes us the rest of a request."""
    _reading: asyncio.TimerHandle | None = None
    """Runs while the client owes us the reading of an answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.limit:
            self._refuse(503, "too many connections: try again later", f"Retry-After: {RETRY_AFTER}\r\n")
            return
        self._sending = self.loop.call_later(self.seconds, self._on_slow_request)

    def data_received(self, data: bytes) -> None:
        if not self.transport.is_closing():
            super().data_received(data)
            self._watch_request()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch_request()
        if self.transport.get_write_buffer_size():
            self._start_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        for timer in (self._sending, self._reading):
            if timer is not None:
                timer.cancel()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._start_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._start_reading()

    def shutdown(self) -> None:
        super().shutdown()
        self._start_reading()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words are no problem in JSON
        self._refuse(400, "this is no HTTP/1.1 request, or its head is too long", "")

    def _watch_request(self) -> None:
        """Start or stop the clock: whether part of a request has come, and not all of it."""
        state = self.conn.their_state
        is_partial = state is h11.SEND_BODY or (state is h11.IDLE and bool(self.conn.trailing_data[0]))
        if not is_partial and self._sending is not None:
            self._sending.cancel()
            self._sending = None
        elif is_partial and self._sending is None:
            self._sending = self.loop.call_later(self.seconds, self._on_slow_request)

    def _on_slow_request(self) -> None:
        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            self.transport.abort()
        else:
            self._refuse(408, "the request took too long to arrive", "")

    def _start_reading(self) -> None:
        if self._reading is None:
            self._reading = self.loop.call_later(self.seconds, self._on_slow_reader)

    def _on_slow_reader(self) -> None:
        self._reading = None
        if self.transport.is_closing() or self.transport.get_write_buffer_size():
            # reset the connection: after a plain close the kernel would keep what was not read
            connection = self.transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()

    def _refuse(self, status: int, detail: str, more_headers: str) -> None:
        """Answer without the application, and close."""
        if self.transport.is_closing():
            return
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        body = problem_body(status, detail)
        head = (
            f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/problem+json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n{more_headers}\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
        self._start_reading()


_REASONS = {400: "Bad Request", 408: "Request Timeout", 503: "Service Unavailable"}
