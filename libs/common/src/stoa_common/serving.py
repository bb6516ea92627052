"""HTTP out of a process: one uvicorn, which hears no signals itself and leaves so that no request is lost."""

import asyncio
import contextlib

import uvicorn
from fastapi import FastAPI
from starlette.datastructures import State
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stoa_common.http.protocol import LimitedHttp
from stoa_common.settings import ServiceSettings


async def serve(app: FastAPI, settings: ServiceSettings) -> None:
    """Answer requests until cancelled, and then until the open ones have ended.

    Cancelled, uvicorn would leave its socket open and its requests half done: it is asked to end instead.
    """
    server = _server(app, settings)
    serving = asyncio.ensure_future(server.serve())
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the process has one place that hears them."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]  # the name and shape are uvicorn's
        yield


def _server(app: FastAPI, settings: ServiceSettings) -> _Server:
    config = uvicorn.Config(
        _last_answers(app, app.state),
        http=LimitedHttp,
        # Nothing of ours is a web socket: with a library for it installed, uvicorn would hand over to its own protocol.
        ws="none",
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=settings.finish_seconds,
        timeout_keep_alive=75,
        proxy_headers=False,
        server_header=False,
        lifespan="off",
        loop="none",
    )
    return _Server(config)


def _last_answers(app: ASGIApp, state: State) -> ASGIApp:
    """While the process leaves, each answer ends its connection: the client's next request goes elsewhere."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_last(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            await send(message)

        try:
            await app(scope, receive, send_last if getattr(state, "is_leaving", False) else send)
        except asyncio.CancelledError:
            # What did not end in time has been told so, or is cut; uvicorn would log it as a failure of ours.
            if not getattr(state, "is_leaving", False):
                raise

    return answer
