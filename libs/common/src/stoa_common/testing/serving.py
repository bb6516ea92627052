"""Apps on a real socket, for what a client in memory does not show: connections that close, slow clients, streams."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

from stoa_common.http.protocol import LimitedHttp


def a_socket() -> socket.socket:
    """Bound to a free port of loopback; whoever connects before it is served waits."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    return taken


def url_of(taken: socket.socket) -> str:
    """The URL of what is served there."""
    return f"http://127.0.0.1:{taken.getsockname()[1]}"


@asynccontextmanager
async def served(
    app: ASGIApp, taken: socket.socket, *, http: type[LimitedHttp] = LimitedHttp
) -> AsyncIterator[uvicorn.Server]:
    """The app on this socket, with connections as a service's own process has them."""
    config = uvicorn.Config(
        app,
        http=http,
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
        proxy_headers=False,
        server_header=False,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[taken]))
    try:
        while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
            await asyncio.sleep(0.01)
        yield server
    finally:
        server.should_exit = True
        await serving
