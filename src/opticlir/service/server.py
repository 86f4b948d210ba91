"""Runs the application until a signal stops it."""

import socket
from collections.abc import Callable
from contextlib import ExitStack

import uvicorn

from opticlir.device import share_processors
from opticlir.errors import SetupError
from opticlir.service.app import create_app
from opticlir.service.engine import SearchEngine
from opticlir.service.limits import MAX_HEADERS, MAX_URL
from opticlir.service.logs import log, log_to_stderr
from opticlir.service.protocol import connection_class
from opticlir.service.settings import ServiceSettings


def serve(
    engine: SearchEngine, settings: ServiceSettings, on_ready: Callable[[str], None] = lambda _: None
) -> None:
    """Answer requests until SIGTERM or SIGINT; requests under way are finished first.

    Args:
        engine: what answers.
        settings: where to listen, limits and access.
        on_ready: called with the address once requests are answered.

    Raises:
        SetupError: the address is taken or not of this machine.
        DataError: the token file is not as it should be.
    """
    share_processors()
    app = create_app(engine, settings)
    listener = _listener(settings)
    log_to_stderr()
    config = uvicorn.Config(
        app,
        http=connection_class(client_timeout=settings.client_timeout, connections=settings.connections),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=2 * (MAX_HEADERS + MAX_URL),
        timeout_graceful_shutdown=max(1, round(settings.drain)),
    )
    host, port = listener.getsockname()[:2]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    log("listening", address=address, index_version=engine.version, documents=len(engine))
    on_ready(address)
    uvicorn.Server(config).run(sockets=[listener])


def _listener(settings: ServiceSettings) -> socket.socket:
    """A bound socket."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with ExitStack() as refused:
            listener = refused.enter_context(socket.socket(family, socket.SOCK_STREAM))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            refused.pop_all()  # it stays open
    except OSError as error:
        raise SetupError(
            f"cannot listen on {settings.host}, port {settings.port}: {error.strerror}; choose another port (--port)"
        ) from None
    return listener
